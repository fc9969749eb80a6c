"""Calls of a server by the load generator in Go, which has the API server's transport:

server on one core, caller on the other.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.binaries import load_generator
from tests.webhook.fake_apiserver import make_review

if TYPE_CHECKING:
    from tests.webhook.servers import Server


def deployment(size: int = 4096) -> dict[str, Any]:
    """A compliant Deployment whose review is about as large as `size` bytes."""
    container = {
        "name": "app",
        "image": "docker.io/library/nginx:1.27.3",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{n}", "value": f"value-{n}"} for n in range(12)],
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "http"}, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 5},
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    labels = {"app.kubernetes.io/name": "web", "app.kubernetes.io/version": "1.27.3"}
    obj: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": labels, "annotations": {"padding": ""}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app.kubernetes.io/name": "web"}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"automountServiceAccountToken": False, "containers": [container]},
            },
        },
    }
    obj["metadata"]["annotations"]["padding"] = "x" * max(0, size - len(json.dumps(make_review(obj))))
    return obj


def generate(server: Server, directory: Path, **options: Any) -> dict[str, Any]:
    """One run: `workers`, `rate` (0: as many as possible), `seconds`. Raises MissingBinaryError."""
    generator = load_generator()
    body, ca = directory / "review.json", directory / "ca.pem"
    body.write_text(json.dumps(make_review(deployment())))
    ca.write_bytes(server.tls.ca.certificate)
    command = [str(generator), f"-url=https://localhost:{server.port}/enforce?timeout=5s", f"-ca={ca}", f"-body={body}"]
    command += [f"-{name}={value}" for name, value in options.items()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=lambda: pin(1))
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def processor_seconds(server: Server) -> float:
    """What the serving process has used so far."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pin(core: int, process: int = 0) -> None:
    """Keeps a process on one core, where there are several."""
    cores = sorted(os.sched_getaffinity(process))
    os.sched_setaffinity(process, {cores[core % len(cores)]})
