"""The containers of a Kubernetes object as subjects of the view `container`: the pod's settings merged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.document import route_text
from policykit.unknown import Unknown
from policykit.views.base_images import base_image
from policykit.views.built_images import stage_of
from policykit.views.container_elements import elements, probes
from policykit.views.container_parts import mounts, ports, probe, strings, variables, variables_from
from policykit.views.images import image_fields, reference
from policykit.views.objects import (
    ApiObject,
    annotations_of,
    follow,
    mapping,
    owner_fields,
    parse_route,
    resource,
    sequence,
    text,
)
from policykit.views.pods import containers, pod_templates
from policykit.views.security import APPARMOR, SECCOMP_CONTAINER, container_security
from policykit.views.user import user_fields
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from policykit.document import Route
    from policykit.views.pods import PodContainer
    from policykit.views.project import Project

_AMOUNTS = {"cpu": "cpu", "memory": "memory", "ephemeralStorage": "ephemeral-storage"}
#: Parts of a container and where a manifest says them.
CONTAINER_ROUTES: Mapping[str, Route] = {
    "privileged": ("securityContext", "privileged"),
    "privilegeEscalation": ("securityContext", "allowPrivilegeEscalation"),
    "readOnlyRootFilesystem": ("securityContext", "readOnlyRootFilesystem"),
    "procMount": ("securityContext", "procMount"),
    "capabilities": ("securityContext", "capabilities"),
    "capabilities.add": ("securityContext", "capabilities", "add"),
    "capabilities.drop": ("securityContext", "capabilities", "drop"),
    "seccomp": ("securityContext", "seccompProfile"),
    "appArmor": ("securityContext", "appArmorProfile"),
    "seLinux": ("securityContext", "seLinuxOptions"),
    "runAsNonRoot": ("securityContext", "runAsNonRoot"),
    "runAsUser": ("securityContext", "runAsUser"),
    "runAsGroup": ("securityContext", "runAsGroup"),
    "hostProcess": ("securityContext", "windowsOptions", "hostProcess"),
    "security": ("securityContext",),
    "liveness": ("livenessProbe",),
    "readiness": ("readinessProbe",),
    "startup": ("startupProbe",),
    "postStart": ("lifecycle", "postStart"),
    "preStop": ("lifecycle", "preStop"),
    "pullPolicy": ("imagePullPolicy",),
    "variables": ("env",),
    "variablesFrom": ("envFrom",),
    "mounts": ("volumeMounts",),
}
_ANNOTATIONS = {"seccompAnnotation": SECCOMP_CONTAINER, "appArmorAnnotation": APPARMOR}
_INHERITED = frozenset(
    {"runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile", "appArmorProfile", "windowsOptions"}
)


def kubernetes_containers(obj: ApiObject, project: Project) -> Sequence[Subject]:
    """Every container of every pod that the object makes."""
    return project.once(obj, _containers)


def _containers(obj: ApiObject, project: Project) -> Iterator[Subject]:
    for pod in pod_templates(obj.data):
        for container in containers(pod):
            yield Subject(
                _fields(container, obj, project),
                obj,
                _locator(container, obj),
                resource(obj),
                (annotations_of(obj.data), mapping(pod.metadata.get("annotations"))),
            )


def _fields(container: PodContainer, obj: ApiObject, project: Project) -> dict[str, Any]:
    data, windows = container.data, container.pod.windows
    ref = data.get("image")
    image = image_fields(ref if isinstance(ref, str) else "", container.kind, "kubernetes")
    decided_by, user = _user(container)
    default, decided_at = _image_user(image["ref"], project)
    image_user = user_fields(default or "", windows=windows)
    return {
        "name": text(data.get("name")),
        "kind": container.kind,
        "target": "kubernetes",
        "image": image,
        "user": image_user if decided_by == "image" else user_fields(user, windows=windows),
        "userSource": decided_by,
        "imageUser": image_user,
        "imageUserKnown": default is not None,
        "imageUserAt": decided_at,
        "runAsNonRoot": _security(container, "runAsNonRoot")[1] is True,
        "windows": windows,
        "resources": _resources(container, project.limit_range(obj)),
        "owner": owner_fields(obj),
        "security": container_security(container),
        **_parts(container),
    }


def _parts(container: PodContainer) -> dict[str, Any]:
    data = container.data
    lifecycle = mapping(data.get("lifecycle"))
    restart = data.get("restartPolicy") or container.pod.spec.get("restartPolicy")
    return {
        "ports": ports(container),
        "variables": variables(container),
        "variablesFrom": variables_from(container),
        "mounts": mounts(container),
        "liveness": probe(data.get("livenessProbe")),
        "readiness": probe(data.get("readinessProbe")),
        "startup": probe(data.get("startupProbe")),
        "postStart": probe(lifecycle.get("postStart")),
        "preStop": probe(lifecycle.get("preStop")),
        "pullPolicy": text(data.get("imagePullPolicy")),
        "restartPolicy": text(restart),
        "command": strings(sequence(data.get("command"))),
        "args": strings(sequence(data.get("args"))),
        "workingDir": text(data.get("workingDir")),
        "tty": data.get("tty") is True,
        "stdin": data.get("stdin") is True,
    }


def _image_user(ref: str, project: Project) -> tuple[str | None, str]:
    """The user of an image, None where it is not known, and where its Dockerfile decides it."""
    made = stage_of(ref, project)
    if made is not None:
        from policykit.views.dockerfiles import made_user

        user, _, place = made_user(made, project)
        return (None, "") if isinstance(user, Unknown) else (user, place)
    known = base_image(reference(ref), project.facts.base_images)
    return (known.user if known else None), ""


def _user(container: PodContainer) -> tuple[str, str]:
    """Who decides the user, and the user; "" where the image does."""
    if container.pod.windows:
        for source, context in _contexts(container):
            name = mapping(context.get("windowsOptions")).get("runAsUserName")
            if isinstance(name, str):
                return source, name
        return "image", ""
    source, value = _security(container, "runAsUser")
    return (source, str(value)) if isinstance(value, int) and not isinstance(value, bool) else ("image", "")


def _security(container: PodContainer, key: str) -> tuple[str, Any]:
    """A field of the security context in effect: the container's own, else the pod's."""
    for source, context in _contexts(container):
        if context.get(key) is not None:
            return source, context[key]
    return "", None


def _contexts(container: PodContainer) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "container", mapping(container.data.get("securityContext"))
    yield "pod", mapping(container.pod.spec.get("securityContext"))


def _resources(container: PodContainer, limit_range: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Limits and requests in effect. A request defaults to the limit (API server, `SetDefaults_Pod`), then to the
    LimitRange's default; what the pod as a whole has (KEP-2837) bounds each container.
    """
    own = mapping(container.data.get("resources"))
    pod = mapping(container.pod.spec.get("resources"))
    limits: dict[str, str] = {}
    requests: dict[str, str] = {}
    for field, key in _AMOUNTS.items():
        own_limit = _amount(own, "limits", key)
        default_limit = _amount_text(limit_range.get("default", {}).get(key))
        limits[field] = own_limit or default_limit or _amount(pod, "limits", key)
        requests[field] = (
            _amount(own, "requests", key)
            or own_limit
            or _amount_text(limit_range.get("defaultRequest", {}).get(key))
            or _amount(pod, "requests", key)
            or limits[field]
        )
    return {"limits": limits, "requests": requests}


def _amount(resources: Mapping[str, Any], which: str, key: str) -> str:
    return _amount_text(mapping(resources.get(which)).get(key))


def _locator(container: PodContainer, obj: ApiObject) -> Callable[[str], Place]:
    """Places of a container's parts; a part that is missing is where it should be."""

    def locate(at: str) -> Place:
        if not at:
            return Place(obj.span((*container.route, "")), route_text(container.route))
        route = _user_route(container) if at == "user" else _route(container, at)
        return Place(obj.span(route), route_text(route))

    return locate


def _route(container: PodContainer, at: str) -> Route:
    """The route to a part: where it is said, else where the container would say it."""
    if at in _ANNOTATIONS:
        return (*container.pod.route, "metadata", "annotations", _ANNOTATIONS[at] + text(container.data.get("name")))
    part, bracket, rest = at.partition("[")
    steps = CONTAINER_ROUTES.get(part)
    if steps is None:
        steps = tuple(_AMOUNTS.get(step, step) for step in part.split("."))
    if steps[:1] == ("securityContext",) and steps[1:] and follow(container.data, steps) is None:
        on_pod = (*container.pod.route, "spec", *steps)
        if follow(container.pod.spec, steps) is not None and steps[1] in _INHERITED:
            return on_pod
    return (*container.route, *steps, *parse_route(bracket + rest))


def _user_route(container: PodContainer) -> Route:
    """The setting that decides the user, else the one that promises, else the one that is missing."""
    decisive: Route = ("windowsOptions", "runAsUserName") if container.pod.windows else ("runAsUser",)
    holders = {"container": container.route, "pod": (*container.pod.route, "spec")}
    for setting in (decisive, ("runAsNonRoot",)):
        for source, context in _contexts(container):
            if follow(context, setting) is not None:
                return (*holders[source], "securityContext", *setting)
    return (*container.route, "securityContext", "runAsNonRoot")


def _amount_text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


kubernetes_ports = elements(kubernetes_containers, "ports")
kubernetes_variables = elements(kubernetes_containers, "variables")
kubernetes_mounts = elements(kubernetes_containers, "mounts")
kubernetes_probes = probes(kubernetes_containers)
