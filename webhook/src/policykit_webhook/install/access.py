"""Who may talk to the server, whom it may talk to, and what it may read in the cluster."""

from __future__ import annotations

from typing import Any

from policykit_webhook.cluster import WATCHED
from policykit_webhook.install.choices import NAME, PORT, PROBES, Choices, named, selector

#: The API server's address differs from cluster to cluster: its ports are all there is to go by.
TO_API_SERVER: dict[str, Any] = {"ports": [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]}


def objects(choices: Choices) -> list[dict[str, Any]]:
    """Nothing goes in or out of the namespace but calls to the server."""
    return [_nothing_by_default(choices), _server_policy(choices)]


def watching(choices: Choices) -> list[dict[str, Any]]:
    """What keeping the rest of a namespace in memory takes: reading it, and a way to the API server."""
    groups: dict[str, list[str]] = {}
    for kind in WATCHED:
        groups.setdefault(kind.group, []).append(kind.plural)
    rules = [{"apiGroups": [g], "resources": sorted(r), "verbs": ["list", "watch"]} for g, r in sorted(groups.items())]
    spec = {"podSelector": selector(), "policyTypes": ["Egress"], "egress": [TO_API_SERVER]}
    return [
        {**named("ClusterRole", "rbac.authorization.k8s.io/v1", None), "rules": rules},
        binding("ClusterRoleBinding", choices, NAME, "ClusterRole"),
        {**named("NetworkPolicy", "networking.k8s.io/v1", choices, f"{NAME}-watch"), "spec": spec},
    ]


def _nothing_by_default(choices: Choices) -> dict[str, Any]:
    return {
        **named("NetworkPolicy", "networking.k8s.io/v1", choices, "default-deny"),
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }


def _server_policy(choices: Choices) -> dict[str, Any]:
    ports = [{"port": PORT, "protocol": "TCP"}, {"port": PROBES, "protocol": "TCP"}]
    spec: dict[str, Any] = {
        "podSelector": selector(),
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": ports}],
        "egress": [],
    }
    return {**named("NetworkPolicy", "networking.k8s.io/v1", choices), "spec": spec}


def binding(kind: str, choices: Choices, name: str, role: str) -> dict[str, Any]:
    """Gives a role to the service account of the same name."""
    return {
        **named(kind, "rbac.authorization.k8s.io/v1", choices if kind == "RoleBinding" else None, name),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": choices.namespace}],
    }
