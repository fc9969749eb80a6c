"""The view `image`: every image reference of a document, wherever it stands."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from policykit.document import route_text
from policykit.views.image_reference import ImageReference, Text, parse_image_reference
from policykit.views.objects import ApiObject, annotations_of, mapping, resource, sequence
from policykit.views.pods import containers, pod_templates
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policykit.document import Document, Route, Target
    from policykit.views.project import Project

reference = lru_cache(maxsize=4096)(parse_image_reference)


def image_fields(ref: Text, origin: str, target: Target, *, built: bool = False) -> dict[str, Any]:
    """The fields of the type `Image` (`policykit.views.types`) for a reference as written, "" for none."""
    parsed: ImageReference = reference(ref)
    return {
        "ref": ref,
        "name": parsed.name,
        "registry": parsed.registry,
        "repository": parsed.repository,
        "tag": parsed.tag,
        "digest": parsed.digest,
        "valid": parsed.valid,
        "built": built,
        "origin": origin,
        "target": target,
    }


def kubernetes_images(obj: ApiObject, _project: Project) -> Iterator[Subject]:
    """Images of all containers of all pods of an object, and of its image volumes (KEP-4639)."""
    for pod in pod_templates(obj.data):
        notes = (annotations_of(obj.data), mapping(pod.metadata.get("annotations")))
        found: list[tuple[str, Route, Any]] = [
            (container.kind, (*container.route, "image"), container.data.get("image")) for container in containers(pod)
        ]
        for index, volume in enumerate(sequence(pod.spec.get("volumes"))):
            route = (*pod.route, "spec", "volumes", index, "image", "reference")
            found.append(("volume", route, mapping(mapping(volume).get("image")).get("reference")))
        for origin, route, ref in found:
            if isinstance(ref, str) and ref:
                fields = image_fields(ref, origin, "kubernetes")
                yield Subject(fields, obj, at_route(obj, route), resource(obj), notes)


def at_route(document: Document, route: Route) -> Callable[[str], Place]:
    """A locator for a subject that is one value: all its parts are there."""
    return lambda _at: Place(document.span(route), route_text(route))
