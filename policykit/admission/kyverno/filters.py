"""`match` and `exclude` of Kyverno's rules and exceptions -> criteria (kyverno `pkg/engine/utils/match.go`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.admission.form import selector_of, strings
from policykit.admission.matching import NEVER
from policykit.views.objects import mapping, sequence, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.admission.matching import Criterion

_VERSION = re.compile(r"v\d((alpha|beta)\d)?|\*")
_WILDCARDS = re.compile(r"[*?]")


def filters_of(block: Any) -> list[Mapping[str, Any]]:
    """The filters of a `match` or `exclude`, whichever way they are joined."""
    block = mapping(block)
    listed = sequence(block.get("any")) or sequence(block.get("all"))
    return [mapping(entry) for entry in listed] or [block]


def kinds_of(block: Any) -> list[str]:
    """The kinds that a `match` or `exclude` names."""
    return [kind for entry in filters_of(block) for kind in strings(mapping(entry.get("resources")).get("kinds"))]


def criterion(block: Any) -> Criterion:
    """What a `match` or `exclude` selects: any of the filters, or all of them."""
    join = "all" if not mapping(block).get("any") and mapping(block).get("all") else "any"
    return (join, *map(_filter, filters_of(block)))


def _filter(entry: Mapping[str, Any]) -> Criterion:
    parts = (*_resources(mapping(entry.get("resources"))), *_users(entry))
    # Kyverno takes a filter that says nothing for a mistake.
    return ("all", *parts) if parts else NEVER


def _resources(block: Mapping[str, Any]) -> Iterator[Criterion]:
    if operations := strings(block.get("operations")):
        yield ("operations", operations)
    if kinds := strings(block.get("kinds")):
        yield ("kinds", [kind_selector(kind) for kind in kinds])
    if name := text(block.get("name")):
        yield ("names", [name])
    if names := strings(block.get("names")):
        yield ("names", names)
    if namespaces := strings(block.get("namespaces")):
        yield ("namespaces", namespaces)
    if annotations := texts(block.get("annotations")):
        yield ("like", "annotations", annotations)
    if (selector := block.get("selector")) is not None:
        yield from selector_criteria("labels", selector)
    if (selector := block.get("namespaceSelector")) is not None:
        yield ("not", ("kinds", [("*", "*", "Namespace", "*")]))
        yield from selector_criteria("namespaceLabels", selector)


def selector_criteria(whose: str, selector: Any) -> Iterator[Criterion]:
    """A label selector; Kyverno allows wildcards in the keys and values of `matchLabels`."""
    labels = texts(mapping(selector).get("matchLabels"))
    patterns = {key: value for key, value in labels.items() if _WILDCARDS.search(key + value)}
    if patterns:
        yield ("like", whose, patterns)
        labels = {key: value for key, value in labels.items() if key not in patterns}
    yield (whose, {**selector_of(selector), "matchLabels": labels})


def _users(entry: Mapping[str, Any]) -> Iterator[Criterion]:
    for key in ("roles", "clusterRoles"):
        if roles := strings(entry.get(key)):
            yield ("user", key, roles)
    if subjects := [mapping(subject) for subject in sequence(entry.get("subjects"))]:
        yield ("any", *map(_subject, subjects))


def _subject(subject: Mapping[str, Any]) -> Criterion:
    kind, name = text(subject.get("kind")), text(subject.get("name"))
    if kind == "ServiceAccount":
        return ("user", "User", [f"system:serviceaccount:{text(subject.get('namespace'))}:{name}"])
    return ("user", kind, [name]) if kind in ("User", "Group") else NEVER


def kind_selector(selector: str) -> tuple[str, str, str, str]:
    """Patterns of group, version, kind and subresource: `Pod`, `apps/v1/Deployment`, `Pod/exec`, `*/*`."""
    *before, last = selector.split("/")
    match [*before, *last.split(".")]:
        case [kind]:
            return "*", "*", kind, ""
        case ["*", "*"]:
            return "*", "*", "*", "*"
        case ["*", sub] if sub == sub.lower():
            return "*", "*", "*", sub
        case [version, kind] if _VERSION.fullmatch(version):
            return "*", version, kind, ""
        case [kind, sub]:
            return "*", "*", kind, sub
        case [version, kind, sub] if _VERSION.fullmatch(version):
            return "*", version, kind, sub
        case [group, version, kind]:
            return group, version, kind, ""
        case [group, version, kind, sub]:
            return group, version, kind, sub
    return "", "", "", ""
