"""Real policies and objects, judged here as ValidatingAdmissionPolicies and by the API server's own code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policykit.views.objects import AdmittedObject
from policykit.views.project import Facts, Project
from tests.admission.policies import checks, judge_document, manifest
from tests.cel.wire import recorded
from tests.oracle import oracle_or_skip

if TYPE_CHECKING:
    from policykit.admission.check import AdmissionCheck

_NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "somewhere", "labels": {"team": "a"}}}
_USER = {"username": "someone", "groups": ["system:authenticated"]}


def _lower(fields: dict[str, Any]) -> dict[str, Any]:
    return {key[0].lower() + key[1:]: value for key, value in fields.items() if value}


def _spec(unit: dict[str, Any], failure_policy: str) -> dict[str, Any]:
    """The expressions of a recorded unit as the spec of a ValidatingAdmissionPolicy."""
    spec = {key: [_lower(item) for item in unit[key]] for key in ("variables", "validations", "matchConditions")}
    return {**spec, "failurePolicy": failure_policy, "matchConstraints": {}}


def _policy(spec: dict[str, Any], params: dict[str, Any] | None) -> AdmissionCheck:
    binding: dict[str, Any] = {"policyName": "p", "validationActions": ["Deny"]}
    if params:
        name = params["metadata"]["name"]
        binding["paramRef"] = {"name": name, "namespace": "default", "parameterNotFoundAction": "Deny"}
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "p"}}
    policy = head | {"kind": "ValidatingAdmissionPolicy", "spec": spec}
    (check,) = checks(manifest(policy, head | {"kind": "ValidatingAdmissionPolicyBinding", "spec": binding}))
    return check


def _admitted(obj: dict[str, Any], request: dict[str, Any] | None = None) -> AdmittedObject:
    metadata = obj.get("metadata") or {}
    kind = {"group": "", "version": "v1", "kind": obj["kind"]}
    given = {"operation": "CREATE", "object": obj, "userInfo": _USER, "kind": kind, "resource": {"resource": "things"}}
    given |= request or {}
    return AdmittedObject(
        obj, obj["apiVersion"], obj["kind"], metadata.get("name", ""), metadata.get("namespace", ""), given, _NAMESPACE
    )


def _question(spec: dict[str, Any], document: AdmittedObject, params: dict[str, Any] | None) -> dict[str, Any]:
    request = document.request or {}
    return {
        "policy": spec,
        "object": request.get("object"),
        "oldObject": request.get("oldObject"),
        "params": params,
        "namespaceObject": _NAMESPACE if document.namespace else None,
        "request": {"operation": request["operation"], "userInfo": _USER},
    }


def _ours(check: AdmissionCheck, document: AdmittedObject, params: dict[str, Any] | None) -> list[Any] | None:
    """The messages of all denials, each once; None where something is unknown to us."""
    others = [_admitted({"apiVersion": "v1", "kind": "Parameters", **params})] if params else []
    outcomes = judge_document(check, document, Project((document, *others), Facts()))
    if any(outcome.verdict == "unknown" for outcome in outcomes):
        return None
    return list(dict.fromkeys(outcome.message for outcome in outcomes))


def _theirs(answer: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(d["message"] for d in answer["decisions"] if d["action"] == "deny"))


@pytest.mark.parametrize("failure_policy", ["Fail", "Ignore"])
def test_recorded_policies(failure_policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    oracle = oracle_or_skip()
    units = {unit["unit"]: unit for unit in recorded("units.jsonl") if unit["k8s_ok"]}
    made: dict[Any, AdmissionCheck] = {}
    cases = []
    for case in recorded("verdicts.jsonl"):
        unit, params = units[case["unit"]], case["params"]
        spec = _spec(unit, failure_policy)
        if params is not None:
            params = {"apiVersion": "v1", "kind": "Parameters", "metadata": {"name": "params"}, **params}
        if unit["hasParams"]:
            kind = {"apiVersion": (params or {}).get("apiVersion", "v1"), "kind": (params or {}).get("kind", "Any")}
            spec["paramKind"] = kind
        key = (case["unit"], str(params))
        if key not in made:
            made[key] = _policy(spec, params)
        cases.append((made[key], spec, _admitted(case["object"]), params))
    answers = oracle.ask(_question(spec, document, params) for _, spec, document, params in cases)
    unknown, differing = 0, []
    for (check, spec, document, params), answer in zip(cases, answers, strict=True):
        ours = _ours(check, document, params)
        if ours is None:
            unknown += 1
        elif ours != _theirs(answer):
            differing.append((spec, document.data, ours, _theirs(answer)))
    with capsys.disabled():
        print(f"\nadmission, failurePolicy {failure_policy}: {len(cases)} decisions, {len(differing)} differ")
    assert not differing, differing[:3]
    assert not unknown
