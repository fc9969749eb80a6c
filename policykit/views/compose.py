"""Subjects of a loaded Compose project: the images its services run, and the services as containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.document import route_text
from policykit.unknown import Unknown
from policykit.views.base_images import base_image
from policykit.views.dockerfiles import stage_user
from policykit.views.images import at_route, image_fields, reference
from policykit.views.objects import follow, mapping
from policykit.views.user import user_fields
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from policykit.document import Document, Route
    from policykit.views.project import Project

#: Where a service says how much it may have, the newer key first (Compose specification, `deploy.resources`).
_AMOUNTS: Mapping[tuple[str, str], tuple[Route, ...]] = {
    ("limits", "cpu"): (("deploy", "resources", "limits", "cpus"), ("cpus",), ("cpu_quota",)),
    ("limits", "memory"): (("deploy", "resources", "limits", "memory"), ("mem_limit",)),
    ("requests", "cpu"): (("deploy", "resources", "reservations", "cpus"),),
    ("requests", "memory"): (("deploy", "resources", "reservations", "memory"), ("mem_reservation",)),
}


def compose_images(document: Document, project: Project) -> Iterator[Subject]:  # noqa: ARG001
    """The image of each service that names one."""
    for name, service in _services(document):
        image = service.get("image")
        if isinstance(image, str | Unknown) and image != "":
            fields = image_fields(image, "service", "compose", built="build" in service)
            yield Subject(fields, document, at_route(document, ("services", name, "image")))


def compose_containers(document: Document, project: Project) -> Iterator[Subject]:
    """Each service as the container it runs; where it sets no user, the Dockerfile it is built from does."""
    for name, service in _services(document):
        yield Subject(_fields(name, service, document, project), document, _locator(name, service, document))


def _services(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, service in mapping(document.data.get("services")).items():
        yield name, mapping(service)


def _fields(name: str, service: Mapping[str, Any], document: Document, project: Project) -> dict[str, Any]:
    image = image_fields(_text(service.get("image")), "service", "compose", built="build" in service)
    default, windows = _image_user(service, document, project)
    own = _text(service.get("user"))
    image_user = user_fields(default, windows=windows)
    return {
        "name": name,
        "kind": "service",
        "target": "compose",
        "image": image,
        "user": image_user if own == "" else user_fields(own, windows=windows),
        "userSource": "image" if own == "" else "container",
        "imageUser": image_user,
        "imageUserKnown": not isinstance(default, Unknown),
        "runAsNonRoot": False,
        "windows": windows,
        "resources": _resources(service),
    }


def _image_user(service: Mapping[str, Any], document: Document, project: Project) -> tuple[str | Unknown, bool]:
    """The user of the image a service runs, and whether it is one for Windows."""
    if "build" in service:
        build = mapping(service["build"])
        found = project.compose_build(document, build)
        if found is None:
            return Unknown(("the Dockerfile that it is built from is not among the files",)), False
        stage = found.target(str(build.get("target") or ""))
        if stage is None:
            return Unknown((f"its Dockerfile has no stage `{build.get('target')}`",)), False
        user = stage_user(found, stage, project.facts.base_images)
        return user.text, user.windows
    ref = _text(service.get("image"))
    entry = base_image(reference(ref), project.facts.base_images)
    if entry is not None:
        return entry.user, entry.windows
    if isinstance(ref, Unknown):
        return ref, False
    return Unknown((f"the user of the image `{ref}` is not known",)), False


def _resources(service: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a service may have at most and at least; what limits it is reserved for it too, as in Kubernetes."""
    found: dict[str, dict[str, Any]] = {
        "limits": {"cpu": "", "memory": "", "ephemeralStorage": ""},
        "requests": {"cpu": "", "memory": "", "ephemeralStorage": ""},
    }
    for (which, amount), routes in _AMOUNTS.items():
        values = (follow(service, route) for route in routes)
        value = next((v for v in values if v not in (None, "", 0, "0")), "")
        found[which][amount] = value if isinstance(value, Unknown) else str(value)
    for amount, limit in found["limits"].items():
        if found["requests"][amount] == "":
            found["requests"][amount] = limit
    return found


def _locator(name: str, service: Mapping[str, Any], document: Document) -> Callable[[str], Place]:
    base: Route = ("services", name)

    def locate(at: str) -> Place:
        if not at:
            return Place(document.span((*base, "")), route_text(base))
        which, _, amount = at.removeprefix("resources.").partition(".")
        routes = _AMOUNTS.get((which, amount), (tuple(at.split(".")),))
        route = (*base, *next((r for r in routes if follow(service, r) is not None), routes[0]))
        return Place(document.span(route), route_text(route))

    return locate


def _text(value: Any) -> str | Unknown:
    if isinstance(value, Unknown):
        return value
    return "" if value is None else str(value)
