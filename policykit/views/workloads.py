"""The project view `workload`: an object that makes pods, with everything of the project that acts on those pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.document import route_text
from policykit.views.container_parts import number, variables, variables_from
from policykit.views.inventory import Workload, inventory, selector_of
from policykit.views.kubernetes_containers import kubernetes_containers
from policykit.views.objects import annotations_of, follow, mapping, owner_fields, parse_route, resource, sequence, text
from policykit.views.pod_views import pod_fields
from policykit.views.pods import containers
from policykit.views.selector import selects
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.views.inventory import Inventory
    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

_BUDGET = "PodDisruptionBudget"
_REFERENCES = {"secret": "Secret", "configMap": "ConfigMap"}


def workloads(_document: None, project: Project) -> Iterator[Subject]:
    """Every object that makes pods."""
    known = inventory(project)
    for workload in known.workloads:
        notes = (annotations_of(workload.obj.data), annotations_of({"metadata": workload.pod.metadata}))
        yield Subject(_fields(workload, known), workload.obj, _Locate(workload), resource(workload.obj), notes)


class _Locate:
    """Places of a workload's parts: paths from the object, or `pod.` and a path from the pod's spec."""

    def __init__(self, workload: Workload) -> None:
        self.obj = workload.obj
        self.pod = workload.pod

    def __call__(self, at: str) -> Place:
        if not at:
            return Place(self.obj.span(("kind",), key=True), route_text(("kind",)))
        route = (*self.pod.route, *parse_route(at[4:])) if at.startswith("pod.") else parse_route(at)
        return Place(self.obj.span(route), route_text(route))


def _fields(workload: Workload, known: Inventory) -> dict[str, Any]:
    obj, project = workload.obj, known.project
    spec = mapping(obj.data.get("spec"))
    replicas = spec.get("replicas")
    minimum = known.minimum_replicas(obj)
    selector = selector_of(obj)
    pod_labels = mapping(workload.pod.metadata.get("labels"))
    account = text(workload.pod.spec.get("serviceAccountName")) or text(workload.pod.spec.get("serviceAccount"))
    services = [s for s in known.of_kind("Service") if s.api_version == "v1" and _serves(s, workload, known)]
    return {
        "owner": owner_fields(obj),
        "kind": obj.kind,
        "name": obj.name,
        "namespace": workload.namespace,
        "assumedNamespace": not obj.namespace,
        "pod": pod_fields(workload.pod, obj, project),
        "containers": [subject.data for subject in kubernetes_containers(obj, project)],
        "replicas": number(replicas, 1),
        "replicasSet": replicas is not None,
        "minReplicas": number(replicas, 1) if minimum is None else minimum,
        "strategy": _strategy(spec),
        "selectorSet": bool(selector.get("matchLabels") or selector.get("matchExpressions")),
        "selectsItsPods": selects(selector, pod_labels),
        "services": [s.name for s in services],
        "serviceName": text(spec.get("serviceName")),
        "headlessService": any(_is_headless(s, text(spec.get("serviceName"))) for s in services),
        "autoscalers": [scaler.name for scaler in known.autoscalers(obj)],
        "disruptionBudgets": [b.name for b in known.of_kind(_BUDGET) if _protects(b, workload, known)],
        **_isolation(workload, known),
        "serviceAccountFound": known.find("ServiceAccount", account, workload.namespace) is not None,
        "missingReferences": list(_missing_references(workload, known)),
        "claimTemplates": len(sequence(spec.get("volumeClaimTemplates"))),
    }


def _missing_references(workload: Workload, known: Inventory) -> Iterator[str]:
    """What environment variables take from ConfigMaps and Secrets that are not among the files."""
    for container in containers(workload.pod):
        for variable in (*variables(container), *variables_from(container)):
            kind = _REFERENCES.get(variable["source"])
            if kind is None or variable["optional"]:
                continue
            found = known.find(kind, variable["reference"], workload.namespace)
            name, key = f"{kind}/{variable['reference']}", variable["key"]
            if found is None:
                yield name
            elif key and not any(
                key in mapping(found.data.get(field)) for field in ("data", "stringData", "binaryData")
            ):
                yield f"{name}/{key}"


def _strategy(spec: Mapping[str, Any]) -> dict[str, str]:
    said = mapping(spec.get("strategy")) or mapping(spec.get("updateStrategy"))
    amounts = mapping(said.get("rollingUpdate")) or mapping(said.get("rollingParams"))
    shown = {key: "" if amounts.get(key) is None else str(amounts[key]) for key in ("maxUnavailable", "maxSurge")}
    return {"type": text(said.get("type")), **shown}


def _serves(service: ApiObject, workload: Workload, known: Inventory) -> bool:
    return any(other is workload for other in known.served_by(service))


def _is_headless(service: ApiObject, name: str) -> bool:
    return service.name == name and follow(service.data, ("spec", "clusterIP")) == "None"


def _protects(budget: ApiObject, workload: Workload, known: Inventory) -> bool:
    selector = follow(budget.data, ("spec", "selector"))
    same = known.project.namespace(budget) == workload.namespace
    # In policy/v1 an empty selector means all pods of the namespace, a missing one none.
    return same and isinstance(selector, dict) and selects(selector, workload.labels)


def _isolation(workload: Workload, known: Inventory) -> dict[str, list[str]]:
    """Names of the network policies that restrict a workload's pods, by direction."""
    found: dict[str, list[str]] = {"ingressPolicies": [], "egressPolicies": []}
    for policy in known.of_kind("NetworkPolicy"):
        spec = mapping(policy.data.get("spec"))
        if known.project.namespace(policy) != workload.namespace or not policy.api_version.endswith("/v1"):
            continue
        if selects(spec.get("podSelector"), workload.labels):
            types = sequence(spec.get("policyTypes")) or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
            for direction in ("Ingress", "Egress"):
                if direction in types:
                    found[f"{direction.lower()}Policies"].append(policy.name)
    return found
