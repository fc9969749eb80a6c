"""Documents of a policy folder into admission policies: their bindings found, their expressions compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.admission.check import severity_of, texts
from policykit.admission.compiler import Expression, Expressions, Validation, compile_expressions, environment
from policykit.cel.environment import LATEST
from policykit.errors import Problem
from policykit.policy import Policy
from policykit.views.objects import mapping, sequence, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policykit.parse.kubernetes import KubernetesObject

GROUP = "admissionregistration.k8s.io"
_EVERYTHING: Mapping[str, Any] = {"name": "", "validationActions": ["Deny"], "matchResources": None, "paramRef": None}


class Admission(NamedTuple):
    """A policy of this kind with what `policykit.admission.check` needs of it, as plain values."""

    policy: Policy
    dump: dict[str, Any]
    file: str


def read_admission_policies(
    objects: Sequence[KubernetesObject], version: tuple[int, int] = LATEST
) -> tuple[list[Admission], list[Problem]]:
    """The policies among `objects` with their bindings, and everything that is wrong with them.

    A policy without a binding does nothing in a cluster; here, where nobody would write one for a check on a laptop, it
    holds for everything that it matches.
    """
    policies = [obj for obj in objects if _is(obj, "ValidatingAdmissionPolicy")]
    bound: dict[str, list[Mapping[str, Any]]] = {}
    problems: list[Problem] = []
    for obj in objects:
        if _is(obj, "ValidatingAdmissionPolicyBinding"):
            bound.setdefault(text(mapping(obj.data.get("spec")).get("policyName")), []).append(_binding(obj))
        elif obj not in policies:
            span = obj.span(("kind",))
            message = f"{obj.kind} ({obj.api_version}) is no kind of policy"
            problems.append(Problem(message, f"{span.file}:{span.line}:{span.column}", "move it out of this folder"))
    found: list[Admission] = []
    for obj in policies:
        admission, wrong = _read(obj, bound.get(obj.name) or [_EVERYTHING], version)
        found.append(admission)
        problems += wrong
    return found, problems


def _is(obj: KubernetesObject, kind: str) -> bool:
    return obj.kind == kind and obj.api_version.partition("/")[0] == GROUP


def _binding(obj: KubernetesObject) -> Mapping[str, Any]:
    spec = mapping(obj.data.get("spec"))
    return {
        "name": obj.name,
        "validationActions": texts(spec.get("validationActions")) or ["Deny"],
        "matchResources": spec.get("matchResources"),
        "paramRef": spec.get("paramRef"),
    }


def _read(
    obj: KubernetesObject, bindings: Sequence[Mapping[str, Any]], version: tuple[int, int]
) -> tuple[Admission, list[Problem]]:
    spec = mapping(obj.data.get("spec"))
    base = environment(version, params=bool(spec.get("paramKind")))
    dump, problems = compile_expressions(expressions(spec), base, obj)
    dump |= {
        "fails": spec.get("failurePolicy") != "Ignore",
        "constraints": spec.get("matchConstraints") or {},
        "paramKind": spec.get("paramKind"),
        "bindings": list(bindings),
    }
    actions = [action for binding in bindings for action in binding["validationActions"]]
    policy = Policy(
        id=obj.name,
        summary=f"{obj.name} does not hold",
        category="admission",
        severity=severity_of(actions),
        targets=("kubernetes",),
        for_each="object",
        validations=(),
        fix="Change the object so that the policy's validation holds.",
    )
    return Admission(policy, dump, obj.source.name), problems


def expressions(spec: Mapping[str, Any]) -> Expressions:
    """The expressions of a ValidatingAdmissionPolicySpec."""
    return Expressions(
        variables=_named(spec, "variables", "name"),
        conditions=_named(spec, "matchConditions", "name"),
        validations=[
            Validation(
                Expression("", text(v.get("expression")), ("spec", "validations", index, "expression")),
                text(v.get("message")),
                Expression("", text(v.get("messageExpression")), ("spec", "validations", index, "messageExpression")),
                text(v.get("reason")),
            )
            for index, v in enumerate(map(mapping, sequence(spec.get("validations"))))
        ],
        audit=[
            Expression(text(a.get("key")), text(a.get("valueExpression")), ("spec", "auditAnnotations", index))
            for index, a in enumerate(map(mapping, sequence(spec.get("auditAnnotations"))))
        ],
    )


def _named(spec: Mapping[str, Any], key: str, name: str) -> list[Expression]:
    return [
        Expression(text(item.get(name)), text(item.get("expression")), ("spec", key, index, "expression"))
        for index, item in enumerate(map(mapping, sequence(spec.get(key))))
    ]
