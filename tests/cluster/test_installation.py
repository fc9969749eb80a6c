"""The installation against a real API server:

it accepts every object, and the roles are enough for what they are for.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import time
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from policykit_webhook import authority, cli
from policykit_webhook.install.certificate_objects import CONTROLLER
from policykit_webhook.install.choices import CONFIGURATIONS, NAME
from tests.cluster import hooks
from tests.webhook import servers
from tests.webhook.conftest import TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.client import Client
    from tests.cluster.control_plane import ControlPlane

NAMESPACE = "policykit-system"
CONFIGURED = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


def manifests(*arguments: str) -> list[dict[str, Any]]:
    with redirect_stdout(io.StringIO()) as said:
        assert cli.main(["manifests", *arguments]) == 0
    return list(yaml.safe_load_all(said.getvalue()))


@pytest.fixture(scope="module")
def installed(plane: ControlPlane) -> Iterator[Client]:
    """Everything that an API server keeps; nothing runs, there is no node."""
    client = plane.client
    objects = manifests()
    for obj in objects:
        reply = client.create(obj)
        assert reply.ok, (obj["kind"], reply.text)
    yield client
    for obj in objects:
        if obj["kind"] == "ValidatingWebhookConfiguration":
            client.delete(obj)
    client.close()


def kubeconfig(plane: ControlPlane, client: Client, account: str, path: Path) -> Path:
    """Of a service account, as its pod would have it."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    where = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}/token"
    reply = client.request("POST", where, request)
    assert reply.ok, reply.text
    config = json.loads(plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": reply.body["status"]["token"]}
    path.write_text(json.dumps(config))
    return path


def test_14_the_api_server_accepts_every_object(plane: ControlPlane, installed: Client) -> None:
    for hook, name in CONFIGURATIONS.items():
        path = f"{CONFIGURED}/{name}"
        webhook = installed.get(path).body["webhooks"][0]
        assert webhook["name"] == f"{hook}.policykit.dev"
    for arguments in (["--certificates=provided", "--no-watch-cluster"],):
        for obj in manifests(*arguments):
            if obj["kind"] != "Namespace":
                assert installed.apply(obj, dry_run=True).ok


def test_the_pods_pass_pod_security(plane: ControlPlane, installed: Client) -> None:
    """The namespace enforces `restricted`: a pod of each Deployment is let in."""
    for obj in manifests():
        if obj["kind"] == "Deployment":
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "probe", "namespace": NAMESPACE},
                "spec": obj["spec"]["template"]["spec"],
            }
            reply = installed.create(pod, dry_run=True)
            assert reply.ok, reply.text
            assert not reply.warnings


class Controller:
    """`policykit-webhook certificates`, as its service account."""

    def __init__(self, config: Path, log: Path) -> None:
        self.log = log
        command = [sys.executable, "-m", "policykit_webhook", "certificates", "--poll=0.5"]
        command.append(f"--probes=127.0.0.1:{servers.free_port()}")
        environment = {**os.environ, "KUBECONFIG": str(config)}
        with log.open("ab") as stream:
            self.process = subprocess.Popen(command, env=environment, stderr=stream)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def secret(client: Client, name: str = f"{NAME}-tls") -> dict[str, bytes]:
    reply = client.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}")
    return {k: base64.b64decode(v) for k, v in reply.body["data"].items()} if reply.ok else {}


def bundles(client: Client) -> set[bytes]:
    found = set()
    for name in CONFIGURATIONS.values():
        path = f"{CONFIGURED}/{name}"
        for webhook in client.get(path).body["webhooks"]:
            found.add(base64.b64decode(webhook["clientConfig"].get("caBundle", "")))
    return found


def until(condition: Callable[[], bool], log: Path, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.1)


def test_the_certificate_controller_does_its_work_with_its_roles(
    plane: ControlPlane, installed: Client, tmp_path: Path
) -> None:
    config = kubeconfig(plane, installed, CONTROLLER, tmp_path / "config")
    log = tmp_path / "log"
    controllers = [Controller(config, log), Controller(config, log)]
    try:
        until(lambda: bool(secret(installed)) and bundles(installed) != {b""}, log)
        served = secret(installed)
        assert authority.signed_by(served["tls.crt"], served["ca.crt"])
        assert f"{NAME}.{NAMESPACE}.svc" in authority.names_of(served["tls.crt"])
        until(lambda: bundles(installed) == {served["ca.crt"]}, log)
        lease = installed.get(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{CONTROLLER}").body
        leader = lease["spec"]["holderIdentity"]
        assert log.read_text().count('"leading"') == 1
        assert leader.endswith(tuple(str(c.process.pid) for c in controllers))

        # somebody takes the bundle away: it comes back
        path = f"{CONFIGURED}/{CONFIGURATIONS['enforce']}"
        drop = [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]
        assert installed.request("PATCH", path, drop, "application/json-patch+json").ok
        until(lambda: bundles(installed) == {served["ca.crt"]}, log)

        # the leaf ages: a new one by the same authority
        _age(installed, "tls.crt")
        until(lambda: secret(installed).get("tls.crt") not in (served["tls.crt"], None), log)
        until(lambda: not authority.due(secret(installed)["tls.crt"], datetime.now(UTC)), log)
        renewed = secret(installed)
        assert authority.signed_by(renewed["tls.crt"], served["ca.crt"])
    finally:
        for controller in controllers:
            controller.stop()


def _age(client: Client, key: str) -> None:
    """Replaces the leaf by one of the same authority that is past two thirds of its life."""
    signing = secret(client, f"{NAME}-tls-authority")
    issuer = authority.Credential(signing["tls.crt"], signing["tls.key"])
    host = f"{NAME}.{NAMESPACE}.svc"
    old = authority.leaf(issuer, [host, f"{host}.cluster.local"], datetime.now(UTC), 0.00001)
    data = {key: base64.b64encode(old.certificate).decode(), "tls.key": base64.b64encode(old.key).decode()}
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{NAME}-tls"
    assert client.request("PATCH", path, {"data": data}, "application/merge-patch+json").ok


def test_the_server_watches_with_its_roles(plane: ControlPlane, installed: Client, tmp_path: Path) -> None:
    config = kubeconfig(plane, installed, NAME, tmp_path / "config")
    for name in CONFIGURATIONS.values():  # of a server that does not run here
        assert installed.request("DELETE", f"{CONFIGURED}/{name}").ok
    wants = {"id": "isolation", "does": "wants_isolation", "severity": "error"}
    with servers.running(tmp_path / "server", TAG, wants, kubeconfig=str(config)) as server:
        hooks.until_synced(server)
        namespace = hooks.make_namespace(installed, "isolated")
        with hooks.registered(plane, server, namespace) as client:
            pod = hooks.canary(namespace)
            pod["spec"]["containers"][0]["image"] = "registry.example/app:1"
            reply = client.create(pod, dry_run=True)
            assert reply.status == 403
            assert "has no network policy" in reply.message
            policy = {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "deny", "namespace": namespace},
                "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
            }
            assert client.create(policy).ok
            until(lambda: client.create(pod, dry_run=True).ok, server.log)
            assert client.delete(policy).ok
            until(lambda: client.create(pod, dry_run=True).status == 403, server.log)
        assert not [line for line in server.logged() if line["message"] == "a watch broke"]
