"""MatchResources of admissionregistration.k8s.io -> criteria; Kyverno's ValidatingPolicy has them as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.admission.form import selector_of
from policykit.admission.matching import ALWAYS
from policykit.views.objects import mapping, sequence
from policykit.views.selector import selects_everything

if TYPE_CHECKING:
    from policykit.admission.matching import Criterion

#: What an API server shows to no policy, lest a policy locks everybody out (`pkg/kubeapiserver/admission/exclusion`).
_EXEMPT = (
    ("admissionregistration.k8s.io", "*", "ValidatingAdmissionPolicy*", "*"),
    ("admissionregistration.k8s.io", "*", "MutatingAdmissionPolicy*", "*"),
    ("authentication.k8s.io", "*", "SelfSubjectReview", "*"),
    ("authentication.k8s.io", "*", "TokenReview", "*"),
    ("authorization.k8s.io", "*", "*Review", "*"),
)
NOT_EXEMPT: Criterion = ("not", ("kinds", _EXEMPT))


def match_resources(resources: Any, *, exactly: bool = False) -> Criterion:
    """What `MatchResources` select: exclusions, rules (none means all), selectors.

    `exactly`: there is no matchPolicy, other versions of the same thing do not count.
    """
    criteria = mapping(resources)
    exactly = exactly or criteria.get("matchPolicy") == "Exact"
    parts: list[Criterion] = []
    if rules := sequence(criteria.get("resourceRules")):
        parts.append(("rules", [mapping(rule) for rule in rules], "exactly" if exactly else "converted"))
    if excluded := sequence(criteria.get("excludeResourceRules")):
        how = "exactly" if exactly else "equivalently"
        parts.append(("not", ("rules", [mapping(rule) for rule in excluded], how)))
    if not selects_everything(selector := selector_of(criteria.get("objectSelector"))):
        parts.append(("labels", selector))
    if not selects_everything(selector := selector_of(criteria.get("namespaceSelector"))):
        # What lives in no namespace is never exempted by the labels of one; a Namespace is judged by its own.
        namespaces = ("kinds", (("", "*", "Namespace", "*"),))
        elsewhere = ("all", ("scope", "Cluster"), ("not", namespaces))
        parts.append(("any", elsewhere, ("namespaceLabels", selector)))
    return ("all", *parts) if parts else ALWAYS
