"""ValidatingAdmissionPolicies: matching, bindings, parameters, actions, and the API server's customs about errors."""

from __future__ import annotations

from typing import Any

import pytest

from policykit.views.objects import AdmittedObject
from policykit.views.project import Facts, Project
from tests.admission.policies import checks, judge, judge_document, manifest, problems
from tests.oracle import oracle_or_skip

V1 = "admissionregistration.k8s.io/v1"
DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: nginx
"""


def policy(*expressions: str, **spec: Any) -> dict[str, Any]:
    validations = [{"expression": expression} for expression in expressions]
    given = {"matchConstraints": {"resourceRules": [DEPLOYMENTS]}, "validations": validations} | spec
    return {"apiVersion": V1, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"}, "spec": given}


def binding(*actions: str, **spec: Any) -> dict[str, Any]:
    given = {"policyName": "p", "validationActions": list(actions or ("Deny",))} | spec
    return {"apiVersion": V1, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "b"}, "spec": given}


def messages(*documents: dict[str, Any], text: str = DEPLOYMENT, others: tuple[str, ...] = ()) -> list[str]:
    (check,) = checks(manifest(*documents))
    return [f"{o.verdict}: {o.message}" for o in judge(check, text, *others)]


def rule(**changes: Any) -> dict[str, Any]:
    return {"matchConstraints": {"resourceRules": [DEPLOYMENTS | changes]}}


def constraints(**changes: Any) -> dict[str, Any]:
    return {"matchConstraints": {"resourceRules": [DEPLOYMENTS], **changes}}


@pytest.mark.parametrize(
    ("spec", "judged"),
    [
        (rule(), True),
        (rule(apiGroups=["*"], apiVersions=["*"], operations=["*"], resources=["*"]), True),
        (rule(operations=["UPDATE", "DELETE"]), False),
        (rule(resources=["deployments/scale"]), False),
        (rule(resources=["deployments/*"]), True),
        (rule(resources=["*/*"]), True),
        (rule(resources=["*/scale"]), False),
        (rule(apiGroups=[""]), False),
        (rule(scope="Namespaced"), True),
        (rule(scope="Cluster"), False),
        (rule(resourceNames=["web"]), True),
        (rule(resourceNames=["other"]), False),
        ({"matchConstraints": {}}, True),
        (constraints(excludeResourceRules=[DEPLOYMENTS | {"resourceNames": ["web"]}]), False),
        (constraints(excludeResourceRules=[DEPLOYMENTS | {"resourceNames": ["other"]}]), True),
        (constraints(objectSelector={"matchLabels": {"app": "web"}}), True),
        (constraints(objectSelector={"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}), False),
        (constraints(namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "default"}}), True),
        (constraints(namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "prod"}}), False),
    ],
)
def test_match_constraints(spec: dict[str, Any], judged: bool) -> None:
    expected = ["fail: failed expression: false"] if judged else []
    assert messages(policy("false", **spec)) == expected


def test_labels_of_a_namespace_that_is_not_among_the_files_are_unknown() -> None:
    spec = constraints(namespaceSelector={"matchLabels": {"env": "prod"}})
    unknown = ["unknown: cannot be judged: the labels of namespace `default` are not among the files"]
    assert messages(policy("false", **spec)) == unknown
    assert messages(policy("true", **spec)) == []
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {env: %s}}}"
    assert messages(policy("false", **spec), others=(namespace % "prod",)) == ["fail: failed expression: false"]
    assert messages(policy("false", **spec), others=(namespace % "test",)) == []


def test_a_namespace_is_selected_by_its_own_labels() -> None:
    anything = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["namespaces", "nodes"]}
    spec = {"matchConstraints": {"resourceRules": [anything], "namespaceSelector": {"matchLabels": {"env": "prod"}}}}
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {env: %s}}}"
    assert messages(policy("namespaceObject == null", **spec), text=namespace % "prod") == []
    assert messages(policy("false", **spec), text=namespace % "prod")
    assert messages(policy("false", **spec), text=namespace % "test") == []
    # What lives in no namespace is not exempted by the labels of one.
    assert messages(policy("false", **spec), text="{apiVersion: v1, kind: Node, metadata: {name: a}}")


def test_another_version_of_the_same_thing() -> None:
    scaler = """{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: a},
        spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: web}}}"""
    wanted = {**DEPLOYMENTS, "apiGroups": ["autoscaling"], "apiVersions": ["v2"], "resources": ["*"]}
    (converted,) = messages(policy("false", matchConstraints={"resourceRules": [wanted]}), text=scaler)
    assert converted.startswith("unknown: cannot be judged: the API server converts HorizontalPodAutoscaler from")
    exact = {"resourceRules": [wanted], "matchPolicy": "Exact"}
    assert messages(policy("false", matchConstraints=exact), text=scaler) == []


def test_custom_resources_by_their_definition() -> None:
    definition = """{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
        metadata: {name: oxen.farm.io},
        spec: {group: farm.io, scope: Cluster, names: {kind: Ox, plural: oxen}, versions: [{name: v1}, {name: v2}]}}"""
    ox = "{apiVersion: farm.io/v1, kind: Ox, metadata: {name: bully}}"
    wanted = {**DEPLOYMENTS, "apiGroups": ["farm.io"], "apiVersions": ["v2"], "resources": ["oxen"], "scope": "Cluster"}
    judged = policy("request.resource.resource != 'oxen'", matchConstraints={"resourceRules": [wanted]})
    assert messages(judged, text=ox, others=(definition,)) == [
        "fail: failed expression: request.resource.resource != 'oxen'"
    ]
    assert messages(judged, text=ox) == []


def test_policies_are_not_asked_about_policies() -> None:
    assert messages(policy("false", matchConstraints={}), text=manifest(policy("true"))) == []


def test_expressions_see_what_an_api_server_shows() -> None:
    shown = (
        "object.spec.replicas == 1",
        "object.metadata.namespace == 'default'",
        "object.spec.template.spec.containers[0].imagePullPolicy == 'Always'",
        "oldObject == null",
        "request.operation == 'CREATE'",
        "request.kind.kind == 'Deployment' && request.resource.resource == 'deployments'",
        "request.name == 'web' && request.namespace == 'default' && !has(request.subResource) && !request.dryRun",
        "request.userInfo.username == 'policykit' && 'system:authenticated' in request.userInfo.groups",
        "namespaceObject.metadata.name == 'default'",
    )
    assert messages(policy(*shown)) == []


def test_who_asks_can_be_told() -> None:
    (check,) = checks(manifest(policy("request.userInfo.username == 'jane'")))
    assert judge(check, DEPLOYMENT, facts=Facts(user={"username": "jane"})) == []
    assert judge(check, DEPLOYMENT)


def test_what_the_authorizer_allows_is_unknown() -> None:
    (said,) = messages(policy("authorizer.group('').resource('pods').check('create').allowed()"))
    assert said == "unknown: cannot be judged: what the cluster's authorizer allows"


@pytest.mark.parametrize(
    ("actions", "severity"), [(("Deny",), "error"), (("Warn", "Audit"), "warning"), (("Audit",), "info")]
)
def test_actions_are_severities(actions: tuple[str, ...], severity: str) -> None:
    (check,) = checks(manifest(policy("false"), binding(*actions)))
    assert check.policy.severity == severity
    assert [outcome.severity for outcome in judge(check, DEPLOYMENT)] == [severity]


def test_several_bindings_each_where_it_is_in_force() -> None:
    elsewhere = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "prod"}}}
    (check,) = checks(manifest(policy("false"), binding("Warn"), binding("Deny", matchResources=elsewhere)))
    assert [o.severity for o in judge(check, DEPLOYMENT)] == ["warning"]
    # Both say the same of what is in `prod`: the gravest counts.
    assert [o.severity for o in judge(check, DEPLOYMENT, facts=Facts(namespace="prod"))] == ["error"]


PARAMS = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
LIMIT = (
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: %s, labels: {use: limit}}, data: {most: '%s'}}"
)
BOUNDED = "object.spec.replicas < int(params.data.most)"


def test_parameters_by_name_in_the_namespace_of_the_request() -> None:
    bound = binding(paramRef={"name": "limit", "parameterNotFoundAction": "Deny"})
    documents = (policy(BOUNDED, **PARAMS), bound)
    assert messages(*documents, others=(LIMIT % ("limit", "default", 5), LIMIT % ("limit", "other", 1))) == []
    assert messages(*documents, others=(LIMIT % ("limit", "default", 1),)) == [f"fail: failed expression: {BOUNDED}"]
    missing = ["unknown: cannot be judged: no ConfigMap `limit` is among the files"]
    assert messages(*documents, others=(LIMIT % ("limit", "other", 1),)) == missing


def test_parameters_by_selector_are_each_judged_with() -> None:
    ref = {"selector": {"matchLabels": {"use": "limit"}}, "namespace": "x", "parameterNotFoundAction": "Allow"}
    documents = (policy(BOUNDED, **PARAMS), binding(paramRef=ref))
    low, high = LIMIT % ("low", "x", 1), LIMIT % ("high", "x", 9)
    assert messages(*documents, others=(low, high)) == [f"fail: failed expression: {BOUNDED}"]
    assert messages(*documents, others=(high,)) == []
    assert messages(*documents) == []


def test_parameters_beside_the_policy() -> None:
    bound = binding(paramRef={"name": "limit", "namespace": "x", "parameterNotFoundAction": "Deny"})
    (check,) = checks(manifest(policy(BOUNDED, **PARAMS), bound), LIMIT % ("limit", "x", 1))
    assert [o.verdict for o in judge(check, DEPLOYMENT)] == ["fail"]


def test_parameters_of_a_kind_that_nobody_declares() -> None:
    kind = {"paramKind": {"apiVersion": "rules.example.com/v1", "kind": "ReplicaLimit"}}
    limit = "{apiVersion: rules.example.com/v1, kind: ReplicaLimit, metadata: {name: limit%s}, maximum: 0}"
    judged = policy("object.spec.replicas <= params.maximum", **kind)
    missing = ["unknown: cannot be judged: no ReplicaLimit `limit` is among the files"]
    failed = ["fail: failed expression: object.spec.replicas <= params.maximum"]
    bound = binding(paramRef={"name": "limit", "parameterNotFoundAction": "Deny"})
    assert messages(judged, bound, others=(limit % "",)) == failed
    assert messages(judged, bound, others=(limit % ", namespace: default",)) == failed
    assert messages(judged, bound, others=(limit % ", namespace: other",)) == missing
    bound["spec"]["paramRef"]["namespace"] = "other"
    assert messages(judged, bound, others=(limit % ", namespace: other",)) == failed


def test_parameters_that_nobody_names() -> None:
    assert messages(policy("params == null", **PARAMS), binding()) == []
    (said,) = messages(policy(BOUNDED, **PARAMS))
    assert said == "unknown: cannot be judged: no binding says which ConfigMap holds the parameters"


def test_parameters_in_a_namespace_for_what_has_none() -> None:
    anything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
    judged = policy(BOUNDED, **PARAMS, matchConstraints={"resourceRules": [anything]})
    bound = binding("Audit", paramRef={"name": "limit", "parameterNotFoundAction": "Deny"})
    (check,) = checks(manifest(judged, bound))
    (outcome,) = judge(check, "{apiVersion: v1, kind: Node, metadata: {name: a}}")
    # The API server denies what it cannot configure, whatever the binding says about denials.
    assert (outcome.severity, outcome.message) == (
        "error",
        "failed to configure binding: "
        "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
    )


def test_the_part_that_an_expression_is_about() -> None:
    expression = "object.kind == 'Deployment' && variables.images.all(i, i == 'x')"
    images = "object.spec.template.spec.containers.map(c, c.image)"
    judged = policy(expression, variables=[{"name": "images", "expression": images}])
    (check,) = checks(manifest(judged))
    assert [o.at for o in judge(check, DEPLOYMENT)] == ["spec.template.spec.containers"]
    (check,) = checks(manifest(policy("has(object.spec.template.spec.hostUsers)")))
    assert [o.at for o in judge(check, DEPLOYMENT)] == ["spec.template.spec"]


def test_a_real_request() -> None:
    old = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": {"k": "1"}}
    new = {**old, "data": {"k": "2"}}
    request = {
        "operation": "UPDATE",
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "resource": {"group": "", "version": "v1", "resource": "configmaps"},
        "name": "a",
        "namespace": "n",
        "object": new,
        "oldObject": old,
        "userInfo": {"username": "jane", "groups": ["devs"]},
        "dryRun": True,
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": {"team": "a"}}}
    document = AdmittedObject(new, "v1", "ConfigMap", "a", "n", request, namespace)
    shown = (
        "oldObject.data.k == '1' && object.data.k == '2'",
        "request.userInfo.username == 'jane' && request.dryRun && request.operation == 'UPDATE'",
        "namespaceObject.metadata.labels.team == 'a'",
    )
    (check,) = checks(manifest(policy(*shown, "false", matchConstraints={})))
    outcomes = judge_document(check, document, Project((document,), Facts()))
    assert [outcome.message for outcome in outcomes] == ["failed expression: false"]
    deleted = AdmittedObject(
        old, "v1", "ConfigMap", "a", "n", request | {"operation": "DELETE", "object": None}, namespace
    )
    (check,) = checks(manifest(policy("object == null && oldObject.data.k == '1'", matchConstraints={})))
    assert judge_document(check, deleted, Project((deleted,), Facts())) == []


def test_an_admission_review_in_a_file() -> None:
    review = """\
apiVersion: admission.k8s.io/v1
kind: AdmissionReview
request:
  operation: UPDATE
  object:
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {replicas: 3}
"""
    updates = DEPLOYMENTS | {"operations": ["UPDATE"]}
    (check,) = checks(manifest(policy("object.spec.replicas < 3", matchConstraints={"resourceRules": [updates]})))
    assert [o.at for o in judge(check, review)] == ["request.object.spec.replicas"]


CUSTOMS: dict[str, dict[str, Any]] = {
    "an error is the failure policy's case": policy("object.spec.nothing == 1", "false"),
    "errors are ignored": policy("object.spec.nothing == 1", "false", failurePolicy="Ignore"),
    "message": {"spec": {"validations": [{"expression": "false", "message": " said so\n"}]}},
    "reason": {"spec": {"validations": [{"expression": "false", "reason": "Forbidden"}]}},
    "message expression": {
        "spec": {"validations": [{"expression": "false", "message": "m", "messageExpression": "' n ' + object.kind"}]}
    },
    **{
        f"message expression that gives {what}": {
            "spec": {"validations": [{"expression": "false", "message": "m", "messageExpression": expression}]}
        }
        for what, expression in {
            "an error": "string(object.spec.nothing)",
            "nothing": "'  '",
            "lines": "'a\\nb'",
            "too much": "'0123456789'.split('').map(x, '0123456789'.replace('', 'abcdefghijklmnopqrstuvwxyz')).join()"
            " + '0123456789'.split('').map(x, '0123456789'.replace('', 'abcdefghijklmnopqrstuvwxyz')).join()"
            " + '0123456789'.split('').map(x, '0123456789'.replace('', 'abcdefghijklmnopqrstuvwxyz')).join()",
        }.items()
    },
    "condition that is false beside one without a value": policy(
        "false",
        matchConditions=[
            {"name": "a", "expression": "object.spec.nothing"},
            {"name": "b", "expression": "1 == 2"},
        ],
    ),
    "conditions without a value": policy(
        "false",
        matchConditions=[
            {"name": "a", "expression": "object.spec.nothing == 1"},
            {"name": "b", "expression": "object.spec.nothing == 1"},
            {"name": "c", "expression": "object.nowhere == 1"},
        ],
    ),
    "conditions without a value, ignored": policy(
        "false", failurePolicy="Ignore", matchConditions=[{"name": "a", "expression": "object.spec.nothing == 1"}]
    ),
    "conditions do not see the namespace": policy(
        "false", matchConditions=[{"name": "a", "expression": "namespaceObject == null"}]
    ),
    "conditions ask the namespace": policy(
        "false", matchConditions=[{"name": "a", "expression": "namespaceObject.metadata.name == 'n'"}]
    ),
    "variable without a value": policy(
        "variables.v == 1", "variables.v == 2", variables=[{"name": "v", "expression": "object.spec.nothing"}]
    ),
}
CUSTOMS["condition that is false beside one without a value"]["spec"]["matchConditions"][0]["expression"] += " == 1"


@pytest.mark.parametrize("custom", CUSTOMS)
def test_customs_of_the_api_server(custom: str) -> None:
    """The same decisions, in the same order, with the same messages, as the API server's own code gives."""
    oracle = oracle_or_skip()
    spec = CUSTOMS[custom]["spec"] | {"matchConstraints": {}}
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "spec": {}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    request = {"operation": "CREATE", "object": obj, "kind": {"version": "v1", "kind": "ConfigMap"}}
    (answer,) = oracle.ask([{"policy": spec, "object": obj, "namespaceObject": namespace}])
    assert not answer["compile_errs"]
    document = AdmittedObject(obj, "v1", "ConfigMap", "a", "n", request, namespace)
    (check,) = checks(manifest(policy(**spec)))
    ours = [outcome.message for outcome in judge_document(check, document, Project((document,), Facts()))]
    assert ours == list(dict.fromkeys(d["message"] for d in answer["decisions"] if d["action"] == "deny"))


def test_an_annotation_without_a_value_denies() -> None:
    annotations = [{"key": "a", "valueExpression": "string(object.spec.nothing)"}]
    (check,) = checks(manifest(policy("true", auditAnnotations=annotations), binding("Audit")))
    (outcome,) = judge(check, DEPLOYMENT)
    assert outcome.severity == "error"
    assert outcome.message == "expression 'string(object.spec.nothing)' resulted in error: no such key: nothing"
    assert messages(policy("true", auditAnnotations=annotations, failurePolicy="Ignore"), binding()) == []


def test_what_is_wrong_with_a_policy_and_where() -> None:
    text = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: p
spec:
  matchConstraints: {}
  variables:
    - name: v
      expression: object.spec +
  matchConditions:
    - name: c
      expression: "'text'"
  validations:
    - expression: request.kinds == 1
      messageExpression: size(object)
    - expression: >-
        object.a &&
        foo
    - expression: object.spec.enabled
  auditAnnotations:
    - key: k
      valueExpression: "1"
"""
    assert problems(text) == [
        "policy0.yaml:9:32: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', "
        "'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
        "policy0.yaml:12:19: must evaluate to bool but got string",
        "policy0.yaml:14:26: undefined field 'kinds'",
        "policy0.yaml:15:26: must evaluate to string but got int",
        "policy0.yaml:16:19: undeclared reference to 'foo' (in container '') (line 1, column 13 of the expression)",
        "policy0.yaml:19:19: must evaluate to bool but got dyn",
        "policy0.yaml:22:24: must evaluate to string or null but got int",
    ]


def test_messages_cannot_ask_the_authorizer() -> None:
    said = "string(authorizer.path('/').check('get').allowed())"
    (problem,) = problems(manifest(policy(validations=[{"expression": "false", "messageExpression": said}])))
    assert problem.endswith("undeclared reference to 'authorizer' (in container '')")


def test_what_stands_beside_policies() -> None:
    beside = ("MutatingAdmissionPolicy", V1), ("Kustomization", "kustomize.config.k8s.io/v1beta1")
    objects = [{"apiVersion": version, "kind": kind, "metadata": {"name": "x"}} for kind, version in beside]
    assert problems(manifest(*objects)) == []


def test_what_does_not_belong_among_policies() -> None:
    said = problems(manifest(binding()), DEPLOYMENT)
    assert said == [
        "policy0.yaml:8:17: there is no ValidatingAdmissionPolicy `p` to bind (put it into this folder)",
        "policy1.yaml:2:7: Deployment (apps/v1) is no kind of policy (move it out of this folder)",
    ]
