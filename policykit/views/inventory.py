"""The Kubernetes objects of a project, joined: which pods a selector means, what scales, protects or exposes them.

Namespaces are taken as written, the run's default where none is. Nothing here knows a rule.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from policykit.views.objects import follow, mapping, sequence, text, texts
from policykit.views.pods import bare_template, pod_templates
from policykit.views.selector import selects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from policykit.views.objects import ApiObject
    from policykit.views.pods import PodTemplate
    from policykit.views.project import Project

#: Whose selector is a plain map of labels.
_MAP_SELECTOR = frozenset({"ReplicationController", "DeploymentConfig"})
_SCALERS = frozenset({"HorizontalPodAutoscaler", "ScaledObject"})


@dataclass(frozen=True, slots=True)
class Workload:
    """An object and one pod that it makes; `labels` are the pod's, those of its selector where it gives none."""

    obj: ApiObject
    pod: PodTemplate
    namespace: str
    labels: Mapping[str, str]


class Inventory:
    """All objects of a project by kind."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._kinds: dict[str, list[ApiObject]] = defaultdict(list)
        self._names: dict[tuple[str, str], list[ApiObject]] = defaultdict(list)
        for obj in project.objects:
            self._kinds[obj.kind].append(obj)
            self._names[obj.kind, obj.name].append(obj)
        self.workloads = tuple(self._workloads(project.objects))
        self._namespaces: dict[str, list[Workload]] = defaultdict(list)
        self._labelled: dict[tuple[str, str, str], list[Workload]] = defaultdict(list)
        for workload in self.workloads:
            self._namespaces[workload.namespace].append(workload)
            for label, value in workload.labels.items():
                self._labelled[workload.namespace, label, value].append(workload)

    def _workloads(self, objects: Iterable[ApiObject]) -> Iterator[Workload]:
        for obj in objects:
            bare = bare_template(obj.data)
            for pod in pod_templates(obj.data) or ([bare] if bare else []):
                labels = texts(pod.metadata.get("labels")) or texts(selector_of(obj).get("matchLabels"))
                yield Workload(obj, pod, self.project.namespace(obj), labels)

    def of_kind(self, *kinds: str) -> Iterator[ApiObject]:
        """Objects of these kinds, in the order of the files."""
        for kind in kinds:
            yield from self._kinds.get(kind, ())

    def find(self, kind: str, name: str, namespace: str | None) -> ApiObject | None:
        """An object by name; `namespace` None for kinds that live in none."""
        for obj in self._names.get((kind, name), ()):
            if namespace is None or self.project.namespace(obj) == namespace:
                return obj
        return None

    def selected(self, selector: Any, namespace: str) -> list[Workload]:
        """The workloads of a namespace whose pods a label selector means."""
        return [w for w in self._candidates(selector, namespace) if selects(selector, w.labels)]

    def _candidates(self, selector: Any, namespace: str) -> Sequence[Workload]:
        """Those with the rarest label that it asks for, so that few are looked at however many there are."""
        wanted = mapping(mapping(selector).get("matchLabels"))
        found = [self._labelled.get((namespace, k, v), []) for k, v in wanted.items() if isinstance(v, str)]
        return min(found, key=len) if found else self._namespaces.get(namespace, ())

    def served_by(self, service: ApiObject) -> list[Workload]:
        """The workloads whose pods get traffic of a Service; none where it has no selector."""
        labels = texts(follow(service.data, ("spec", "selector")))
        return self.selected({"matchLabels": labels}, self.project.namespace(service)) if labels else []

    def protected_by(self, budget: ApiObject) -> list[Workload]:
        """The workloads of a PodDisruptionBudget; by an empty selector all of the namespace, by a missing one none."""
        selector = follow(budget.data, ("spec", "selector"))
        return self.selected(selector, self.project.namespace(budget)) if isinstance(selector, dict) else []

    def restricted_by(self, policy: ApiObject) -> list[Workload]:
        """The workloads whose pods a NetworkPolicy selects."""
        return self.selected(follow(policy.data, ("spec", "podSelector")), self.project.namespace(policy))

    def services(self, workload: Workload) -> Sequence[ApiObject]:
        """The Services that send traffic to a workload's pods."""
        return self._selecting["Service"].get(id(workload), ())

    def budgets(self, workload: Workload) -> Sequence[ApiObject]:
        """The PodDisruptionBudgets that protect a workload's pods."""
        return self._selecting["PodDisruptionBudget"].get(id(workload), ())

    def network_policies(self, workload: Workload) -> Sequence[ApiObject]:
        """The NetworkPolicies that restrict a workload's pods."""
        return self._selecting["NetworkPolicy"].get(id(workload), ())

    @cached_property
    def _selecting(self) -> Mapping[str, Mapping[int, list[ApiObject]]]:
        """What selects a workload, by kind: the selectors turned round, once for all workloads."""
        selections: dict[str, Callable[[ApiObject], list[Workload]]] = {
            "Service": self.served_by,
            "PodDisruptionBudget": self.protected_by,
            "NetworkPolicy": self.restricted_by,
        }
        found: dict[str, dict[int, list[ApiObject]]] = {}
        for kind, chosen in selections.items():
            found[kind] = defaultdict(list)
            for obj in self.of_kind(kind):
                for workload in chosen(obj):
                    found[kind][id(workload)].append(obj)
        return found

    @cached_property
    def _scalers(self) -> Mapping[tuple[str, tuple[str, str]], list[ApiObject]]:
        found: dict[tuple[str, tuple[str, str]], list[ApiObject]] = defaultdict(list)
        for scaler in self.of_kind(*_SCALERS):
            found[self.project.namespace(scaler), scale_target(scaler)].append(scaler)
        return found

    def autoscalers(self, obj: ApiObject) -> Sequence[ApiObject]:
        """The HorizontalPodAutoscalers (and KEDA's ScaledObjects) that scale an object."""
        return self._scalers.get((self.project.namespace(obj), (obj.kind, obj.name)), ())

    def minimum_replicas(self, obj: ApiObject) -> int | None:
        """How many replicas an object keeps at least; None where its kind has no such number."""
        scaled = [minimum for scaler in self.autoscalers(obj) if (minimum := scaler_minimum(scaler)) is not None]
        if scaled:
            return max(scaled)
        if obj.kind in ("Pod", "DaemonSet", "Job", "CronJob"):
            return None
        replicas = follow(obj.data, ("spec", "replicas"))
        return replicas if isinstance(replicas, int) and not isinstance(replicas, bool) else 1


def inventory(project: Project) -> Inventory:
    """The inventory of a project, made once."""
    found: Inventory = project.once(project, _inventory)[0]
    return found


def _inventory(project: Project, _same: Project) -> tuple[Inventory]:
    return (Inventory(project),)


def selector_of(obj: ApiObject) -> Mapping[str, Any]:
    """The label selector by which an object knows its pods, a plain map of labels taken as `matchLabels`."""
    selector = mapping(follow(obj.data, ("spec", "selector")))
    plain = obj.kind in _MAP_SELECTOR and not ({"matchLabels", "matchExpressions"} & selector.keys())
    return {"matchLabels": selector} if plain else selector


def scale_target(scaler: ApiObject) -> tuple[str, str]:
    """Kind and name of what an autoscaler scales."""
    target = mapping(follow(scaler.data, ("spec", "scaleTargetRef")))
    default = "Deployment" if scaler.kind == "ScaledObject" else ""
    return text(target.get("kind")) or default, text(target.get("name"))


def scaler_minimum(scaler: ApiObject) -> int | None:
    """The number of replicas an autoscaler keeps at least (1 and 0 are the two kinds' defaults)."""
    keda = scaler.kind == "ScaledObject"
    value = follow(scaler.data, ("spec", "minReplicaCount" if keda else "minReplicas"))
    if value is None:
        return 0 if keda else 1
    return value if isinstance(value, int) else None


def backends(ingress: ApiObject) -> Iterator[tuple[tuple[str | int, ...], str, Mapping[str, Any], str, str]]:
    """Every backend of an Ingress: its route, the Service's name, the backend itself, host and path."""
    spec = mapping(ingress.data.get("spec"))
    for key in ("defaultBackend", "backend"):
        if isinstance(spec.get(key), dict):
            yield ("spec", key), _service_name(spec[key]), spec[key], "", ""
    for i, rule in enumerate(map(mapping, sequence(spec.get("rules")))):
        for j, path in enumerate(map(mapping, sequence(mapping(rule.get("http")).get("paths")))):
            backend = mapping(path.get("backend"))
            route = ("spec", "rules", i, "http", "paths", j, "backend")
            yield route, _service_name(backend), backend, text(rule.get("host")), text(path.get("path"))


def _service_name(backend: Mapping[str, Any]) -> str:
    return text(mapping(backend.get("service")).get("name")) or text(backend.get("serviceName"))
