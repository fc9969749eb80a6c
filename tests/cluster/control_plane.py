"""Starts etcd and kube-apiserver on loopback with certificates of their own, and stops them."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from policykit_webhook import authority
from tests.cluster.binaries import find
from tests.cluster.client import Client
from tests.webhook.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOKEN = "loopback-admin"
USER_TOKEN = "loopback-jane"


@dataclass
class ControlPlane:
    """A running API server. `client` is its administrator."""

    directory: Path
    port: int
    ca: bytes
    processes: list[subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def client(self) -> Client:
        return Client("127.0.0.1", self.port, self.ca, TOKEN)

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of the administrator, for kubectl and for Kubernetes clients."""
        path = self.directory / "kubeconfig"
        ca = self.directory / "ca.crt"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": self.url, "certificate-authority": str(ca)}}],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "default"}}],
            "current-context": "c",
        }
        path.write_text(json.dumps(config))
        return path

    def audit_events(self) -> list[dict[str, Any]]:
        path = self.directory / "audit.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def metric(self, name: str) -> float:
        text = self.client.request("GET", "/metrics").text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def start(directory: Path, extra: Sequence[str] = ()) -> ControlPlane:
    """Starts both, with `extra` flags for kube-apiserver.

    Raises MissingBinaryError; RuntimeError if they do not come up.
    """
    etcd, apiserver = find("etcd"), find("kube-apiserver")
    ca = _credentials(directory)
    etcd_port, port = free_port(), free_port()
    plane = ControlPlane(directory, port, ca, [])
    plane.processes.append(_run(directory, "etcd", [str(etcd), *_etcd_flags(directory, etcd_port)]))
    plane.processes.append(
        _run(directory, "kube-apiserver", [str(apiserver), *_apiserver_flags(directory, port, etcd_port), *extra])
    )
    try:
        _wait(plane)
    except BaseException:
        plane.stop()
        raise
    return plane


def _run(directory: Path, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
    with (directory / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)


def _credentials(directory: Path) -> bytes:
    now = datetime.now(UTC)
    ca = authority.authority(now)
    leaf = authority.leaf(ca, ["127.0.0.1", "localhost", "kubernetes.default.svc"], now)
    signing = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret = signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    policy: dict[str, Any] = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"]}
    policy["rules"] = [{"level": "Metadata"}]
    tokens = f'{TOKEN},admin,1,"system:masters"\n{USER_TOKEN},jane,2,"system:masters"\n'
    files = {
        "ca.crt": ca.certificate,
        "apiserver.crt": leaf.certificate,
        "apiserver.key": leaf.key,
        "accounts.key": secret,
        "tokens.csv": tokens.encode(),
        "audit.json": json.dumps(policy).encode(),
    }
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return ca.certificate


def _etcd_flags(directory: Path, port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"
    return [
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    ]


def _apiserver_flags(directory: Path, port: int, etcd_port: int) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--tls-cert-file={directory / 'apiserver.crt'}",
        f"--tls-private-key-file={directory / 'apiserver.key'}",
        f"--token-auth-file={directory / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={directory / 'accounts.key'}",
        f"--service-account-signing-key-file={directory / 'accounts.key'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--disable-admission-plugins=ServiceAccount",
        f"--audit-policy-file={directory / 'audit.json'}",
        f"--audit-log-path={directory / 'audit.log'}",
        "--watch-cache=true",
        "--endpoint-reconciler-type=none",
    ]


def _wait(plane: ControlPlane, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    tls = ssl.create_default_context(cadata=plane.ca.decode())
    request = urllib.request.Request(f"{plane.url}/readyz", headers={"Authorization": f"Bearer {TOKEN}"})
    while time.monotonic() < end:
        for process in plane.processes:
            if process.poll() is not None:
                log = (plane.directory / "kube-apiserver.log").read_text(errors="replace")
                raise RuntimeError(f"{process.args!r} ended: {log[-2000:]}")
        try:
            with urllib.request.urlopen(request, context=tls, timeout=5) as reply:
                if reply.status == 200 and plane.client.get("/api/v1/namespaces/default").status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.2)
    raise RuntimeError("the API server did not become ready")
