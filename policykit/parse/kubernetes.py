"""The text of a manifest file into Kubernetes objects, whatever cannot be evaluated yet, and whatever is wrong.

Structure only: no kind is known here but the lists that hold other objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policykit.errors import ParseError
from policykit.finding import NotEvaluated
from policykit.parse.kubernetes_templates import may_be_template, template_in
from policykit.parse.yaml import YamlDocument, YamlFile, document_ranges, parse_ranges, parse_yaml
from policykit.parse.yaml_scalars import KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.document import Route, Source, Span, Target


@dataclass(frozen=True, slots=True)
class KubernetesObject:
    """One API object: a document of its own (`route` is empty) or an item of a List (`("items", 0)`).

    `api_version` and `kind` are never empty; `name` is the generateName where there is no name; `name` and
    `namespace` are empty where nothing is written.
    """

    document: YamlDocument
    route: Route
    data: dict[str, Any]
    api_version: str
    kind: str
    name: str
    namespace: str

    @property
    def source(self) -> Source:
        return self.document.source

    @property
    def target(self) -> Target:
        return "kubernetes"

    def span(self, route: Route, *, key: bool = False) -> Span:
        """Where a route inside the object was written."""
        return self.document.span(self.route + route, key=key)


@dataclass(frozen=True, slots=True)
class Manifests:
    """All that one file holds, each part in the order of the text."""

    objects: tuple[KubernetesObject, ...] = ()
    not_evaluated: tuple[NotEvaluated, ...] = ()
    problems: tuple[ParseError, ...] = ()


def parse_manifests(source: Source) -> Manifests:
    """Everything in one file. Never raises: what is wrong is in `problems`, and one broken document hides no other.

    Documents that are no Kubernetes objects are left alone; beside others that are, they count as not evaluated.
    """
    templates, documents = _without_templates(source)
    objects: list[KubernetesObject] = []
    foreign: list[NotEvaluated] = []
    problems: list[ParseError] = []
    for document in documents:
        if isinstance(document, ParseError):
            problems.append(document)
        elif _is_object(document.data):
            for item in _objects(document, (), document.data):
                if isinstance(item, ParseError):
                    problems.append(item)
                else:
                    objects.append(item)
        elif document.data is not None:
            foreign.append(NotEvaluated(_head(document), "no Kubernetes object: it has no apiVersion and kind"))
    return Manifests(tuple(objects), (*templates, *(foreign if objects else ())), tuple(problems))


def _without_templates(source: Source) -> tuple[list[NotEvaluated], Iterator[YamlDocument | ParseError]]:
    """The documents that are templates, and all others read as YAML."""
    if not may_be_template(source.text):
        return [], parse_yaml(source, KUBERNETES)
    lines = YamlFile(source, KUBERNETES).lines
    templates: list[NotEvaluated] = []
    others: list[tuple[int, int]] = []
    for start, end in document_ranges(source.text):
        part = source.text[start:end]
        if may_be_template(part) and (template := template_in(source.name, part)):
            span = lines.span(start + template.start, start + template.end)
            templates.append(NotEvaluated(span, template.reason))
        else:
            others.append((start, end))
    if not templates:
        return [], parse_yaml(source, KUBERNETES)
    return templates, parse_ranges(source, KUBERNETES, others)


def _head(document: YamlDocument) -> Span:
    return document.span(("",)) if isinstance(document.data, dict) else document.span(())


def _is_object(data: Any) -> bool:
    return isinstance(data, dict) and "apiVersion" in data and "kind" in data


def _objects(document: YamlDocument, route: Route, data: dict[str, Any]) -> Iterator[KubernetesObject | ParseError]:
    """The object at `route`, or the objects in it where it is a List."""
    api_version, kind = data["apiVersion"], data["kind"]
    for field, value in (("apiVersion", api_version), ("kind", kind)):
        if not isinstance(value, str) or not value:
            span = document.span((*route, field))
            yield ParseError(f"{field} must be a non-empty string", span.line, span.column)
            return
    items = data.get("items")
    if kind.endswith("List") and isinstance(items, list):
        yield from _items(document, route, data, items)
        return
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = _text(metadata.get("name")) or _text(metadata.get("generateName"))
    yield KubernetesObject(document, route, data, api_version, kind, name, _text(metadata.get("namespace")))


def _items(
    document: YamlDocument, route: Route, parent: dict[str, Any], items: list[Any]
) -> Iterator[KubernetesObject | ParseError]:
    """The items of a List. Those of a typed list (`PodList`) may leave out what its own kind says already."""
    item_kind = parent["kind"].removesuffix("List")
    defaults = {"apiVersion": parent["apiVersion"], "kind": item_kind} if item_kind else {}
    for index, item in enumerate(items):
        here = (*route, "items", index)
        if isinstance(item, dict) and _is_object(typed := {**defaults, **item}):
            yield from _objects(document, here, typed)
        else:
            span = document.span(here)
            yield ParseError("item of a List is no Kubernetes object (apiVersion and kind)", span.line, span.column)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
