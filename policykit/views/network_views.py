"""The project views `networkPolicy` and `serviceMonitor`: objects whose selectors may select nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, STRING, ListType, ObjectType
from policykit.unknown import Unknown
from policykit.views.inventory import inventory
from policykit.views.objects import annotations_of, mapping, owner_fields, resource, sequence, text, texts
from policykit.views.places import below
from policykit.views.selector import keys_of, namespace_labels, selects, selects_everything
from policykit.views.types import OWNER
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.views.inventory import Inventory
    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

_PEER = ObjectType(
    "NetworkPeer",
    {
        "direction": STRING,  # ingress, egress
        "labels": STRING,  # its podSelector as people write it
        "selectsPods": BOOL,
    },
)
NETWORK_POLICY = ObjectType(
    "NetworkPolicy",
    {
        "owner": OWNER,
        "selectsEverything": BOOL,
        "selectsPods": BOOL,  # pods of workloads among the files
        "peers": ListType(_PEER),  # those with a podSelector that is not empty
    },
)
SERVICE_MONITOR = ObjectType(
    "ServiceMonitor",
    {
        "owner": OWNER,
        "labels": STRING,
        "hasSelector": BOOL,
        "selectsServices": BOOL,
    },
)
_PEERS = {"ingress": "from", "egress": "to"}


def network_policies(_document: None, project: Project) -> Iterator[Subject]:
    """Every NetworkPolicy, with whether its selectors find pods."""
    known = inventory(project)
    for obj in known.of_kind("NetworkPolicy"):
        if obj.api_version.partition("/")[0] not in ("networking.k8s.io", "extensions"):
            continue
        spec = mapping(obj.data.get("spec"))
        selector = spec.get("podSelector")
        data = {
            "owner": owner_fields(obj),
            "selectsEverything": selects_everything(selector),
            "selectsPods": bool(known.selected(selector, project.namespace(obj))),
            "peers": list(_peers(spec, obj, known)),
        }
        yield Subject(data, obj, below(obj), resource(obj), (annotations_of(obj.data),))


def _peers(spec: Mapping[str, Any], obj: ApiObject, known: Inventory) -> Iterator[dict[str, Any]]:
    for direction, key in _PEERS.items():
        for rule in map(mapping, sequence(spec.get(direction))):
            for peer in map(mapping, sequence(rule.get(key))):
                selector = peer.get("podSelector")
                if not selects_everything(selector):
                    found = _finds_pods(selector, peer, obj, known)
                    yield {"direction": direction, "labels": selector_text(selector), "selectsPods": found}


def _finds_pods(selector: Any, peer: Mapping[str, Any], obj: ApiObject, known: Inventory) -> bool | Unknown:
    """Whether a peer selects pods of workloads among the files, in its own namespace or those it selects."""
    matching = [w for w in known.workloads if selects(selector, w.labels)]
    chosen = peer.get("namespaceSelector")
    if chosen is None:
        home = known.project.namespace(obj)
        return any(w.namespace == home for w in matching)
    unknown: Unknown | None = None
    for workload in matching:
        declared = known.find("Namespace", workload.namespace, None)
        written = texts(mapping(declared.data.get("metadata")).get("labels")) if declared else None
        labels = namespace_labels(workload.namespace, written)
        if written is None and keys_of(chosen) - labels.keys():
            unknown = Unknown((f"the labels of namespace `{workload.namespace}` are not among the files",))
        elif selects(chosen, labels):
            return True
    return unknown if unknown is not None else False


def service_monitors(_document: None, project: Project) -> Iterator[Subject]:
    """Every ServiceMonitor of the Prometheus operator, with whether it selects a Service."""
    known = inventory(project)
    for obj in known.of_kind("ServiceMonitor"):
        spec = mapping(obj.data.get("spec"))
        selector, namespaces = spec.get("selector"), mapping(spec.get("namespaceSelector"))
        data = {
            "owner": owner_fields(obj),
            "labels": selector_text(selector),
            "hasSelector": not selects_everything(selector) or bool(namespaces),
            "selectsServices": any(
                selects(selector, texts(mapping(s.data.get("metadata")).get("labels")))
                and _in_namespaces(s, obj, namespaces, project)
                for s in known.of_kind("Service")
            ),
        }
        yield Subject(data, obj, below(obj), resource(obj), (annotations_of(obj.data),))


def _in_namespaces(service: ApiObject, monitor: ApiObject, chosen: Mapping[str, Any], project: Project) -> bool:
    """A monitor that names no namespace of its own may be meant for any."""
    names = sequence(chosen.get("matchNames"))
    if names:
        return project.namespace(service) in names
    return chosen.get("any") is True or not monitor.namespace or project.namespace(service) == monitor.namespace


def selector_text(selector: Any) -> str:
    """A label selector on one line: `app=web,tier in (a,b)`."""
    labels = [f"{key}={value}" for key, value in mapping(mapping(selector).get("matchLabels")).items()]
    for item in map(mapping, sequence(mapping(selector).get("matchExpressions"))):
        values = ",".join(map(str, sequence(item.get("values"))))
        labels.append(f"{text(item.get('key'))} {text(item.get('operator')).lower()} ({values})")
    return ",".join(labels)
