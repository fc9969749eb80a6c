"""ValidatingAdmissionPolicy objects and their bindings -> admission policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.admission.form import AdmissionPolicy, Binding, Params, Rule, expressions_of, problem_at
from policykit.admission.resource_rules import NOT_EXEMPT, match_resources
from policykit.views.objects import mapping, sequence, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from policykit.errors import Problem
    from policykit.finding import Severity
    from policykit.parse.kubernetes import KubernetesObject

GROUP = "admissionregistration.k8s.io"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"

#: What an API server does about a denial, the gravest first, and how grave that is for us.
_SEVERITIES: Mapping[str, Severity] = {"Deny": "error", "Warn": "warning", "Audit": "info"}


def severity_of(actions: Any) -> Severity:
    """The severity of `validationActions`; of none, that of Deny."""
    return next((severity for action, severity in _SEVERITIES.items() if action in sequence(actions)), "error")


def read_policies(objects: Sequence[KubernetesObject]) -> tuple[list[AdmissionPolicy], list[Problem]]:
    """Every ValidatingAdmissionPolicy among `objects`, and bindings that bind none of them.

    A policy without a binding does nothing in a cluster; here, where nobody would write one for a check on a laptop, it
    holds for everything that it matches.
    """
    policies = [obj for obj in objects if is_kind(obj, GROUP, POLICY)]
    bindings: dict[str, list[KubernetesObject]] = {policy.name: [] for policy in policies}
    problems: list[Problem] = []
    for obj in objects:
        if is_kind(obj, GROUP, BINDING):
            name = text(mapping(obj.data.get("spec")).get("policyName"))
            if name in bindings:
                bindings[name].append(obj)
            else:
                message = f"there is no {POLICY} `{name}` to bind"
                problems.append(problem_at(obj, ("spec", "policyName"), message, "put it into this folder"))
    return [_policy(policy, bindings[policy.name], objects) for policy in policies], problems


def is_kind(obj: KubernetesObject, group: str, kind: str) -> bool:
    """Whether an object is of a kind, in any version of its group."""
    return obj.kind == kind and obj.api_version.partition("/")[0] == group


def _policy(
    policy: KubernetesObject, bindings: Sequence[KubernetesObject], objects: Iterable[KubernetesObject]
) -> AdmissionPolicy:
    spec = mapping(policy.data.get("spec"))
    kind = texts(spec.get("paramKind"))
    given = objects_of(kind, objects)
    rule = Rule(
        match=("all", NOT_EXEMPT, match_resources(spec.get("matchConstraints"))),
        expressions=expressions_of(spec, policy, ("spec",)),
        bindings=tuple(_binding(b, kind, given) for b in bindings)
        or (Binding("error", params=Params(kind) if kind else None),),
        fails=spec.get("failurePolicy") != "Ignore",
        params=bool(kind),
    )
    return AdmissionPolicy(policy.name, policy, (rule,), {})


def _binding(obj: KubernetesObject, kind: Mapping[str, Any], given: tuple[Mapping[str, Any], ...]) -> Binding:
    spec = mapping(obj.data.get("spec"))
    ref = mapping(spec.get("paramRef"))
    return Binding(
        severity_of(spec.get("validationActions")),
        match_resources(spec.get("matchResources")),
        Params(kind, ref, given) if kind and ref else None,
    )


def objects_of(kind: Mapping[str, Any], objects: Iterable[KubernetesObject]) -> tuple[Mapping[str, Any], ...]:
    """The data of the objects of a paramKind."""
    wanted = (kind.get("apiVersion"), kind.get("kind"))
    return tuple(obj.data for obj in objects if (obj.api_version, obj.kind) == wanted)


def knows(obj: KubernetesObject) -> bool:
    """Whether an object is a policy of Kubernetes itself, or a part of one."""
    return is_kind(obj, GROUP, POLICY) or is_kind(obj, GROUP, BINDING)
