"""Match criteria of admission policies against a request.

Semantics of k8s.io/apiserver `pkg/admission/plugin/policy/matching` and `plugin/webhook/predicates/rules`.
Plain values in; True, False, or Unknown where the labels of a namespace decide and nobody said them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from policykit.unknown import Unknown
from policykit.views.objects import mapping, sequence
from policykit.views.selector import keys_of, selects, selects_everything

if TYPE_CHECKING:
    from policykit.admission.request import Request

Criteria = Mapping[str, Any]


def matches(criteria: Criteria, request: Request) -> bool | Unknown:
    """Whether `MatchResources` select a request: exclusions first, then rules (none means all), then selectors."""
    policy = criteria.get("matchPolicy") or "Equivalent"
    if _any_rule(criteria.get("excludeResourceRules"), request, policy):
        return False
    rules = sequence(criteria.get("resourceRules"))
    if rules and not _any_rule(rules, request, policy):
        return False
    if not _object_selected(criteria.get("objectSelector"), request):
        return False
    return namespace_selected(criteria.get("namespaceSelector"), request)


def namespace_selected(selector: Any, request: Request) -> bool | Unknown:
    """Whether a namespace selector lets a request through; what lives in no namespace always gets through."""
    if selects_everything(selector):
        return True
    if request.resource.name == "namespaces" and request.kind[0] == "":
        # Deciding about a namespace itself: its own labels, as it will be.
        own = request.obj if request.operation != "DELETE" else request.old
        return selects(selector, _labels({**(own or {})}))
    if request.namespace_object is None:
        return True
    labels = mapping(request.namespace_object.get("metadata")).get("labels")
    if not isinstance(labels, Unknown):
        return selects(selector, mapping(labels))
    known = {"kubernetes.io/metadata.name": request.namespace}
    return selects(selector, known) if keys_of(selector) <= known.keys() else labels


def _object_selected(selector: Any, request: Request) -> bool:
    """Either the new or the old object is enough."""
    if selects_everything(selector):
        return True
    return any(obj is not None and selects(selector, _labels(obj)) for obj in (request.obj, request.old))


def _labels(obj: Mapping[str, Any]) -> Mapping[str, str]:
    return mapping(mapping(obj.get("metadata")).get("labels"))


def _any_rule(rules: Any, request: Request, policy: str) -> bool:
    return any(_rule_matches(mapping(rule), request, policy) for rule in sequence(rules))


def _rule_matches(rule: Mapping[str, Any], request: Request, policy: str) -> bool:
    names = sequence(rule.get("resourceNames"))
    if names and request.name not in names:
        return False
    if not _in(rule.get("operations"), request.operation) or not _scope(rule.get("scope"), request):
        return False
    groups, versions, resources = rule.get("apiGroups"), rule.get("apiVersions"), rule.get("resources")
    if not _resource(resources, request):
        return False
    if _in(groups, request.kind[0]) and _in(versions, request.kind[1]):
        return True
    # A request that could as well have been made through the group and version of the rule is converted to it.
    return policy == "Equivalent" and any(
        _in(groups, group) and _in(versions, version) for group, version in request.resource.equivalents
    )


def _in(values: Any, value: str) -> bool:
    listed = sequence(values)
    return "*" in listed or value in listed


def _scope(scope: Any, request: Request) -> bool:
    if scope in (None, "*"):
        return True
    namespaced = request.resource.namespaced and request.resource.name != "namespaces"
    return namespaced is (scope == "Namespaced")


def _resource(resources: Any, request: Request) -> bool:
    """`pods`, `pods/*`, `*/status`, `*`, `*/*`; a name without a slash means no subresource."""
    for entry in sequence(resources):
        name, _, sub = str(entry).partition("/")
        if name in ("*", request.resource.name) and (sub == request.sub_resource or sub == "*"):
            return True
    return False
