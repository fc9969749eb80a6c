"""The project views `service`, `ingress`, `autoscaler`, `disruptionBudget` and `resource`: objects that name others."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, INT, STRING, ListType, MapType, ObjectType
from policykit.views.container_parts import number, ports
from policykit.views.inventory import Inventory, inventory, scale_target, scaler_minimum
from policykit.views.objects import (
    annotations_of,
    follow,
    mapping,
    owner_fields,
    resource,
    sequence,
    text,
    texts,
)
from policykit.views.places import below
from policykit.views.pods import containers
from policykit.views.types import OWNER
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.views.inventory import Workload
    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

_SERVICE_PORT = ObjectType(
    "ServicePort",
    {
        "name": STRING,
        "number": INT,
        "targetPort": STRING,  # number or name; the port's own number where nothing is said
        "targetWritten": BOOL,
        "nodePort": INT,
        "protocol": STRING,
        "exposed": BOOL,  # a container behind the Service lists it
    },
)
SERVICE = ObjectType(
    "Service",
    {
        "owner": OWNER,
        "type": STRING,
        "headless": BOOL,
        "externalName": STRING,
        "externalIps": ListType(STRING),
        "selector": MapType(STRING, STRING),
        "ports": ListType(_SERVICE_PORT),
        "listsPorts": BOOL,  # some container behind it lists ports at all
        "workloads": ListType(STRING),  # Kind/name of what makes the pods it sends traffic to
        "sameSelector": ListType(STRING),  # names of other Services of the namespace with the same selector
    },
)
INGRESS = ObjectType(
    "Ingress",
    {
        "owner": OWNER,
        "hosts": ListType(STRING),  # of its rules, "" for all hosts
        "tlsHosts": ListType(STRING),
        "sharedHosts": ListType(STRING),  # of its hosts, those another Ingress of another namespace or name claims
        "sharedPaths": ListType(STRING),  # host and path that another Ingress claims too
    },
)
AUTOSCALER = ObjectType(
    "Autoscaler",
    {
        "owner": OWNER,
        "targetKind": STRING,
        "targetName": STRING,
        "targetFound": BOOL,
        "minReplicas": INT,
        "maxReplicas": INT,
    },
)
_TARGET = ObjectType("BudgetTarget", {"kind": STRING, "name": STRING, "replicas": INT, "scaled": BOOL, "mayLose": INT})
DISRUPTION_BUDGET = ObjectType(
    "DisruptionBudget",
    {
        "owner": OWNER,
        "minAvailable": STRING,
        "maxUnavailable": STRING,
        "unhealthyPodEvictionPolicy": STRING,
        "targets": ListType(_TARGET),  # workloads with a number of replicas
    },
)
RESOURCE = ObjectType("Resource", {"owner": OWNER, "earlier": ListType(STRING)})


def services(_document: None, project: Project) -> Iterator[Subject]:
    """Every Service, with the pods behind it."""
    known = inventory(project)
    by_selector: dict[tuple[str, frozenset[tuple[str, str]]], list[str]] = defaultdict(list)
    found = [s for s in known.of_kind("Service") if s.api_version == "v1"]
    for obj in found:
        by_selector[_selector_key(obj, project)].append(obj.name)
    for obj in found:
        spec = mapping(obj.data.get("spec"))
        behind = known.served_by(obj)
        selector = texts(spec.get("selector"))
        others = by_selector[_selector_key(obj, project)] if selector else []
        yield _subject(
            obj,
            {
                "owner": owner_fields(obj),
                "type": text(spec.get("type")) or "ClusterIP",
                "headless": spec.get("clusterIP") == "None",
                "externalName": text(spec.get("externalName")),
                "externalIps": [str(ip) for ip in sequence(spec.get("externalIPs"))],
                "selector": selector,
                "ports": [_service_port(mapping(port), behind) for port in sequence(spec.get("ports"))],
                "listsPorts": any(ports(c) for w in behind for c in containers(w.pod)),
                "workloads": [f"{w.obj.kind}/{w.obj.name}" for w in behind],
                "sameSelector": [name for name in others if name != obj.name],
            },
        )


def _selector_key(obj: ApiObject, project: Project) -> tuple[str, frozenset[tuple[str, str]]]:
    return project.namespace(obj), frozenset(texts(follow(obj.data, ("spec", "selector"))).items())


def _service_port(port: Mapping[str, Any], behind: list[Workload]) -> dict[str, Any]:
    target, own = port.get("targetPort"), port.get("port")
    asked = str(own if target is None else target)
    protocol = text(port.get("protocol")) or "TCP"
    listed = [p for w in behind for c in containers(w.pod) for p in ports(c)]
    return {
        "name": text(port.get("name")),
        "number": number(own),
        "targetPort": asked,
        "targetWritten": target is not None,
        "nodePort": number(port.get("nodePort")),
        "protocol": protocol,
        "exposed": any(protocol == p["protocol"] and asked in (str(p["number"]), p["name"]) for p in listed),
    }


def ingresses(_document: None, project: Project) -> Iterator[Subject]:
    """Every Ingress, with the Services behind it."""
    known = inventory(project)
    claims: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for obj in known.of_kind("Ingress"):
        for host, path in _claims(obj):
            claims[host].add(_identity(obj, project))
            claims[f"{host}{path}"].add(_identity(obj, project))
    for obj in known.of_kind("Ingress"):
        mine = {_identity(obj, project)}
        spec = mapping(obj.data.get("spec"))
        claimed = _claims(obj)
        yield _subject(
            obj,
            {
                "owner": owner_fields(obj),
                "hosts": [text(mapping(rule).get("host")) for rule in sequence(spec.get("rules"))],
                "tlsHosts": [str(h) for t in sequence(spec.get("tls")) for h in sequence(mapping(t).get("hosts"))],
                "sharedHosts": sorted({h for h, _ in claimed if h and claims[h] - mine}),
                "sharedPaths": sorted({h + p for h, p in claimed if p and claims[h + p] - mine}),
            },
        )


def _identity(obj: ApiObject, project: Project) -> tuple[str, str]:
    return project.namespace(obj), obj.name


def _claims(obj: ApiObject) -> list[tuple[str, str]]:
    rules = [mapping(rule) for rule in sequence(follow(obj.data, ("spec", "rules")))]
    return [
        (text(rule.get("host")), text(mapping(path).get("path")))
        for rule in rules
        for path in sequence(mapping(rule.get("http")).get("paths")) or [{}]
    ]


def autoscalers(_document: None, project: Project) -> Iterator[Subject]:
    """Every HorizontalPodAutoscaler, with what it scales."""
    known = inventory(project)
    for obj in known.of_kind("HorizontalPodAutoscaler"):
        kind, name = scale_target(obj)
        yield _subject(
            obj,
            {
                "owner": owner_fields(obj),
                "targetKind": kind,
                "targetName": name,
                "targetFound": known.find(kind, name, project.namespace(obj)) is not None,
                "minReplicas": scaler_minimum(obj) or 0,
                "maxReplicas": number(follow(obj.data, ("spec", "maxReplicas"))),
            },
        )


def disruption_budgets(_document: None, project: Project) -> Iterator[Subject]:
    """Every PodDisruptionBudget, with the workloads it protects and how many of their pods it lets go."""
    known = inventory(project)
    for obj in known.of_kind("PodDisruptionBudget"):
        spec = mapping(obj.data.get("spec"))
        selector = spec.get("selector")
        chosen = known.selected(selector, project.namespace(obj)) if isinstance(selector, dict) else []
        yield _subject(
            obj,
            {
                "owner": owner_fields(obj),
                "minAvailable": _amount_text(spec.get("minAvailable")),
                "maxUnavailable": _amount_text(spec.get("maxUnavailable")),
                "unhealthyPodEvictionPolicy": text(spec.get("unhealthyPodEvictionPolicy")),
                "targets": [t for w in chosen if (t := _budget_target(w, spec, known)) is not None],
            },
        )


def _budget_target(workload: Workload, spec: Mapping[str, Any], known: Inventory) -> dict[str, Any] | None:
    replicas = known.minimum_replicas(workload.obj)
    if replicas is None:
        return None
    if spec.get("maxUnavailable") is not None:
        lose = _amount(spec["maxUnavailable"], replicas)
    else:
        lose = replicas - _amount(spec.get("minAvailable"), replicas)
    scaled = bool(known.autoscalers(workload.obj))
    obj = workload.obj
    return {"kind": obj.kind, "name": obj.name, "replicas": replicas, "scaled": scaled, "mayLose": lose}


def _amount(value: Any, of: int) -> int:
    """A number of pods, or a percentage of `of`, rounded up as the disruption controller does."""
    if isinstance(value, str) and value.endswith("%") and value[:-1].isdecimal():
        return math.ceil(of * int(value[:-1]) / 100)
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return number(value)


def _amount_text(value: Any) -> str:
    return "" if value is None else str(value)


def resources(_document: None, project: Project) -> Iterator[Subject]:
    """Every object, with those before it that are the same: group, kind, namespace and name."""
    seen: dict[tuple[str, str, str, str], list[ApiObject]] = defaultdict(list)
    for obj in project.objects:
        group = obj.api_version.rpartition("/")[0]
        namespace = project.namespace(obj) if obj.namespace or obj.kind not in _CLUSTER_KINDS else ""
        earlier = seen[group, obj.kind, namespace, obj.name]
        yield _subject(obj, {"owner": owner_fields(obj), "earlier": [_line(other) for other in earlier]})
        if obj.name and not follow(obj.data, ("metadata", "generateName")):
            earlier.append(obj)


def _line(obj: ApiObject) -> str:
    span = obj.span(("metadata", "name"))
    return f"{span.file}:{span.line}"


_CLUSTER_KINDS = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"})


def _subject(obj: ApiObject, fields: dict[str, Any]) -> Subject:
    return Subject(fields, obj, below(obj), resource(obj), (annotations_of(obj.data),))
