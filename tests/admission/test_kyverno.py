"""Kyverno's policies: match and exclude, failure actions, exceptions, lifting to controllers, its own functions."""

from __future__ import annotations

from typing import Any

import pytest

from policykit.views.objects import AdmittedObject
from policykit.views.project import Facts, Project
from tests.admission.policies import checks, judge, judge_document, manifest, problems

POD = (
    "{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: c, image: a}]}}"
)
TEMPLATE = "{metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: a}]}}"
DEPLOYMENT = f"""{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}},
    spec: {{selector: {{matchLabels: {{app: web}}}}, template: {TEMPLATE}}}}}"""
CRON_JOB = f"""{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: web}},
    spec: {{schedule: '* * * * *', jobTemplate: {{spec: {{template: {TEMPLATE}}}}}}}}}"""
NO_A = "object.spec.containers.all(c, c.image != 'a')"
PODS: dict[str, Any] = {"any": [{"resources": {"kinds": ["Pod"]}}]}


def cluster_policy(*expressions: str, rules: int = 1, annotations: dict[str, str] | None = None, **rule: Any) -> Any:
    """A ClusterPolicy; what begins with `spec_` is put into its spec."""
    spec = {key.removeprefix("spec_"): rule.pop(key) for key in list(rule) if key.startswith("spec_")}
    cel = {"expressions": [{"expression": e, "message": f"no: {e}"} for e in expressions]}
    made = [{"name": f"rule{index}", "match": PODS, "validate": {"cel": cel}} | rule for index in range(rules)]
    metadata = {"name": "p", "annotations": annotations or {}}
    return {
        "apiVersion": "kyverno.io/v1",
        "kind": "ClusterPolicy",
        "metadata": metadata,
        "spec": {"rules": made} | spec,
    }


def validating_policy(*expressions: str, **spec: Any) -> Any:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    given = {"matchConstraints": {"resourceRules": rules}, "validations": [{"expression": e} for e in expressions]}
    head = {"apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy", "metadata": {"name": "p"}}
    return head | {"spec": given | spec}


def verdicts(
    policy: Any, text: str = POD, *others: str, beside: tuple[Any, ...] = (), facts: Facts | None = None
) -> Any:
    (check,) = checks(manifest(policy, *beside))
    return [outcome.verdict for outcome in judge(check, text, *others, facts=facts)]


@pytest.mark.parametrize(
    ("kind", "judged"),
    [
        ("Pod", True),
        ("v1/Pod", True),
        ("*/Pod", True),
        ("P?d", True),
        ("*", True),
        ("*/*", True),
        ("Pod/exec", False),
        ("Pod.status", False),
        ("apps/v1/Pod", False),
        ("v2/Pod", False),
        ("*/exec", False),
    ],
)
def test_kinds(kind: str, judged: bool) -> None:
    match = {"any": [{"resources": {"kinds": [kind]}}]}
    assert bool(verdicts(cluster_policy("false", match=match))) is judged


@pytest.mark.parametrize(
    ("resources", "judged"),
    [
        ({"names": ["w*", "x"]}, True),
        ({"name": "x*"}, False),
        ({"namespaces": ["def*"]}, True),
        ({"namespaces": ["kube-*"]}, False),
        ({"operations": ["UPDATE"]}, False),
        ({"selector": {"matchLabels": {"a*": "?eb"}}}, True),
        ({"selector": {"matchLabels": {"app": "x"}}}, False),
        ({"annotations": {"*": "*"}}, False),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}, True),
    ],
)
def test_resources(resources: dict[str, Any], judged: bool) -> None:
    block = {"any": [{"resources": {"kinds": ["Pod"]} | resources}]}
    assert bool(verdicts(cluster_policy("false", match=block))) is judged
    assert bool(verdicts(cluster_policy("false", exclude=block))) is not judged


def test_any_all_and_neither() -> None:
    pod, other = {"resources": {"kinds": ["Pod"]}}, {"resources": {"kinds": ["Pod"], "names": ["x"]}}
    assert verdicts(cluster_policy("false", match={"any": [other, pod]}))
    assert not verdicts(cluster_policy("false", match={"all": [other, pod]}))
    assert verdicts(cluster_policy("false", match=pod))
    assert not verdicts(cluster_policy("false", match={"any": [{}]}))
    assert verdicts(cluster_policy("false", exclude={"all": [other, pod]}))
    assert not verdicts(cluster_policy("false", exclude={"any": [other, pod]}))


def test_users() -> None:
    admins = {"any": [{"subjects": [{"kind": "Group", "name": "admin*"}, {"kind": "User", "name": "root"}]}]}
    assert verdicts(cluster_policy("false", exclude=admins))
    assert not verdicts(cluster_policy("false", exclude=admins), facts=Facts(user={"username": "root"}))
    assert not verdicts(cluster_policy("false", exclude=admins), facts=Facts(user={"groups": ["admins"]}))
    robot = {"subjects": [{"kind": "ServiceAccount", "namespace": "ci", "name": "*"}]}
    known = Facts(user={"username": "system:serviceaccount:ci:bot"})
    assert not verdicts(cluster_policy("false", exclude=robot), facts=known)


def test_roles_are_a_clusters_to_know() -> None:
    admins = {"any": [{"clusterRoles": ["cluster-admin"]}]}
    assert verdicts(cluster_policy("false", exclude=admins)) == ["fail"]
    data = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n"}}
    request = {"operation": "CREATE", "object": data, "userInfo": {"username": "jane"}}
    document = AdmittedObject(data, "v1", "Pod", "a", "n", request)
    (check,) = checks(manifest(cluster_policy("false", exclude=admins)))
    (outcome,) = judge_document(check, document, Project((document,), Facts()))
    assert (outcome.verdict, outcome.message) == ("unknown", "cannot be judged: the clusterRoles of the user")


def test_preconditions_and_messages() -> None:
    unless = [{"name": "c", "expression": "object.metadata.name != 'web'"}]
    assert not verdicts(cluster_policy("false", celPreconditions=unless))
    cel = {"expressions": [{"expression": "false"}, {"expression": "false", "messageExpression": "object.kind + '!'"}]}
    policy = cluster_policy(validate={"message": "as a whole", "cel": cel})
    assert [o.message for c in checks(manifest(policy)) for o in judge(c, POD)] == ["as a whole", "Pod!"]
    two = cluster_policy("false", rules=2)
    assert [o.message for c in checks(manifest(two)) for o in judge(c, POD)] == ["rule0: no: false", "rule1: no: false"]


def test_preconditions_of_another_language_leave_it_unknown() -> None:
    given = {"all": [{"key": "{{ request.operation }}", "operator": "Equals", "value": "CREATE"}]}
    assert verdicts(cluster_policy("false", preconditions=given)) == ["unknown"]
    assert verdicts(cluster_policy("true", preconditions=given)) == []


def test_failure_actions() -> None:
    def severities(policy: Any, namespace: str) -> list[Any]:
        return [o.severity for c in checks(manifest(policy)) for o in judge(c, POD, facts=Facts(namespace=namespace))]

    assert severities(cluster_policy("false"), "a") == ["info"]
    assert severities(cluster_policy("false", spec_validationFailureAction="enforce"), "a") == ["error"]
    overrides = [{"action": "Audit", "namespaces": ["dev-*"]}]
    policy = cluster_policy(
        "false", spec_validationFailureAction="Enforce", spec_validationFailureActionOverrides=overrides
    )
    assert severities(policy, "dev-1") == ["info"]
    assert severities(policy, "prod") == ["error"]


def test_a_namespaced_policy_holds_in_its_namespace() -> None:
    policy = cluster_policy("false") | {"kind": "Policy", "metadata": {"name": "p", "namespace": "a"}}
    assert verdicts(policy, facts=Facts(namespace="a"))
    assert not verdicts(policy, facts=Facts(namespace="b"))
    namespaced = validating_policy("false") | {
        "kind": "NamespacedValidatingPolicy",
        "metadata": {"name": "p", "namespace": "a"},
    }
    assert verdicts(namespaced, facts=Facts(namespace="a"))
    assert not verdicts(namespaced, facts=Facts(namespace="b"))


@pytest.mark.parametrize("make", [cluster_policy, validating_policy])
def test_policies_on_pods_are_lifted_to_controllers(make: Any) -> None:
    label = "object.metadata.labels.app != 'web'"
    for text, template in ((DEPLOYMENT, "spec.template"), (CRON_JOB, "spec.jobTemplate.spec.template")):
        (check,) = checks(manifest(make(NO_A)))
        assert [o.at for o in judge(check, text)] == [f"{template}.spec.containers"]
        assert verdicts(make(label), text) == ["fail"]


@pytest.mark.parametrize(
    ("change", "lifted"),
    [
        ({}, {"Deployment", "CronJob"}),
        ({"annotations": {"pod-policies.kyverno.io/autogen-controllers": "none"}}, set()),
        ({"annotations": {"pod-policies.kyverno.io/autogen-controllers": "Deployment,Job"}}, {"Deployment"}),
        ({"annotations": {"pod-policies.kyverno.io/autogen-controllers": "CronJob"}}, {"CronJob"}),
        ({"match": {"any": [{"resources": {"kinds": ["Pod"], "names": ["*"]}}]}}, set()),
        ({"match": {"any": [{"resources": {"kinds": ["Pod", "Service"]}}]}}, set()),
        ({"exclude": {"any": [{"resources": {"selector": {"matchLabels": {"a": "b"}}}}]}}, set()),
        ({"exclude": {"any": [{"resources": {"namespaces": ["kube-system"]}}]}}, {"Deployment", "CronJob"}),
    ],
)
def test_which_cluster_policies_are_lifted(change: dict[str, Any], lifted: set[str]) -> None:
    found = {
        k
        for k, text in (("Deployment", DEPLOYMENT), ("CronJob", CRON_JOB))
        if verdicts(cluster_policy(NO_A, **change), text)
    }
    assert found == lifted


@pytest.mark.parametrize(
    ("change", "lifted"),
    [
        ({}, {"Deployment", "CronJob"}),
        ({"autogen": {"podControllers": {"controllers": ["deployments"]}}}, {"Deployment"}),
        ({"autogen": {"podControllers": {"controllers": []}}}, set()),
        ({"matchConditions": [{"name": "c", "expression": "object.spec.containers[0].name != 'c'"}]}, set()),
    ],
)
def test_which_validating_policies_are_lifted(change: dict[str, Any], lifted: set[str]) -> None:
    found = {
        k
        for k, text in (("Deployment", DEPLOYMENT), ("CronJob", CRON_JOB))
        if verdicts(validating_policy(NO_A, **change), text)
    }
    assert found == lifted


@pytest.mark.parametrize(
    "changes",
    [
        {"objectSelector": {"matchLabels": {"app": "web"}}},
        {"excludeResourceRules": [{"apiGroups": ["x"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]},
        {"resourceRules": [{"apiGroups": [""], "apiVersions": ["*"], "operations": ["*"], "resources": ["pods"]}]},
    ],
)
def test_validating_policies_that_are_about_more_than_pods_are_not_lifted(changes: dict[str, Any]) -> None:
    constraints = validating_policy("x")["spec"]["matchConstraints"] | changes
    assert verdicts(validating_policy(NO_A, matchConstraints=constraints))
    assert not verdicts(validating_policy(NO_A, matchConstraints=constraints), DEPLOYMENT)


def test_the_namespace_is_the_objects_not_the_templates() -> None:
    assert verdicts(validating_policy("object.metadata.namespace == 'default'"), DEPLOYMENT) == []


def test_exceptions_from_rules() -> None:
    def exception(**spec: Any) -> Any:
        given = {"exceptions": [{"policyName": "p", "ruleNames": ["rule*"]}], "match": PODS} | spec
        head = {"apiVersion": "kyverno.io/v2", "kind": "PolicyException", "metadata": {"name": "e", "namespace": "n"}}
        return head | {"spec": given}

    policy = cluster_policy(NO_A)
    assert verdicts(policy, beside=(exception(),)) == []
    assert verdicts(policy, beside=(exception(exceptions=[{"policyName": "q", "ruleNames": ["*"]}]),)) == ["fail"]
    assert verdicts(policy, beside=(exception(conditions={"all": []} | {"any": [{}]}),)) == ["unknown"]
    named = {"any": [{"resources": {"kinds": ["Pod"], "names": ["other"]}}]}
    assert verdicts(policy, beside=(exception(match=named),)) == ["fail"]
    # A lifted rule goes by a name of its own.
    controllers = {"any": [{"resources": {"kinds": ["Deployment"]}}]}
    lifted = [{"policyName": "p", "ruleNames": ["autogen-rule0"]}]
    assert verdicts(policy, DEPLOYMENT, beside=(exception(match=controllers),)) == ["fail"]
    assert verdicts(policy, DEPLOYMENT, beside=(exception(match=controllers, exceptions=lifted),)) == []


def test_exceptions_from_validating_policies() -> None:
    def exception(**spec: Any) -> Any:
        given = {"policyRefs": [{"name": "p", "kind": "ValidatingPolicy"}]} | spec
        head = {"apiVersion": "policies.kyverno.io/v1", "kind": "PolicyException", "metadata": {"name": "e"}}
        return head | {"spec": given}

    conditions = [{"name": "a", "expression": "object.metadata.name == 'web'"}, {"name": "b", "expression": "1 == 1"}]
    policy = validating_policy(NO_A)
    assert verdicts(policy, beside=(exception(matchConditions=conditions),)) == []
    conditions[1]["expression"] = "1 == 2"
    assert verdicts(policy, beside=(exception(matchConditions=conditions),)) == ["fail"]
    assert verdicts(policy, beside=(exception(policyRefs=[{"name": "q", "kind": "ValidatingPolicy"}]),)) == ["fail"]
    allowing = validating_policy("object.spec.containers.all(c, c.image in exceptions.allowedImages)")
    assert verdicts(allowing, beside=(exception(images=["a"]),)) == []
    assert verdicts(allowing, beside=(exception(images=["b"]),)) == ["fail"]


def test_messages_and_errors_of_validating_policies() -> None:
    def said(*validations: dict[str, str], **spec: Any) -> list[str]:
        policy = validating_policy(**spec)
        policy["spec"]["validations"] = list(validations)
        return [o.message for c in checks(manifest(policy)) for o in judge(c, POD)]

    assert said({"expression": "true"}, {"expression": "false"}) == ["CEL expression validation failed at index 1"]
    assert said({"expression": "false", "message": "a"}, {"expression": "false", "message": "b"}) == ["a"]
    assert said({"expression": "false", "messageExpression": "string(object.no)"}) == [
        "failed to evaluate message expression: no such key: no"
    ]
    # The failure policy is about match conditions only.
    assert said({"expression": "object.no == 1"}, failurePolicy="Ignore") == ["no such key: no"]
    broken = [{"name": "c", "expression": "object.no == 1"}]
    assert said({"expression": "false"}, failurePolicy="Ignore", matchConditions=broken) == []
    assert said({"expression": "false"}, matchConditions=broken) == ["no such key: no"]


CONFIG_MAP = "{apiVersion: v1, kind: ConfigMap, metadata: {name: names, namespace: a}, data: {allowed: 'x'}}"


def test_objects_that_a_policy_asks_for_are_found_among_the_files() -> None:
    policy = validating_policy("resource.Get('v1', 'configmaps', 'a', 'names').data.allowed == 'x'")
    assert verdicts(policy, POD, CONFIG_MAP) == []
    assert verdicts(policy, POD, CONFIG_MAP.replace("'x'", "'y'")) == ["fail"]
    (check,) = checks(manifest(policy))
    assert [o.message for o in judge(check, POD)] == ["cannot be judged: configmaps `a/names` is not among the files"]


@pytest.mark.parametrize(
    "expression",
    [
        "resource.List('v1', 'pods', 'a').items.size() == 0",
        "resource.Post('authorization.k8s.io/v1', 'subjectaccessreviews', {'kind': dyn('x')}).status.allowed",
        "http.Get('https://example.com/').ok",
        "globalContext.Get('entry', 'path') == 1",
        "image.GetMetadata('nginx').config.user == ''",
        "time.now() > timestamp('2020-01-01T00:00:00Z')",
        "time.now() == timestamp('2020-01-01T00:00:00Z')",
        "time.truncate(timestamp('2020-01-01T00:00:00Z'), duration('1h')) == timestamp('2020-01-01T00:00:00Z')",
        "random('[a-z]') == 'a'",
        "x509.decode('') == 1",
    ],
)
def test_what_only_a_cluster_knows_is_unknown(expression: str) -> None:
    assert verdicts(validating_policy(f"[{expression}].all(x, x == true)")) == ["unknown"]


@pytest.mark.parametrize(
    "expression",
    [
        "parseServiceAccount('system:serviceaccount:ns:name').Name == 'name'",
        "user.parseServiceAccount('system:serviceaccount:ns:name').Namespace == 'ns'",
        "parseServiceAccount('jane').Name == ''",
        "image('nginx').registry() == 'index.docker.io' && image('nginx').repository() == 'library/nginx'",
        "image('ghcr.io/a/b:1').tag() == '1' && image('nginx').identifier() == 'latest'",
        f"image('a/b@sha256:{'0' * 64}').containsDigest() && image('a/b@sha256:{'0' * 64}').tag() == ''",
        "isImage('nginx') && !isImage('!') && parseImageReference('a/b').digest() == ''",
        "md5('a') == '0cc175b9c0f1b6a831c399e269772661' && hash.md5('a') == md5('a')",
        "sha1('a').startsWith('86f7') && hash.sha256('a').startsWith('ca97')",
        "json.unmarshal('{\"a\": [1]}').a[0] == 1 && json.marshal({'a': 1}) == '{\"a\":1}'",
        "yaml.parse('a: [1]').a[0] == 1",
        "math.round(1.26, 1) == 1.3",
        "listObjToMap([{'k': 'a'}], [{'v': 1}], 'k', 'v').a == 1",
        "request.object.metadata.name == 'web' && request.userInfo.username != ''",
    ],
)
def test_functions(expression: str) -> None:
    assert verdicts(validating_policy(expression)) == []


def test_parameters_of_a_rule() -> None:
    cel = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "paramRef": {"name": "names", "namespace": "a", "parameterNotFoundAction": "Deny"},
        "expressions": [{"expression": "object.metadata.name == params.data.allowed"}],
    }
    assert verdicts(cluster_policy(validate={"cel": cel}), POD, CONFIG_MAP) == ["fail"]
    assert verdicts(cluster_policy(validate={"cel": cel})) == ["unknown"]


def test_what_is_not_understood_is_said() -> None:
    pattern = cluster_policy("true", validate={"pattern": {"spec": {}}})
    assert problems(manifest(pattern)) == [
        "policy0.yaml:24:17: `validate.pattern` is not evaluated here, only `validate.cel` (rewrite the rule in CEL)"
    ]
    payload = validating_policy("true", evaluation={"mode": "JSON"})
    (said,) = problems(manifest(payload))
    assert "policies about JSON payloads are not evaluated here" in said
    (said,) = problems(manifest(validating_policy("object.spec == nothing")))
    assert said.endswith("undeclared reference to 'nothing' (in container '')")
