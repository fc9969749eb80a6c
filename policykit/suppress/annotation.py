"""Annotations of Kubernetes objects into directives: ours and those of the tools that teams come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.suppress.directives import OURS, Directive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.document import Route

PREFIX = "policykit.dev/ignore."

_KUBE_LINTER = "ignore-check.kube-linter.io/"
_POLARIS = re.compile(r"polaris\.fairwinds\.com/(?:([\w-]+)-)?exempt")
_CHECKOV = re.compile(r"checkov\.io/skip\d*")


def read_annotation(key: str, value: Any) -> Directive | None:
    """The directive that an annotation is; it holds for all of the object that carries it."""
    text = value if isinstance(value, str) else ""
    if key.startswith(PREFIX):
        return Directive(OURS, (key.removeprefix(PREFIX),), "near", text)
    if key.startswith(_KUBE_LINTER):
        return Directive("kube-linter", (key.removeprefix(_KUBE_LINTER),), "near", text)
    if key == "kube-linter.io/ignore-all":
        return Directive("kube-linter", (), "near", text)
    if key == "kube-score/ignore":
        return Directive("kube-score", tuple(name.strip() for name in text.split(",") if name.strip()), "near")
    if _CHECKOV.fullmatch(key):
        name, _, reason = text.partition("=")
        return Directive("checkov", (name.strip(),), "near", reason.strip())
    if (match := _POLARIS.fullmatch(key)) and text.lower() == "true":
        return Directive("polaris", (match[1],) if match[1] else (), "near")
    return None


def own_annotations(data: Any) -> Iterator[tuple[Mapping[str, Any], str, Route]]:
    """Every annotation of ours in a document: the mapping it is in, its key, and the route to it."""
    stack: list[tuple[Any, Route]] = [(data, ())]
    while stack:
        value, route = stack.pop()
        if isinstance(value, dict):
            metadata = value.get("metadata")
            annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
            if isinstance(annotations, dict):
                for key in annotations:
                    if key.startswith(PREFIX):
                        yield annotations, key, (*route, "metadata", "annotations", key)
            stack.extend((inner, (*route, key)) for key, inner in value.items())
        elif isinstance(value, list):
            stack.extend((inner, (*route, index)) for index, inner in enumerate(value))
