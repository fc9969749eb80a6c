"""The project view `namespace`: its workloads, and what its network policies do to all of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from policykit.document import route_text
from policykit.views.network_policy import NamespaceFacts, effect_on, is_network_policy
from policykit.views.objects import ApiObject, annotations_of, mapping, resource
from policykit.views.pods import pod_templates
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.unknown import Unknown
    from policykit.views.network_policy import Direction, Effect
    from policykit.views.project import Project


def namespaces(_document: None, project: Project) -> Iterator[Subject]:
    """Every namespace that an object of the project lives in."""
    members: dict[str, list[ApiObject]] = defaultdict(list)
    declared: dict[str, ApiObject] = {}
    policies = [obj for obj in project.objects if is_network_policy(obj.api_version, obj.kind)]
    for obj in project.objects:
        if obj.kind == "Namespace" and obj.api_version == "v1":
            declared[obj.name] = obj
        elif pod_templates(obj.data):
            members[project.namespace(obj)].append(obj)
    for name in sorted(members.keys() | declared.keys()):
        yield _subject(name, members[name], declared.get(name), policies, project)


def _subject(
    name: str, workloads: list[ApiObject], declaration: ApiObject | None, policies: list[ApiObject], project: Project
) -> Subject:
    labels = mapping(mapping(declaration.data.get("metadata")).get("labels")) if declaration else None
    facts = NamespaceFacts(name, labels)
    effects = [(obj, effect_on(obj.data, _home(obj, project), facts)) for obj in policies]
    needing = workloads[0] if workloads else declaration
    assert needing is not None, "a namespace is named by a workload or declared"
    data: dict[str, Any] = {
        "name": name,
        "assumed": declaration is None and all(not obj.namespace for obj in workloads),
        "workloads": [f"{obj.kind}/{obj.name}" for obj in workloads],
        "deniesIngress": _denies("ingress", [effect for _, effect in effects]),
        "deniesEgress": _denies("egress", [effect for _, effect in effects]),
        "policies": [obj.name for obj, effect in effects if effect.isolates],
    }

    def locate(_at: str) -> Place:
        return Place(needing.span(("kind",), key=True), route_text(("kind",)))

    notes = tuple(annotations_of(obj.data) for obj in (declaration, needing) if obj)
    return Subject(data, needing, locate, resource(needing), notes)


def _home(policy: ApiObject, project: Project) -> str:
    """The namespace a policy object lives in, "" for the kinds that live in none."""
    cluster_scoped = policy.kind.startswith(("CiliumClusterwide", "Global", "AdminNetwork", "BaselineAdmin", "Cluster"))
    return "" if cluster_scoped else project.namespace(policy)


def _denies(direction: Direction, effects: list[Effect]) -> bool | Unknown:
    """Isolated by some policy that selects all pods, and opened again by none."""
    if any(direction in effect.opens for effect in effects):
        return False
    if any(direction in effect.isolates for effect in effects):
        return True
    return next((effect.unknown for effect in effects if effect.unknown is not None), False)
