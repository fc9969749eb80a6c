"""Whoever makes the serving certificate: a controller of our own, or cert-manager's resources."""

from __future__ import annotations

from typing import Any

from policykit_webhook.install.access import TO_API_SERVER, binding
from policykit_webhook.install.choices import CONFIGURATIONS, NAME, PROBES, Choices, labels, named, selector
from policykit_webhook.install.workload import CONTAINER_SECURITY, POD_SECURITY

CONTROLLER = f"{NAME}-certificates"


def cert_manager(choices: Choices) -> list[dict[str, Any]]:
    """An authority of its own, signed by itself, and the leaf signed by that."""
    issuer, api = f"{NAME}-authority", "cert-manager.io/v1"
    by_itself = {"name": f"{NAME}-self-signed", "kind": "Issuer"}
    key = {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"}
    host = f"{NAME}.{choices.namespace}.svc"
    authority = {
        "isCA": True,
        "commonName": issuer,
        "secretName": issuer,
        "duration": "8760h",
        "privateKey": key,
        "issuerRef": by_itself,
    }
    leaf = {
        "secretName": choices.secret,
        "duration": "2160h",
        "renewBefore": "720h",
        "privateKey": key,
        "usages": ["digital signature", "server auth"],
        "dnsNames": [host, f"{host}.cluster.local"],
        "issuerRef": {"name": issuer, "kind": "Issuer"},
    }
    return [
        {**named("Issuer", api, choices, by_itself["name"]), "spec": {"selfSigned": {}}},
        {**named("Certificate", api, choices, issuer), "spec": authority},
        {**named("Issuer", api, choices, issuer), "spec": {"ca": {"secretName": issuer}}},
        {**named("Certificate", api, choices), "spec": leaf},
    ]


def controller(choices: Choices) -> list[dict[str, Any]]:
    """Two replicas, of which one leads. It may write one Secret, one Lease and the bundle of one configuration."""
    rbac, core = "rbac.authorization.k8s.io/v1", ""
    mine = [choices.secret, f"{choices.secret}-authority"]
    leases = "coordination.k8s.io"
    role = [
        {"apiGroups": [core], "resources": ["secrets"], "verbs": ["create"]},
        {"apiGroups": [core], "resources": ["secrets"], "resourceNames": mine, "verbs": ["get", "update"]},
        {"apiGroups": [leases], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": [leases], "resources": ["leases"], "resourceNames": [CONTROLLER], "verbs": ["get", "update"]},
    ]
    configurations = {
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": ["validatingwebhookconfigurations"],
        "resourceNames": list(CONFIGURATIONS.values()),
        "verbs": ["get", "patch"],
    }
    spec = {"podSelector": selector(CONTROLLER), "policyTypes": ["Ingress", "Egress"], "egress": [TO_API_SERVER]}
    return [
        {**named("ServiceAccount", "v1", choices, CONTROLLER), "automountServiceAccountToken": False},
        {**named("Role", rbac, choices, CONTROLLER), "rules": role},
        binding("RoleBinding", choices, CONTROLLER, "Role"),
        {**named("ClusterRole", rbac, None, CONTROLLER), "rules": [configurations]},
        binding("ClusterRoleBinding", choices, CONTROLLER, "ClusterRole"),
        {**named("NetworkPolicy", "networking.k8s.io/v1", choices, CONTROLLER), "spec": spec},
        _deployment(choices),
    ]


def _deployment(choices: Choices) -> dict[str, Any]:
    container = {
        "name": "certificates",
        "image": choices.image,
        "command": ["policykit-webhook"],
        "args": [
            "certificates",
            f"--namespace={choices.namespace}",
            f"--secret={choices.secret}",
            f"--probes=[::]:{PROBES}",
        ],
        "ports": [{"name": "probes", "containerPort": PROBES, "protocol": "TCP"}],
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "probes"}, "periodSeconds": 10, "timeoutSeconds": 5},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "probes"}, "periodSeconds": 5, "timeoutSeconds": 2},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}},
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    pod = {
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "priorityClassName": "system-cluster-critical",
        "securityContext": POD_SECURITY,
        "serviceAccountName": CONTROLLER,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}}],
    }
    return {
        **named("Deployment", "apps/v1", choices, CONTROLLER),
        "spec": {
            "replicas": 2,
            "selector": selector(CONTROLLER),
            "template": {"metadata": {"labels": labels(CONTROLLER)}, "spec": pod},
        },
    }
