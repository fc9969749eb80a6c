"""Documents of a policy folder -> compiled admission policies of every engine that is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.admission import gatekeeper, kubernetes, kyverno
from policykit.admission.compiler import compile_rules
from policykit.admission.form import problem_at
from policykit.admission.wildcards import like
from policykit.cel.environment import LATEST
from policykit.policy import Policy
from policykit.views.objects import annotations_of, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policykit.admission.form import AdmissionPolicy
    from policykit.errors import Problem
    from policykit.finding import Severity
    from policykit.parse.kubernetes import KubernetesObject

_GRAVEST_FIRST: tuple[Severity, ...] = ("error", "warning", "info")
#: What stands beside policies and has no say about validation: patterns of group and kind.
_BYSTANDERS = (
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("admissionregistration.k8s.io", "Mutating*"),
    ("policies.kyverno.io", "*MutatingPolicy"),
    ("policies.kyverno.io", "*GeneratingPolicy"),
    ("policies.kyverno.io", "*DeletingPolicy"),
    ("*kyverno.io", "*CleanupPolicy"),
    ("*kyverno.io", "GlobalContextEntry"),
    ("*mutations.gatekeeper.sh", "*"),
    ("kustomize.config.k8s.io", "*"),
    ("cli.kyverno.io", "*"),
    ("chainsaw.kyverno.io", "*"),
)
_FIX = "Change the object so that the validation holds; the policy is the one that the cluster enforces."


class Admission(NamedTuple):
    """A policy, the file it stands in, and its programs as plain values (`dump`, see `policykit.admission.check`)."""

    policy: Policy
    dump: dict[str, Any]
    file: str


def read_admission_policies(
    objects: Sequence[KubernetesObject], version: tuple[int, int] = LATEST
) -> tuple[list[Admission], list[Problem]]:
    """The policies among `objects` with what belongs to them, and everything that is wrong with them.

    Bindings, constraints and exceptions belong to policies, as do the objects that hold their parameters. Whatever else
    is there, but for what usually stands beside policies, is a problem: it is no policy.
    """
    found: list[AdmissionPolicy] = []
    problems: list[Problem] = []
    for engine in (kubernetes, kyverno, gatekeeper):
        policies, wrong = engine.read_policies(objects)
        found += policies
        problems += wrong
    admissions = []
    for policy in found:
        programs, wrong = compile_rules(policy, version)
        problems += [*policy.problems, *wrong]
        admissions.append(Admission(_policy(policy), programs, policy.document.source.name))
    return admissions, problems + _strangers(objects, found)


def _policy(policy: AdmissionPolicy) -> Policy:
    annotations = texts(annotations_of(policy.document.data))
    severities = {binding.severity for rule in policy.rules for binding in rule.bindings}
    return Policy(
        id=policy.name,
        summary=_annotated(annotations, "title") or f"{policy.document.kind} `{policy.name}` does not hold",
        category="admission",
        severity=next((s for s in _GRAVEST_FIRST if s in severities), "error"),
        targets=("kubernetes",),
        for_each="object",
        validations=(),
        fix=_FIX,
        rationale=_annotated(annotations, "description"),
        equivalents=policy.aliases,
    )


def _annotated(annotations: Mapping[str, str], what: str) -> str:
    """What authors of policies say about them: Kyverno's and Gatekeeper's annotations, or one without a prefix."""
    keys = (f"policies.kyverno.io/{what}", f"metadata.gatekeeper.sh/{what}", what)
    return next((annotations[key].strip() for key in keys if key in annotations), "")


def _strangers(objects: Sequence[KubernetesObject], policies: Sequence[AdmissionPolicy]) -> list[Problem]:
    """Objects that are no policy and belong to none."""
    kinds = {
        (binding.params.kind.get("apiVersion"), binding.params.kind.get("kind"))
        for policy in policies
        for rule in policy.rules
        for binding in rule.bindings
        if binding.params
    }
    return [
        problem_at(obj, ("kind",), f"{obj.kind} ({obj.api_version}) is no kind of policy", "move it out of this folder")
        for obj in objects
        if not (
            any(engine.knows(obj) for engine in (kubernetes, kyverno, gatekeeper))
            or (obj.api_version, obj.kind) in kinds
            or any(
                like(group, obj.api_version.partition("/")[0]) and like(kind, obj.kind) for group, kind in _BYSTANDERS
            )
        )
    ]
