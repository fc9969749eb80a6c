"""Policies and objects that are not what they should be: problems or verdicts, never another exception."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from policykit.admission.check import AdmissionCheck
from policykit.admission.policies import read_admission_policies
from policykit.views.objects import AdmittedObject
from policykit.views.project import Facts, Project
from tests.admission import test_gatekeeper as gatekeeper
from tests.admission import test_kubernetes as kubernetes
from tests.admission import test_kyverno as kyverno
from tests.admission.policies import judge, judge_document, manifest, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

_JUNK: tuple[Any, ...] = (None, "", "x", 0, -1, 1.5, True, [], {}, [1], ["a", 1, None], [[{}]], {"a": 1}, [{"key": 1}])
_SELECTOR = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
_RESOURCES = {
    "kinds": ["Pod"],
    "names": ["a*"],
    "namespaces": ["a"],
    "annotations": {"a": "b"},
    "selector": _SELECTOR,
    "namespaceSelector": _SELECTOR,
    "operations": ["CREATE"],
}
_MATCH = {
    "kinds": [{"apiGroups": [""], "kinds": ["Pod"]}],
    "namespaces": ["*"],
    "excludedNamespaces": ["b"],
    "labelSelector": _SELECTOR,
    "namespaceSelector": _SELECTOR,
    "name": "*",
}
_CONSTRAINTS = {
    "resourceRules": [kubernetes.DEPLOYMENTS | {"resourceNames": ["web"], "scope": "*"}],
    "excludeResourceRules": [kubernetes.DEPLOYMENTS],
    "objectSelector": _SELECTOR,
    "namespaceSelector": _SELECTOR,
}
_REF = {"selector": _SELECTOR, "parameterNotFoundAction": "Deny"}

SEEDS: dict[str, list[Any]] = {
    "kubernetes": [
        kubernetes.policy(
            "object.a == 1",
            **kubernetes.PARAMS,
            matchConstraints=_CONSTRAINTS,
            variables=[{"name": "v", "expression": "1"}],
            auditAnnotations=[{"key": "k", "valueExpression": "'a'"}],
        ),
        kubernetes.binding(paramRef=_REF, matchResources=_CONSTRAINTS),
        json.loads('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"a": "b"}}}'),
    ],
    "cluster policy": [
        kyverno.cluster_policy(
            "object.a == 1",
            match={"any": [{"resources": _RESOURCES, "subjects": [{"kind": "User", "name": "a"}], "roles": ["r"]}]},
            exclude={"all": [{"resources": _RESOURCES}]},
            spec_validationFailureActionOverrides=[{"action": "Audit", "namespaces": ["a"]}],
        ),
        {
            "apiVersion": "kyverno.io/v2",
            "kind": "PolicyException",
            "metadata": {"name": "e"},
            "spec": {
                "exceptions": [{"policyName": "p", "ruleNames": ["*"]}],
                "match": {"any": [{"resources": _RESOURCES}]},
            },
        },
    ],
    "validating policy": [
        kyverno.validating_policy(
            "object.a == 1", "exceptions.allowedImages == []", autogen={"podControllers": {"controllers": ["jobs"]}}
        ),
        {
            "apiVersion": "policies.kyverno.io/v1",
            "kind": "PolicyException",
            "metadata": {"name": "e"},
            "spec": {"policyRefs": [{"name": "p", "kind": "ValidatingPolicy"}], "images": ["a"]},
        },
    ],
    "gatekeeper": [
        gatekeeper.template("object.a == 1"),
        gatekeeper.constraint(
            match=_MATCH,
            enforcementAction="scoped",
            scopedEnforcementActions=[{"action": "deny"}],
        ),
    ],
}
OBJECTS = [
    json.loads(json.dumps(o))
    for o in ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"a": "b"}}},)
]
REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "operation": "UPDATE",
        "object": OBJECTS[0],
        "oldObject": OBJECTS[0],
        "userInfo": {"username": "a", "groups": ["b"]},
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "options": {},
    },
}


def _places(value: Any, route: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield route
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield from _places(item, (*route, key))


def _spoilt(value: Any, chance: random.Random) -> Any:
    """A copy in which something has become something else."""
    spoilt = copy.deepcopy(value)
    route = chance.choice([place for place in _places(spoilt) if place])
    holder = spoilt
    for step in route[:-1]:
        holder = holder[step]
    holder[route[-1]] = copy.deepcopy(chance.choice(_JUNK))
    return spoilt


@pytest.mark.parametrize("engine", SEEDS)
def test_policies(engine: str) -> None:
    chance = random.Random(engine)
    for _ in range(400):
        objects = _spoilt(SEEDS[engine], chance)
        text = "\n---\n".join(json.dumps(obj) for obj in objects)
        admissions, problems = read_admission_policies(parsed(text))
        for admission in admissions if not problems else ():
            judge(AdmissionCheck(admission.policy, admission.dump), json.dumps(OBJECTS[0]))
            judge(AdmissionCheck(admission.policy, admission.dump), kubernetes.DEPLOYMENT)


@pytest.mark.parametrize("engine", SEEDS)
def test_objects_and_requests(engine: str) -> None:
    chance = random.Random(engine)
    admissions, problems = read_admission_policies(parsed(manifest(*SEEDS[engine])))
    assert not problems
    checks = [AdmissionCheck(admission.policy, admission.dump) for admission in admissions]
    for _ in range(300):
        obj, review = _spoilt(OBJECTS[0], chance), _spoilt(REVIEW, chance)
        request = _spoilt(REVIEW["request"], chance)
        document = AdmittedObject(OBJECTS[0], "v1", "Pod", "a", "", request, _spoilt(OBJECTS[0], chance))
        for check in checks:
            judge(check, json.dumps(obj), json.dumps(_spoilt(OBJECTS[0], chance)))
            judge(check, json.dumps(review))
            judge_document(check, document, Project((document,), Facts()))
