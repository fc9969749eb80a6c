"""The server itself: its Deployment and what stands around it in its namespace."""

from __future__ import annotations

from typing import Any

from policykit_webhook.install.choices import (
    CONFIG,
    NAME,
    POLICIES,
    PORT,
    PROBES,
    TLS,
    Choices,
    labels,
    named,
    selector,
)

#: Nobody, with nothing: what Pod Security calls restricted, and a root file system that cannot be written.
POD_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "fsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}
_PRIORITY = "system-cluster-critical"


def objects(choices: Choices) -> list[dict[str, Any]]:
    """All but the namespace, in the order in which they can be created."""
    return [
        _quota(choices),
        {**named("ServiceAccount", "v1", choices), "automountServiceAccountToken": False},
        {**named("ConfigMap", "v1", choices), "data": {"policykit.yaml": choices.config}},
        {**named("ConfigMap", "v1", choices, f"{NAME}-policies"), "data": choices.policies},
        _service(choices),
        _deployment(choices),
        {
            **named("PodDisruptionBudget", "policy/v1", choices),
            "spec": {"maxUnavailable": 1, "selector": selector()},
        },
    ]


def namespace(choices: Choices) -> dict[str, Any]:
    """Pod Security holds the server to what it demands of others."""
    made = named("Namespace", "v1", None, choices.namespace)
    made["metadata"]["labels"] = {f"pod-security.kubernetes.io/{m}": "restricted" for m in ("enforce", "warn", "audit")}
    return made


def _quota(choices: Choices) -> dict[str, Any]:
    """Pods of a system priority may be created only where a quota says so."""
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": [_PRIORITY]}
    return {
        **named("ResourceQuota", "v1", choices),
        "spec": {"hard": {"pods": "100"}, "scopeSelector": {"matchExpressions": [scope]}},
    }


def _service(choices: Choices) -> dict[str, Any]:
    ports = [
        {"name": "webhook", "port": 443, "targetPort": "webhook", "protocol": "TCP"},
        {"name": "metrics", "port": PROBES, "targetPort": "probes", "protocol": "TCP"},
    ]
    return {**named("Service", "v1", choices), "spec": {"selector": selector()["matchLabels"], "ports": ports}}


def _deployment(choices: Choices) -> dict[str, Any]:
    spread = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": selector(),
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
    pod = {
        "automountServiceAccountToken": choices.watch,
        "enableServiceLinks": False,
        "nodeSelector": choices.node_selector,
        "priorityClassName": _PRIORITY,
        "securityContext": POD_SECURITY,
        "serviceAccountName": NAME,
        "terminationGracePeriodSeconds": 60,
        "tolerations": choices.tolerations if isinstance(choices.tolerations, str) else list(choices.tolerations),
        "topologySpreadConstraints": spread,
        "containers": [_container(choices)],
        "volumes": [
            {"name": "config", "configMap": {"name": NAME}},
            {"name": "policies", "configMap": {"name": f"{NAME}-policies"}},
            {"name": "tls", "secret": {"secretName": choices.secret, "defaultMode": 0o440}},
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        ],
    }
    return {
        **named("Deployment", "apps/v1", choices),
        "spec": {
            "replicas": choices.replicas,
            "selector": selector(),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels(), "annotations": choices.annotations}, "spec": pod},
        },
    }


def _container(choices: Choices) -> dict[str, Any]:
    arguments = [
        "serve",
        f"--config={CONFIG}/policykit.yaml",
        f"--policies={POLICIES}",
        f"--tls-cert={TLS}/tls.crt",
        f"--tls-key={TLS}/tls.key",
        f"--listen=[::]:{PORT}",
        f"--probes=[::]:{PROBES}",
        choices.watch_argument,
    ]
    return {
        "name": "webhook",
        "image": choices.image,
        "command": ["policykit-webhook"],
        "args": arguments,
        "ports": [
            {"name": "webhook", "containerPort": PORT, "protocol": "TCP"},
            {"name": "probes", "containerPort": PROBES, "protocol": "TCP"},
        ],
        "startupProbe": {"httpGet": {"path": "/livez", "port": "probes"}, "periodSeconds": 1, "failureThreshold": 60},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "probes"}, "periodSeconds": 10, "timeoutSeconds": 5},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "probes"}, "periodSeconds": 2, "timeoutSeconds": 2},
        "resources": choices.resources,
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG, "readOnly": True},
            {"name": "policies", "mountPath": POLICIES, "readOnly": True},
            {"name": "tls", "mountPath": TLS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
