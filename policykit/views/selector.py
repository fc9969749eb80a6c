"""Kubernetes selectors against labels, and against the question "does it select everything?".

Semantics of `metav1.LabelSelector` (apimachinery, `labels.Requirement.Matches`). Plain values in, verdicts out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]


def selects_everything(selector: Any) -> bool:
    """Whether a label selector has no requirement; an absent one decodes to the empty one, which selects all."""
    return not isinstance(selector, Mapping) or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def selects(selector: Any, labels: Labels) -> bool:
    """Whether a label selector (`matchLabels` and `matchExpressions`, all of them) matches `labels`.

    A requirement that the API server would refuse (an unknown operator) matches nothing.
    """
    if selects_everything(selector):
        return True
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return (
        isinstance(wanted, Mapping)
        and isinstance(expressions, list)
        and all(labels.get(key) == value for key, value in wanted.items())
        and all(isinstance(e, Mapping) and _meets(e, labels) for e in expressions)
    )


def _meets(requirement: Mapping[str, Any], labels: Labels) -> bool:
    key = str(requirement.get("key"))
    values = requirement.get("values") or []
    match requirement.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False


def namespace_labels(name: str, declared: Labels | None) -> Labels:
    """A namespace's labels: those declared, and the one that the API server sets on every namespace."""
    return {**(declared or {}), "kubernetes.io/metadata.name": name}


def keys_of(selector: Any) -> frozenset[str]:
    """The label keys that a label selector asks about."""
    if selects_everything(selector):
        return frozenset()
    expressions = selector.get("matchExpressions") or ()
    keys = {str(e.get("key")) for e in expressions if isinstance(e, Mapping)}
    return frozenset(keys | set(selector.get("matchLabels") or ()))
