"""The views `configReference`, `ingressBackend` and `servicePort`: single names that one object has for another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, INT, STRING, ObjectType
from policykit.views.container_parts import number, variables, variables_from
from policykit.views.images import at_route
from policykit.views.inventory import backends, inventory
from policykit.views.objects import annotations_of, follow, mapping, owner_fields, resource, sequence, text
from policykit.views.places import below
from policykit.views.pods import containers
from policykit.views.types import OWNER
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.views.inventory import Inventory
    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

CONFIG_REFERENCE = ObjectType(
    "ConfigReference",
    {
        "owner": OWNER,
        "container": STRING,
        "kind": STRING,  # ConfigMap, Secret
        "name": STRING,
        "key": STRING,  # "" for all of it
        "optional": BOOL,
        "found": BOOL,  # the object is among the files
        "keyFound": BOOL,
    },
)
INGRESS_BACKEND = ObjectType(
    "IngressBackend",
    {
        "owner": OWNER,
        "service": STRING,  # "" for a backend that is a resource
        "port": STRING,
        "host": STRING,
        "path": STRING,
        "found": BOOL,
        "portFound": BOOL,
    },
)
SERVICE_PORT = ObjectType(
    "PortOfService",
    {
        "owner": OWNER,
        "name": STRING,
        "number": INT,
        "targetPort": STRING,  # "" where none is written
        "targetIsNumber": BOOL,
        "nodePort": INT,
        "protocol": STRING,
    },
)
_KINDS = {"secret": "Secret", "configMap": "ConfigMap"}
_HOLDERS = ("data", "stringData", "binaryData")


def config_references(_document: None, project: Project) -> Iterator[Subject]:
    """Each ConfigMap and Secret that an environment variable of a container names."""
    known = inventory(project)
    for workload in known.workloads:
        obj = workload.obj
        for container in containers(workload.pod):
            for list_name, items in (("env", variables(container)), ("envFrom", variables_from(container))):
                for index, variable in enumerate(items):
                    kind = _KINDS.get(variable["source"])
                    if kind is not None:
                        data = _reference(kind, variable, workload.namespace, known)
                        data |= {"owner": owner_fields(obj), "container": text(container.data.get("name"))}
                        locate = at_route(obj, (*container.route, list_name, index))
                        yield Subject(data, obj, locate, resource(obj), (annotations_of(obj.data),))


def _reference(kind: str, variable: Mapping[str, Any], namespace: str, known: Inventory) -> dict[str, Any]:
    found = known.find(kind, variable["reference"], namespace)
    key = variable["key"]
    has_key = found is not None and any(key in mapping(found.data.get(holder)) for holder in _HOLDERS)
    return {
        "kind": kind,
        "name": variable["reference"],
        "key": key,
        "optional": variable["optional"],
        "found": found is not None,
        "keyFound": has_key or not key,
    }


def ingress_backends(_document: None, project: Project) -> Iterator[Subject]:
    """Each backend of an Ingress, with whether its Service and port are there."""
    known = inventory(project)
    for obj in known.of_kind("Ingress"):
        for route, name, value, host, path in backends(obj):
            port = mapping(mapping(value.get("service")).get("port"))
            asked = port.get("number") or port.get("name") or value.get("servicePort") or ""
            service = known.find("Service", name, project.namespace(obj)) if name else None
            listed = [mapping(p) for p in sequence(follow(service.data, ("spec", "ports")))] if service else []
            data = {
                "owner": owner_fields(obj),
                "service": name,
                "port": str(asked),
                "host": host,
                "path": path,
                "found": service is not None or not name,
                "portFound": any(asked in (p.get("port"), p.get("name")) for p in listed) or not name,
            }
            yield Subject(data, obj, below(obj, route), resource(obj), (annotations_of(obj.data),))


def service_ports(obj: ApiObject, _project: Project) -> Iterator[Subject]:
    """Each port of a Service."""
    if obj.kind != "Service" or obj.api_version != "v1":
        return
    for index, item in enumerate(map(mapping, sequence(follow(obj.data, ("spec", "ports"))))):
        target = item.get("targetPort")
        data = {
            "owner": owner_fields(obj),
            "name": text(item.get("name")),
            "number": number(item.get("port")),
            "targetPort": "" if target is None else str(target),
            "targetIsNumber": isinstance(target, int),
            "nodePort": number(item.get("nodePort")),
            "protocol": text(item.get("protocol")) or "TCP",
        }
        locate = below(obj, ("spec", "ports", index))
        yield Subject(data, obj, locate, resource(obj), (annotations_of(obj.data),))
