"""A Kubernetes object turned into the pods it makes: built-in kinds by their path, unknown kinds by structure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from policykit.document import Route  # noqa: TC001
from policykit.views.objects import follow, mapping, sequence

ContainerKind = Literal["container", "init", "sidecar", "ephemeral"]

_TEMPLATE: Route = ("spec", "template")
#: Kinds of Kubernetes itself (and OpenShift) that make pods: route from the object to what holds the pod's `metadata`
#: and `spec`.
_POD_ROUTES: Mapping[str, Route] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "Job": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "DeploymentConfig": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
}
_BUILT_IN_GROUPS = frozenset({"", "apps", "batch", "extensions", "apps.openshift.io"})
#: Kinds that are large and hold no pod: the walk for unknown kinds would only cost time, or take a schema for a pod.
_NO_PODS = frozenset({"CustomResourceDefinition", "ConfigMap", "Secret"})
_DEEPEST = 64

_LISTS: tuple[tuple[str, ContainerKind], ...] = (
    ("initContainers", "init"),
    ("containers", "container"),
    ("ephemeralContainers", "ephemeral"),
)


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """A pod to be: `route` leads from the object to what holds its `metadata` and `spec`."""

    route: Route
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]

    @property
    def windows(self) -> bool:
        """Whether it runs on Windows: `spec.os` says so, or its node selector does."""
        system = mapping(self.spec.get("os")).get("name")
        return (system or mapping(self.spec.get("nodeSelector")).get("kubernetes.io/os")) == "windows"


@dataclass(frozen=True, slots=True)
class PodContainer:
    """One container of a pod: `route` leads to it from the object."""

    pod: PodTemplate
    kind: ContainerKind
    route: Route
    data: Mapping[str, Any]


def pod_templates(obj: Mapping[str, Any]) -> list[PodTemplate]:
    """The pods that an object describes. Never raises: what does not look like a pod is none."""
    kind, group = str(obj.get("kind")), str(obj.get("apiVersion", "")).rpartition("/")[0]
    if kind in _POD_ROUTES and group in _BUILT_IN_GROUPS:
        route = _POD_ROUTES[kind]
        holder = mapping(follow(obj, route))
        spec = holder.get("spec")
        return [PodTemplate(route, mapping(holder.get("metadata")), spec)] if isinstance(spec, Mapping) else []
    return [] if kind in _NO_PODS else list(_embedded(obj, (), 0))


def bare_template(obj: Mapping[str, Any]) -> PodTemplate | None:
    """The pod template of a built-in kind, also where it has no spec; None for other kinds."""
    route = _POD_ROUTES.get(str(obj.get("kind")))
    if route is None or obj.get("kind") == "PodTemplate":
        return None
    holder = mapping(follow(obj, route))
    return PodTemplate(route, mapping(holder.get("metadata")), mapping(holder.get("spec")))


def _embedded(value: Any, route: Route, depth: int) -> Iterator[PodTemplate]:
    """Pod templates anywhere in a custom resource: a `spec` with a list of named containers."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        spec = value.get("spec")
        if isinstance(spec, Mapping) and _has_containers(spec):
            yield PodTemplate(route, mapping(value.get("metadata")), spec)
            return
        for key, item in value.items():
            yield from _embedded(item, (*route, key), depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _embedded(item, (*route, index), depth + 1)


def _has_containers(spec: Mapping[str, Any]) -> bool:
    return any("name" in mapping(item) or "image" in mapping(item) for item in sequence(spec.get("containers")))


def containers(pod: PodTemplate) -> Iterator[PodContainer]:
    """All containers of a pod, init containers first. An init container that restarts always is a sidecar (KEP-753)."""
    for key, kind in _LISTS:
        for index, item in enumerate(sequence(pod.spec.get(key))):
            if isinstance(item, Mapping):
                actual: ContainerKind = "sidecar" if kind == "init" and item.get("restartPolicy") == "Always" else kind
                yield PodContainer(pod, actual, (*pod.route, "spec", key, index), item)
