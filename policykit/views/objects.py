"""Kubernetes objects as the views take them: read from a file, or handed over by an API server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from policykit.document import Document, Route, Source, Span
from policykit.finding import Resource

if TYPE_CHECKING:
    from policykit.document import Target

#: An object from the API has no text: its places are paths.
NO_SOURCE = Source("", "")
NO_SPAN = Span("", 1, 1, 1, 1)


class ApiObject(Document, Protocol):
    """A document that is one API object; `name` and `namespace` are "" where nothing is written."""

    @property
    def api_version(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def namespace(self) -> str: ...


@dataclass(frozen=True, slots=True)
class AdmittedObject:
    """An object under admission review; implements `ApiObject`.

    `request` is the `request` of the AdmissionReview, as it was decoded, and `namespace_object` the Namespace that it
    is in: what admission policies see beside the object. None where nobody gives them.
    """

    data: Mapping[str, Any]
    api_version: str
    kind: str
    name: str
    namespace: str
    request: Mapping[str, Any] | None = None
    namespace_object: Mapping[str, Any] | None = None

    @property
    def source(self) -> Source:
        return NO_SOURCE

    @property
    def target(self) -> Target:
        return "kubernetes"

    def span(self, route: Route, *, key: bool = False) -> Span:  # noqa: ARG002
        return NO_SPAN


def resource(obj: ApiObject) -> Resource:
    """How findings name an object."""
    return Resource(obj.api_version, obj.kind, obj.namespace, obj.name)


def owner_fields(obj: ApiObject) -> dict[str, Any]:
    """The fields of the type `Owner` (`policykit.views.types`)."""
    metadata = mapping(obj.data.get("metadata"))
    return {
        "apiVersion": obj.api_version,
        "kind": obj.kind,
        "name": obj.name,
        "namespace": obj.namespace,
        "labels": texts(metadata.get("labels")),
        "annotations": texts(metadata.get("annotations")),
    }


NO_OWNER: Mapping[str, Any] = {
    "apiVersion": "",
    "kind": "",
    "name": "",
    "namespace": "",
    "labels": {},
    "annotations": {},
}


def texts(value: Any) -> dict[str, str]:
    """A mapping of texts; whatever else stands in it is left out."""
    return {key: item for key, item in mapping(value).items() if isinstance(key, str) and isinstance(item, str)}


def annotations_of(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """The annotations of anything that has `metadata`; empty where they are missing or malformed."""
    return mapping(mapping(holder.get("metadata")).get("annotations"))


def follow(value: Any, route: Route) -> Any:
    """What stands at `route` below `value`, None where nothing does."""
    for step in route:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = mapping(value).get(step)
    return value


#: Most are plain, and asking an abstract class takes ten times as long.
_MAPPINGS = (dict, Mapping)


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one: input is hostile until proven otherwise."""
    return value if isinstance(value, _MAPPINGS) else {}


def sequence(value: Any) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """`value` if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


_STEP = re.compile(r"""\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]""")


def parse_route(path: str) -> Route:
    """The route that `policykit.document.route_text` writes as `path`: `spec.ports[0].name`, `labels["a.b/c"]`."""
    steps: list[str | int] = []
    for key, index, quoted in _STEP.findall(path):
        steps.append(key or (int(index) if index else quoted.replace('\\"', '"').replace("\\\\", "\\")))
    return tuple(steps)
