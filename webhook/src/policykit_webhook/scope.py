"""Policies to the kinds of objects that they can say anything about: what the API server has to send, and no more.

Sound, not clever: a policy is narrowed by its view, and by match conditions that cannot hold for another kind;
what is not understood narrows nothing.
"""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.cel import syntax
from policykit.cel.errors import CelSyntaxError
from policykit.cel.parser import parse
from policykit.document import Source
from policykit.parse.kubernetes import parse_manifests
from policykit.views.objects import mapping, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.policy import Policy


class Api(NamedTuple):
    """Where objects of a kind are served; several resources where a kind comes through several doors."""

    group: str
    version: str
    resources: tuple[str, ...]


_APPS, _RBAC = "apps", "rbac.authorization.k8s.io"
_NETWORKING, _BATCH = "networking.k8s.io", "batch"

#: Kinds that policies are about. A policy about another kind is asked about everything.
KINDS: Mapping[str, Api] = {
    "Pod": Api("", "v1", ("pods", "pods/ephemeralcontainers", "pods/resize")),
    "PodTemplate": Api("", "v1", ("podtemplates",)),
    "ReplicationController": Api("", "v1", ("replicationcontrollers",)),
    "DaemonSet": Api(_APPS, "v1", ("daemonsets",)),
    "Deployment": Api(_APPS, "v1", ("deployments",)),
    "ReplicaSet": Api(_APPS, "v1", ("replicasets",)),
    "StatefulSet": Api(_APPS, "v1", ("statefulsets",)),
    "CronJob": Api(_BATCH, "v1", ("cronjobs",)),
    "Job": Api(_BATCH, "v1", ("jobs",)),
    "ConfigMap": Api("", "v1", ("configmaps",)),
    "LimitRange": Api("", "v1", ("limitranges",)),
    "Namespace": Api("", "v1", ("namespaces",)),
    "PersistentVolume": Api("", "v1", ("persistentvolumes",)),
    "PersistentVolumeClaim": Api("", "v1", ("persistentvolumeclaims",)),
    "ResourceQuota": Api("", "v1", ("resourcequotas",)),
    "Secret": Api("", "v1", ("secrets",)),
    "Service": Api("", "v1", ("services", "services/status")),
    "ServiceAccount": Api("", "v1", ("serviceaccounts",)),
    "HorizontalPodAutoscaler": Api("autoscaling", "v2", ("horizontalpodautoscalers",)),
    "Ingress": Api(_NETWORKING, "v1", ("ingresses",)),
    "IngressClass": Api(_NETWORKING, "v1", ("ingressclasses",)),
    "NetworkPolicy": Api(_NETWORKING, "v1", ("networkpolicies",)),
    "PodDisruptionBudget": Api("policy", "v1", ("poddisruptionbudgets",)),
    "ClusterRole": Api(_RBAC, "v1", ("clusterroles",)),
    "ClusterRoleBinding": Api(_RBAC, "v1", ("clusterrolebindings",)),
    "Role": Api(_RBAC, "v1", ("roles",)),
    "RoleBinding": Api(_RBAC, "v1", ("rolebindings",)),
    "PriorityClass": Api("scheduling.k8s.io", "v1", ("priorityclasses",)),
    "StorageClass": Api("storage.k8s.io", "v1", ("storageclasses",)),
    "CustomResourceDefinition": Api("apiextensions.k8s.io", "v1", ("customresourcedefinitions",)),
    "SecurityContextConstraints": Api("security.openshift.io", "v1", ("securitycontextconstraints",)),
    "K8sAllowedRepos": Api("constraints.gatekeeper.sh", "v1beta1", ("k8sallowedrepos",)),
    "ServiceMonitor": Api("monitoring.coreos.com", "v1", ("servicemonitors",)),
}

#: What rules of policies and of webhooks have in common; names of objects a webhook cannot be told.
_RULE_KEYS = ("apiGroups", "apiVersions", "operations", "resources", "scope")

#: Everything of Kubernetes that makes pods. Custom resources that do are for an installation to add.
POD_KINDS = frozenset(list(KINDS)[:9])

#: What a view finds its subjects in; None: in objects of any kind.
VIEW_KINDS: Mapping[str, frozenset[str] | None] = {
    **dict.fromkeys(("image", "container", "pod", "securityContext", "volume", "port"), POD_KINDS),
    **dict.fromkeys(("environmentVariable", "mount", "probe", "namespace", "workload"), POD_KINDS),
    **dict.fromkeys(("imageUse", "configReference"), POD_KINDS),
    **dict.fromkeys(("apiVersion", "mapping", "object", "resource", "schemaViolation")),
    "volumeClaim": frozenset({"PersistentVolumeClaim", "StatefulSet"}),
    "autoscaler": frozenset({"HorizontalPodAutoscaler"}),
    "disruptionBudget": frozenset({"PodDisruptionBudget"}),
    **dict.fromkeys(("ingress", "ingressBackend"), frozenset({"Ingress"})),
    "networkPolicy": frozenset({"NetworkPolicy"}),
    "rbacRule": frozenset({"ClusterRole", "Role"}),
    "roleBinding": frozenset({"ClusterRoleBinding", "RoleBinding"}),
    **dict.fromkeys(("service", "servicePort"), frozenset({"Service"})),
    "serviceMonitor": frozenset({"ServiceMonitor"}),
}


def kinds_of(policy: Policy) -> frozenset[str] | None:
    """The kinds that a policy can say anything about; None for any."""
    kinds = VIEW_KINDS.get(policy.for_each)
    for condition in policy.match_conditions:
        kinds = _both(kinds, _narrowed(condition.expression))
    return kinds


def own_matches(policy: Policy, file: str) -> tuple[Mapping[str, Any], ...]:
    """The `resourceRules` of a ValidatingAdmissionPolicy in `file`, as a webhook's rules; none of any other policy."""
    try:
        documents = parse_manifests(Source(file, Path(file).read_text(encoding="utf-8"))).objects
    except OSError:
        return ()
    for obj in documents:
        if obj.kind == "ValidatingAdmissionPolicy" and obj.name == policy.id:
            rules = mapping(mapping(obj.data.get("spec")).get("matchConstraints")).get("resourceRules")
            return tuple({k: rule[k] for k in _RULE_KEYS if k in rule} for rule in sequence(rules))
    return ()


def _narrowed(expression: str) -> frozenset[str] | None:
    try:
        return _kinds(parse(expression, {}))
    except CelSyntaxError:
        return None


def _kinds(node: syntax.Node) -> frozenset[str] | None:
    """The kinds for which an expression can be true, as far as it compares `object.kind` with texts; None for any."""
    if not isinstance(node, syntax.Call):
        return None
    if node.name == syntax.AND:
        return reduce(_both, map(_kinds, node.args))
    if node.name == syntax.OR:
        found = [_kinds(arg) for arg in node.args]
        return None if None in found else frozenset().union(*(kinds for kinds in found if kinds is not None))
    if len(node.args) != 2 or not _is_kind(node.args[0]):
        return None
    right = node.args[1]
    if node.name == syntax.EQUALS and isinstance(right, syntax.Literal):
        return frozenset({str(right.value)})
    if node.name == syntax.IN and isinstance(right, syntax.ListLiteral):
        literals = [element for element in right.elements if isinstance(element, syntax.Literal)]
        return frozenset(str(e.value) for e in literals) if len(literals) == len(right.elements) else None
    return None


def _is_kind(node: syntax.Node) -> bool:
    return (
        isinstance(node, syntax.Select)
        and node.field == "kind"
        and not node.test
        and isinstance(node.operand, syntax.Ident)
        and node.operand.name == "object"
    )


def _both(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    if first is None or second is None:
        return second if first is None else first
    return first & second
