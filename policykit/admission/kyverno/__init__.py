"""Kyverno's policies that validate with CEL -> admission policies.

`ClusterPolicy` and `Policy` (kyverno.io) with `validate.cel` rules, `ValidatingPolicy` and `NamespacedValidatingPolicy`
(policies.kyverno.io), and the `PolicyException`s of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.admission.kyverno import rules, validating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.admission.form import AdmissionPolicy
    from policykit.errors import Problem
    from policykit.parse.kubernetes import KubernetesObject

_GROUPS = (rules.GROUP, validating.GROUP)
_EXCEPTION = "PolicyException"


def read_policies(objects: Sequence[KubernetesObject]) -> tuple[list[AdmissionPolicy], list[Problem]]:
    """Every policy of Kyverno among `objects`, with the exceptions from it."""
    exceptions = [obj for obj in objects if obj.kind == _EXCEPTION]
    found: list[AdmissionPolicy] = []
    for obj in objects:
        group = _group(obj)
        if group == rules.GROUP and obj.kind in rules.KINDS:
            found.append(rules.read_policy(obj, exceptions, objects))
        elif group == validating.GROUP and obj.kind in validating.KINDS:
            found.append(validating.read_policy(obj, exceptions))
    return found, []


def knows(obj: KubernetesObject) -> bool:
    """Whether an object is a policy that Kyverno judges with CEL, or an exception from one."""
    kinds = {rules.GROUP: rules.KINDS, validating.GROUP: validating.KINDS}.get(_group(obj), ())
    return obj.kind in kinds or (_group(obj) in _GROUPS and obj.kind == _EXCEPTION)


def _group(obj: KubernetesObject) -> str:
    return obj.api_version.partition("/")[0]
