"""PolicyException objects of Kyverno -> what keeps a policy from requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.admission.form import Expression, named, strings
from policykit.admission.kyverno.filters import criterion
from policykit.admission.wildcards import like_any
from policykit.views.objects import mapping, sequence, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policykit.admission.matching import Criterion
    from policykit.parse.kubernetes import KubernetesObject


def exempt(policy: KubernetesObject, rule: str, exceptions: Sequence[KubernetesObject]) -> Criterion:
    """What the exceptions of kyverno.io exempt from a rule: `match`, and `conditions`, which are in JMESPath."""
    name = policy.name if policy.kind == "ClusterPolicy" else f"{policy.namespace}/{policy.name}"
    found: list[Criterion] = []
    for exception in exceptions:
        spec = mapping(exception.data.get("spec"))
        entries = map(mapping, sequence(spec.get("exceptions")))
        if any(e.get("policyName") == name and like_any(strings(e.get("ruleNames")), rule) for e in entries):
            parts = [criterion(spec.get("match"))]
            if spec.get("conditions"):
                parts.append(("unknown", f"the conditions of PolicyException `{exception.name}` are in JMESPath"))
            found.append(("all", *parts))
    return ("any", *found)


def exempting(policy: KubernetesObject, exceptions: Sequence[KubernetesObject]) -> Iterator[Expression]:
    """Conditions under which exceptions of policies.kyverno.io leave a policy in force.

    Those that only allow some images or values (`allowances`) exempt nothing as a whole.
    """
    for exception in _referring(policy, exceptions):
        spec = mapping(exception.data.get("spec"))
        if not spec.get("images") and not spec.get("allowedValues"):
            terms = named(spec, exception, ("spec",), "matchConditions")
            whole = " && ".join(f"({term.text})" for term in terms) or "true"
            route = terms[0].route if terms else ("spec",)
            yield Expression(f"!({whole})", exception, route, exception.name)


def allowances(policy: KubernetesObject, exceptions: Sequence[KubernetesObject]) -> Mapping[str, Any]:
    """The variable `exceptions` of a policy: what exceptions allow without further conditions."""
    specs = [mapping(exception.data.get("spec")) for exception in _referring(policy, exceptions)]
    allowing = [spec for spec in specs if not spec.get("matchConditions")]
    return {
        "allowedImages": [item for spec in allowing for item in strings(spec.get("images"))],
        "allowedValues": [item for spec in allowing for item in strings(spec.get("allowedValues"))],
    }


def _referring(policy: KubernetesObject, exceptions: Sequence[KubernetesObject]) -> Iterator[KubernetesObject]:
    for exception in exceptions:
        refs = map(mapping, sequence(mapping(exception.data.get("spec")).get("policyRefs")))
        if any((text(ref.get("name")), text(ref.get("kind"))) == (policy.name, policy.kind) for ref in refs):
            yield exception
