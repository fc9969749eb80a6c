"""Gatekeeper's templates and constraints: what a constraint is about, its actions, its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.admission.policies import checks, judge, manifest, problems

if TYPE_CHECKING:
    from policykit.views.project import Facts

POD = (
    "{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: c, image: a}]}}"
)
NODE = "{apiVersion: v1, kind: Node, metadata: {name: worker, labels: {app: web}}}"
NAMESPACE = "{apiVersion: v1, kind: Namespace, metadata: {name: prod, labels: {app: web}}}"


def template(expression: str = "false", **source: Any) -> Any:
    given = {"validations": [{"expression": expression, "message": "no"}]} | source
    code = [{"engine": "K8sNativeValidation", "source": given}]
    return {
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": "sample"},
        "spec": {
            "crd": {"spec": {"names": {"kind": "Sample"}}},
            "targets": [{"target": "admission.k8s.gatekeeper.sh", "code": code}],
        },
    }


def constraint(**spec: Any) -> Any:
    head = {"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "Sample", "metadata": {"name": "all"}}
    return head | {"spec": spec}


def severities(text: str, *documents: Any, facts: Facts | None = None) -> list[Any]:
    (check,) = checks(manifest(*documents))
    return [outcome.severity for outcome in judge(check, text, facts=facts)]


@pytest.mark.parametrize(
    ("match", "text", "judged"),
    [
        ({}, POD, True),
        ({"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}, POD, True),
        ({"kinds": [{"apiGroups": ["*"], "kinds": ["*"]}]}, POD, True),
        ({"kinds": [{"kinds": ["Service"]}, {"apiGroups": ["apps"]}]}, POD, False),
        ({"scope": "Namespaced"}, POD, True),
        ({"scope": "Namespaced"}, NODE, False),
        ({"scope": "Cluster"}, NAMESPACE, True),
        ({"namespaces": ["def*"]}, POD, True),
        ({"namespaces": ["kube-*"]}, POD, False),
        ({"namespaces": ["kube-*"]}, NODE, True),
        ({"namespaces": ["kube-*"]}, NAMESPACE, False),
        ({"namespaces": ["*od"]}, NAMESPACE, True),
        ({"excludedNamespaces": ["default"]}, POD, False),
        ({"excludedNamespaces": ["default"]}, NODE, True),
        ({"excludedNamespaces": ["pr*"]}, NAMESPACE, False),
        ({"labelSelector": {"matchLabels": {"app": "web"}}}, POD, True),
        ({"labelSelector": {"matchLabels": {"app": "x"}}}, POD, False),
        ({"namespaceSelector": {"matchLabels": {"app": "web"}}}, NAMESPACE, True),
        ({"namespaceSelector": {"matchLabels": {"app": "x"}}}, NAMESPACE, False),
        ({"namespaceSelector": {"matchLabels": {"app": "x"}}}, NODE, True),
        ({"name": "w*"}, POD, True),
        ({"name": "x"}, POD, False),
        ({"source": "Original"}, POD, True),
        ({"source": "Generated"}, POD, False),
    ],
)
def test_match(match: dict[str, Any], text: str, judged: bool) -> None:
    assert bool(severities(text, template(), constraint(match=match))) is judged


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ["error"]),
        ({"enforcementAction": "warn"}, ["warning"]),
        ({"enforcementAction": "dryrun"}, ["info"]),
        ({"enforcementAction": "scoped", "scopedEnforcementActions": [{"action": "warn"}]}, ["warning"]),
    ],
)
def test_enforcement_actions(spec: dict[str, Any], expected: list[str]) -> None:
    assert severities(POD, template(), constraint(**spec)) == expected


def test_parameters_and_own_variables() -> None:
    allowed = template("variables.anyObject.spec.containers.all(c, c.image in variables.params.images)")
    assert severities(POD, allowed, constraint(parameters={"images": ["a"]})) == []
    (check,) = checks(manifest(allowed, constraint(parameters={"images": ["b"]})))
    assert [(o.message, o.at) for o in judge(check, POD)] == [("no", "spec.containers")]
    assert severities(POD, template("variables.params == null"), constraint()) == []


def test_conditions_and_failure_policy() -> None:
    never = [{"name": "c", "expression": "object.kind != 'Pod'"}]
    assert severities(POD, template(matchCondition=never), constraint()) == []
    assert severities(POD, template("object.no == 1", failurePolicy="Ignore"), constraint()) == []
    assert severities(POD, template("object.no == 1"), constraint()) == ["error"]


def test_a_policy_goes_by_its_template_and_its_kind() -> None:
    (check,) = checks(manifest(template(), constraint()))
    assert (check.policy.id, check.policy.equivalents) == ("sample", {"gatekeeper": ("Sample",)})
    annotated = template()
    annotated["metadata"]["annotations"] = {"metadata.gatekeeper.sh/title": "Samples", "description": "Why."}
    (check,) = checks(manifest(annotated, constraint()))
    assert (check.policy.summary, check.policy.rationale) == ("Samples", "Why.")


def test_what_is_missing_is_said() -> None:
    assert problems(manifest(template())) == [
        "policy0.yaml:3:10: no constraint puts `Sample` in force (put one into this folder)"
    ]
    assert problems(manifest(constraint())) == [
        "policy0.yaml:3:10: there is no ConstraintTemplate for Sample (put it into this folder)"
    ]
    rego = template()
    rego["spec"]["targets"][0]["code"][0]["engine"] = "Rego"
    (said,) = problems(manifest(rego, constraint()))
    assert said.endswith("ConstraintTemplate `sample` has no K8sNativeValidation code (Rego is not evaluated here)")
