"""The project view `workload`: an object that makes pods, with everything of the project that acts on those pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.document import route_text
from policykit.views.container_parts import number
from policykit.views.inventory import Workload, inventory, selector_of
from policykit.views.kubernetes_containers import kubernetes_containers
from policykit.views.objects import annotations_of, follow, mapping, owner_fields, parse_route, resource, sequence, text
from policykit.views.pod_views import pod_fields
from policykit.views.selector import selects
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.views.inventory import Inventory
    from policykit.views.objects import ApiObject
    from policykit.views.project import Project


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
    services = [s for s in known.services(workload) if s.api_version == "v1"]
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
        "disruptionBudgets": [budget.name for budget in known.budgets(workload)],
        **_isolation(workload, known),
        "serviceAccountFound": known.find("ServiceAccount", account, workload.namespace) is not None,
        "claimTemplates": len(sequence(spec.get("volumeClaimTemplates"))),
    }


def _strategy(spec: Mapping[str, Any]) -> dict[str, str]:
    said = mapping(spec.get("strategy")) or mapping(spec.get("updateStrategy"))
    amounts = mapping(said.get("rollingUpdate")) or mapping(said.get("rollingParams"))
    shown = {key: "" if amounts.get(key) is None else str(amounts[key]) for key in ("maxUnavailable", "maxSurge")}
    return {"type": text(said.get("type")), **shown}


def _is_headless(service: ApiObject, name: str) -> bool:
    return service.name == name and follow(service.data, ("spec", "clusterIP")) == "None"


def _isolation(workload: Workload, known: Inventory) -> dict[str, list[str]]:
    """Names of the network policies that restrict a workload's pods, by direction."""
    found: dict[str, list[str]] = {"ingressPolicies": [], "egressPolicies": []}
    for policy in known.network_policies(workload):
        if not policy.api_version.endswith("/v1"):
            continue
        spec = mapping(policy.data.get("spec"))
        types = sequence(spec.get("policyTypes")) or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
        for direction in ("Ingress", "Egress"):
            if direction in types:
                found[f"{direction.lower()}Policies"].append(policy.name)
    return found
