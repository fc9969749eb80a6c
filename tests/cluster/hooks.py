"""Registers a webhook server with a real API server, and takes it out again."""

from __future__ import annotations

import base64
import contextlib
import time
from typing import TYPE_CHECKING, Any

from policykit_webhook.install.webhooks import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.cluster.client import Client
    from tests.cluster.control_plane import ControlPlane
    from tests.webhook.servers import Server

EVERYTHING: tuple[dict[str, Any], ...] = (
    {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["*", "pods/ephemeralcontainers", "pods/resize", "*/scale", "pods/binding", "pods/eviction"],
        "scope": "Namespaced",
    },
    {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CONNECT"],
        "resources": ["pods/exec", "pods/attach", "pods/portforward"],
        "scope": "*",
    },
)


def configuration(name: str, ports: Sequence[int], ca: bytes, **changes: Any) -> dict[str, Any]:
    """Both hooks of a server on loopback. `changes` override keys of each webhook."""
    hooks = []
    for port in ports:
        for hook, failure in (("enforce", "Fail"), ("advise", "Ignore")):
            url = f"https://localhost:{port}/{hook}"
            hooks.append(
                {
                    "name": f"{hook}.policykit.dev",
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {"url": url, "caBundle": base64.b64encode(ca).decode()},
                    "failurePolicy": failure,
                    "sideEffects": "None",
                    "timeoutSeconds": 5,
                    "namespaceSelector": {
                        "matchExpressions": [
                            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}
                        ]
                    },
                    "matchConditions": [{"name": f"not-{n}", "expression": e} for n, e in NEVER],
                    "rules": list(EVERYTHING),
                    **changes,
                }
            )
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": hooks,
    }


def canary(namespace: str) -> dict[str, Any]:
    """A pod that any server under test denies; only its dry run is ever asked for."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "canary", "namespace": namespace},
        "spec": {"containers": [{"name": "app", "image": "canary.example/app:latest"}]},
    }


@contextlib.contextmanager
def registered(plane: ControlPlane, server: Server, namespace: str, **changes: Any) -> Iterator[Client]:
    """The administrator's client, once the API server calls `server` for what happens in `namespace`."""
    client = plane.client
    config = configuration("under-test", [server.port], server.tls.ca.certificate, **changes)
    reply = client.create(config)
    assert reply.ok, reply.text
    try:
        wait_denied(client, namespace)
        yield client
    finally:
        client.delete(config)
        wait_allowed(client, namespace)
        client.close()


def wait_denied(client: Client, namespace: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while client.create(canary(namespace), dry_run=True).ok:
        assert time.monotonic() < end, "the API server does not call the webhook"
        time.sleep(0.1)


def wait_allowed(client: Client, namespace: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not client.create(canary(namespace), dry_run=True).ok:
        assert time.monotonic() < end, "the API server still calls the webhook"
        time.sleep(0.1)


def make_namespace(client: Client, name: str) -> str:
    reply = client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert reply.ok or reply.status == 409, reply.text
    return name


def until_synced(server: Server) -> None:
    """Waits until the server knows what is in the cluster."""
    end = time.monotonic() + 20
    while server.metric("policykit_cluster_cache_synced") < 1:
        assert time.monotonic() < end, server.log.read_text()[-2000:]
        time.sleep(0.1)
