"""Subjects of a loaded Compose project: the images its services run, and the services as containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.document import route_text
from policykit.unknown import Unknown
from policykit.views import compose_parts
from policykit.views.base_images import base_image
from policykit.views.built_images import image_stage
from policykit.views.container_elements import elements, probes
from policykit.views.dockerfiles import made_user
from policykit.views.images import at_route, image_fields, reference
from policykit.views.objects import NO_OWNER, follow, mapping, parse_route
from policykit.views.security import compose_security
from policykit.views.user import user_fields
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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


def compose_containers(document: Document, project: Project) -> Sequence[Subject]:
    """Each service as the container it runs; where it sets no user, the Dockerfile it is built from does."""
    return project.once(document, _containers)


def compose_pods(document: Document, project: Project) -> Iterator[Subject]:  # noqa: ARG001
    """Each service as a pod with one container."""
    for name, service in _services(document):
        yield Subject(compose_parts.pod(name, service), document, _locator(name, service, document))


def compose_volumes(document: Document, project: Project) -> Iterator[Subject]:
    """Each volume that a service mounts."""
    for container in compose_containers(document, project):
        service = mapping(follow(document.data, ("services", container.data["name"])))
        for index, volume in enumerate(compose_parts.volumes(service)):
            more = {"target": "compose", "owner": NO_OWNER, "containers": [container.data["name"]]}
            route: Route = ("services", container.data["name"], "volumes", index)
            yield Subject({**volume, **more}, document, _volume_locator(document, route))


def _volume_locator(document: Document, route: Route) -> Callable[[str], Place]:
    def locate(at: str) -> Place:
        place = (*route, "source") if at == "source" else route
        return Place(document.span(place), route_text(place))

    return locate


def compose_security_contexts(document: Document, project: Project) -> Iterator[Subject]:
    """What each service may do on its host."""
    for container in compose_containers(document, project):
        yield Subject(container.data["security"], document, container.locate)


def _containers(document: Document, project: Project) -> Iterator[Subject]:
    for name, service in _services(document):
        yield Subject(_fields(name, service, document, project), document, _locator(name, service, document))


def _services(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, service in mapping(document.data.get("services")).items():
        yield name, mapping(service)


def _fields(name: str, service: Mapping[str, Any], document: Document, project: Project) -> dict[str, Any]:
    image = image_fields(_text(service.get("image")), "service", "compose", built="build" in service)
    default, windows, decided_at = _image_user(service, document, project)
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
        "imageUserAt": decided_at,
        "runAsNonRoot": False,
        "windows": windows,
        "resources": _resources(service),
        "security": compose_security(name, service),
        **compose_parts.parts(service),
    }


def _image_user(service: Mapping[str, Any], document: Document, project: Project) -> tuple[str | Unknown, bool, str]:
    """The user of the image a service runs, whether it is one for Windows, and where its Dockerfile decides it."""
    made = image_stage(service, document, project)
    if isinstance(made, Unknown):
        return made, False, ""
    if made is not None:
        return made_user(made, project)
    ref = _text(service.get("image"))
    entry = base_image(reference(ref), project.facts.base_images)
    if entry is not None:
        return entry.user, entry.windows, ""
    if isinstance(ref, Unknown):
        return ref, False, ""
    return Unknown((f"the user of the image `{ref}` is not known",)), False, ""


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
        routes = _AMOUNTS.get((which, amount)) or (_part_route(service, at),)
        route = (*base, *next((r for r in routes if follow(service, r) is not None), routes[0]))
        return Place(document.span(route), route_text(route))

    return locate


def _part_route(service: Mapping[str, Any], at: str) -> Route:
    """The route to a part, below a service."""
    part, bracket, rest = at.partition("[")
    steps = parse_route(bracket + rest)
    if part == "variables" and steps:
        return ("environment", list(mapping(service.get("environment")))[int(steps[0])])
    return (*_PARTS.get(part, parse_route(part)), *steps)


#: Parts of a container, a pod or a security context and where a service says them.
_PARTS: Mapping[str, Route] = {
    "readOnlyRootFilesystem": ("read_only",),
    "privilegeEscalation": ("security_opt",),
    "procMount": ("security_opt",),
    "seccomp": ("security_opt",),
    "appArmor": ("security_opt",),
    "seLinux": ("security_opt",),
    "capabilities": ("cap_add",),
    "capabilities.add": ("cap_add",),
    "capabilities.drop": ("cap_drop",),
    "hostNetwork": ("network_mode",),
    "hostPID": ("pid",),
    "hostIPC": ("ipc",),
    "hostUsers": ("userns_mode",),
    "liveness": ("healthcheck",),
    "variables": ("environment",),
    "variablesFrom": ("env_file",),
    "mounts": ("volumes",),
    "pullPolicy": ("pull_policy",),
    "restartPolicy": ("restart",),
    "command": ("entrypoint",),
    "args": ("command",),
    "stdin": ("stdin_open",),
    "terminationGracePeriodSeconds": ("stop_grace_period",),
    "hostAliases": ("extra_hosts",),
    "runtimeClass": ("runtime",),
}


def _text(value: Any) -> str | Unknown:
    if isinstance(value, Unknown):
        return value
    return "" if value is None else str(value)


compose_ports = elements(compose_containers, "ports")
compose_variables = elements(compose_containers, "variables")
compose_mounts = elements(compose_containers, "mounts")
compose_probes = probes(compose_containers)
