"""A Kubernetes object as subjects of the views `object`, `mapping`, `pod`, `volume` and `securityContext`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import STRING, ListType, ObjectType
from policykit.document import route_text
from policykit.views.container_parts import mounts, number, volume_source
from policykit.views.images import at_route
from policykit.views.kubernetes_containers import CONTAINER_ROUTES, kubernetes_containers
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
    texts,
)
from policykit.views.places import below
from policykit.views.pods import containers, pod_templates
from policykit.views.security import SECCOMP_POD, orphaned_app_armor_keys, pod_security
from policykit.views.selector import selects, selects_everything
from policykit.views.types import OWNER
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from policykit.document import Route
    from policykit.views.pods import PodTemplate
    from policykit.views.project import Project

MAPPING = ObjectType("Mapping", {"path": STRING, "keys": ListType(STRING), "owner": OWNER})


def objects(obj: ApiObject, _project: Project) -> Iterator[Subject]:
    """The object as it is. Its parts are paths into it."""
    yield Subject(obj.data, obj, below(obj), resource(obj), (annotations_of(obj.data),))


def mappings(obj: ApiObject, _project: Project) -> Iterator[Subject]:
    """Every mapping of an object, with its keys in the order they were written in."""
    owner, notes = owner_fields(obj), (annotations_of(obj.data),)
    waiting: list[tuple[Route, Any]] = [((), obj.data)]
    while waiting:
        route, value = waiting.pop()
        if isinstance(value, list):
            waiting += [((*route, index), item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            waiting += [((*route, key), item) for key, item in value.items()]
            data = {"path": route_text(route) or "root", "keys": [str(key) for key in value], "owner": owner}
            yield Subject(data, obj, at_route(obj, (*route, "")), resource(obj), notes)


def kubernetes_pods(obj: ApiObject, project: Project) -> Sequence[Subject]:
    """Every pod that the object makes."""
    return project.once(obj, _pods)


def _pods(obj: ApiObject, project: Project) -> Iterator[Subject]:
    for pod in pod_templates(obj.data):
        yield Subject(pod_fields(pod, obj, project), obj, _pod_locator(pod, obj), resource(obj), _notes(obj, pod))


def kubernetes_volumes(obj: ApiObject, _project: Project) -> Iterator[Subject]:
    """Every volume of every pod that the object makes."""
    for pod in pod_templates(obj.data):
        names = _mounted_by(pod)
        for index, fields in enumerate(_volumes(pod)):
            route: Route = (*pod.route, "spec", "volumes", index)
            more = {"target": "kubernetes", "owner": owner_fields(obj), "containers": names.get(fields["name"], [])}
            item = mapping(sequence(pod.spec.get("volumes"))[index])
            locate = _volume_locator(obj, route, volume_source(item)[0])
            yield Subject({**fields, **more}, obj, locate, resource(obj), _notes(obj, pod))


def kubernetes_security(obj: ApiObject, project: Project) -> Iterator[Subject]:
    """The security context of every pod, then those of its containers."""
    for pod in pod_templates(obj.data):
        yield Subject(pod_security(pod), obj, _pod_security_locator(pod, obj), resource(obj), _notes(obj, pod))
    for container in kubernetes_containers(obj, project):
        yield Subject(container.data["security"], obj, container.locate, container.resource, container.annotations)


def pod_fields(pod: PodTemplate, obj: ApiObject, project: Project) -> dict[str, Any]:
    """The fields of the type `Pod` (`policykit.views.pod_types`)."""
    spec, labels = pod.spec, texts(pod.metadata.get("labels"))
    names: dict[str, list[str]] = {"container": [], "init": [], "sidecar": [], "ephemeral": []}
    for container in containers(pod):
        names[container.kind].append(text(container.data.get("name")))
    account = text(spec.get("serviceAccountName")) or text(spec.get("serviceAccount"))
    automount = spec.get("automountServiceAccountToken")
    return {
        "target": "kubernetes",
        "owner": owner_fields(obj),
        "name": obj.name,
        "labels": labels,
        "annotations": texts(pod.metadata.get("annotations")),
        **{key: spec.get(key) is True for key in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")},
        "hostUsers": spec.get("hostUsers") is not False,
        "os": text(mapping(spec.get("os")).get("name")),
        "serviceAccount": account,
        "deprecatedServiceAccount": text(spec.get("serviceAccount")),
        "automountToken": str(automount).lower() if isinstance(automount, bool) else "",
        "tokenMounted": automount if isinstance(automount, bool) else project.automounts_token(obj, account),
        "restartPolicy": text(spec.get("restartPolicy")),
        "priorityClass": text(spec.get("priorityClassName")),
        "runtimeClass": text(spec.get("runtimeClassName")),
        "nodeName": text(spec.get("nodeName")),
        "nodeSelector": texts(spec.get("nodeSelector")),
        **_placement(spec, labels, project.namespace(obj)),
        "hostAliases": len(sequence(spec.get("hostAliases"))),
        "dnsPolicy": text(spec.get("dnsPolicy")),
        "dnsOptions": _pairs(mapping(spec.get("dnsConfig")).get("options")),
        "sysctls": _pairs(mapping(spec.get("securityContext")).get("sysctls")),
        "terminationGracePeriodSeconds": number(spec.get("terminationGracePeriodSeconds"), 30),
        "activeDeadlineSeconds": number(spec.get("activeDeadlineSeconds")),
        "imagePullSecrets": [text(s.get("name")) for s in map(mapping, sequence(spec.get("imagePullSecrets")))],
        "volumes": _volumes(pod),
        "containers": names["container"],
        "initContainers": [*names["init"], *names["sidecar"]],
        "ephemeralContainers": names["ephemeral"],
    }


def _placement(spec: Mapping[str, Any], labels: dict[str, str], namespace: str) -> dict[str, Any]:
    """Where the scheduler may put a pod."""
    affinity = mapping(spec.get("affinity"))
    node = mapping(affinity.get("nodeAffinity"))
    spread = [mapping(item) for item in sequence(spec.get("topologySpreadConstraints"))]
    return {
        "nodeAffinity": bool(node),
        "antiAffinity": list(_anti_affinity(mapping(affinity.get("podAntiAffinity")), labels, namespace)),
        "topologySpread": [
            {
                "topologyKey": text(item.get("topologyKey")),
                "whenUnsatisfiable": text(item.get("whenUnsatisfiable")),
                "maxSkew": number(item.get("maxSkew")),
                "selectorSet": isinstance(item.get("labelSelector"), dict),
                "selectsItself": selects(item.get("labelSelector"), labels),
            }
            for item in spread
        ],
        "tolerations": [
            {key: text(item.get(key)) for key in ("key", "operator", "value", "effect")}
            for item in map(mapping, sequence(spec.get("tolerations")))
        ],
    }


def _anti_affinity(rules: Mapping[str, Any], labels: dict[str, str], namespace: str) -> Iterator[dict[str, Any]]:
    required = [(True, term) for term in sequence(rules.get("requiredDuringSchedulingIgnoredDuringExecution"))]
    preferred = [
        (False, mapping(item).get("podAffinityTerm"))
        for item in sequence(rules.get("preferredDuringSchedulingIgnoredDuringExecution"))
    ]
    for is_required, value in (*required, *preferred):
        term = mapping(value)
        chosen = sequence(term.get("namespaces"))
        anywhere = "namespaceSelector" in term and selects_everything(term["namespaceSelector"])
        here = anywhere or namespace in chosen or (not chosen and "namespaceSelector" not in term)
        matches = "labelSelector" in term and selects(term["labelSelector"], labels)
        yield {
            "required": is_required,
            "topologyKey": text(term.get("topologyKey")),
            "selectsItself": matches and here,
            "selectsLabels": matches,
        }


def _pairs(value: Any) -> list[dict[str, str]]:
    items = map(mapping, sequence(value))
    return [{"name": text(item.get("name")), "value": str(item.get("value", ""))} for item in items]


def _volumes(pod: PodTemplate) -> list[dict[str, Any]]:
    mounted: dict[str, list[bool]] = {}
    for container in containers(pod):
        for mount in mounts(container):
            mounted.setdefault(mount["volume"], []).append(mount["readOnly"])
    found = []
    for item in map(mapping, sequence(pod.spec.get("volumes"))):
        kind, source = volume_source(item)
        details = mapping(item.get(kind))
        reads = mounted.get(text(item.get("name")), [])
        found.append(
            {
                "name": text(item.get("name")),
                "type": kind,
                "source": source,
                "sizeLimit": str(details.get("sizeLimit") or ""),
                "medium": text(details.get("medium")),
                "optional": details.get("optional") is True,
                "mounted": bool(reads),
                "readOnly": all(reads),
            }
        )
    return found


def _mounted_by(pod: PodTemplate) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for container in containers(pod):
        for mount in mounts(container):
            names = found.setdefault(mount["volume"], [])
            names.append(text(container.data.get("name")))
    return found


def _notes(obj: ApiObject, pod: PodTemplate) -> tuple[Mapping[str, Any], ...]:
    return (annotations_of(obj.data), mapping(pod.metadata.get("annotations")))


def _pod_locator(pod: PodTemplate, obj: ApiObject) -> Callable[[str], Place]:
    def locate(at: str) -> Place:
        if not at:
            return Place(obj.span(("kind",), key=True), route_text(pod.route) or "spec")
        route: Route = (*pod.route, *(_POD_ROUTES.get(at) or ("spec", *parse_route(at))))
        return Place(obj.span(route), route_text(route))

    return locate


_POD_ROUTES: Mapping[str, Route] = {
    "labels": ("metadata", "labels"),
    "annotations": ("metadata", "annotations"),
    "serviceAccount": ("spec", "serviceAccountName"),
    "deprecatedServiceAccount": ("spec", "serviceAccount"),
    "automountToken": ("spec", "automountServiceAccountToken"),
    "priorityClass": ("spec", "priorityClassName"),
    "runtimeClass": ("spec", "runtimeClassName"),
    "nodeAffinity": ("spec", "affinity", "nodeAffinity"),
    "antiAffinity": ("spec", "affinity", "podAntiAffinity"),
    "topologySpread": ("spec", "topologySpreadConstraints"),
    "dnsOptions": ("spec", "dnsConfig", "options"),
    "sysctls": ("spec", "securityContext", "sysctls"),
    "os": ("spec", "os", "name"),
}


def _volume_locator(obj: ApiObject, route: Route, kind: str) -> Callable[[str], Place]:
    def locate(at: str) -> Place:
        steps: Route = {"type": (kind,), "source": (kind, "path"), "": ("name",)}.get(at, (kind, at))
        return Place(obj.span((*route, *steps), key=at == "type"), route_text((*route, *steps)))

    return locate


def _pod_security_locator(pod: PodTemplate, obj: ApiObject) -> Callable[[str], Place]:
    def locate(at: str) -> Place:
        steps: Route = ("spec", *CONTAINER_ROUTES.get(at, ("securityContext", *parse_route(at))))
        if at in ("appArmorAnnotation", "seccompAnnotation"):
            keys = orphaned_app_armor_keys(pod) if at == "appArmorAnnotation" else iter([SECCOMP_POD])
            steps = ("metadata", "annotations", next(keys, ""))
        elif follow({"spec": pod.spec}, steps) is None:
            steps = ("spec", "securityContext")
        return Place(obj.span((*pod.route, *steps)), route_text((*pod.route, *steps)))

    return locate
