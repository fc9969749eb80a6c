"""Acceptance tests 29, 30, 33 and 34 with the real API server as the caller: nothing failed, nothing unenforced."""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from policykit_webhook import authority
from tests.cluster import hooks
from tests.cluster.service import Service
from tests.webhook import servers
from tests.webhook.conftest import TAG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.client import Client
    from tests.cluster.control_plane import ControlPlane

DRAIN = {"delay": 3.0, "quiet": 1.0, "most": 30.0}


class Users:
    """People who create pods, good ones and bad ones in turn, each on a connection of his own; dry runs, for speed."""

    def __init__(self, plane: ControlPlane, namespace: str, count: int = 6) -> None:
        self.failed: list[str] = []
        self.unenforced = 0
        self.calls = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._namespace = namespace
        self._threads = [threading.Thread(target=self._work, args=(plane.client,)) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, client: Client) -> None:
        for bad in iter(self._turn, None):
            pod = hooks.canary(self._namespace)
            if not bad:
                pod["spec"]["containers"][0]["image"] = "registry.example/app:1.2"
            reply = client.create(pod, dry_run=True)
            with self._lock:
                self.calls += 1
                if reply.status not in (201, 403):
                    self.failed.append(f"{reply.status} {reply.text[:300]}")
                self.unenforced += bad and reply.status == 201
        client.close()

    def _turn(self) -> bool | None:
        with self._lock:
            return None if self._stop.is_set() else self.calls % 2 == 0


@contextlib.contextmanager
def users(plane: ControlPlane, namespace: str) -> Iterator[Users]:
    working = Users(plane, namespace)
    try:
        time.sleep(0.5)
        yield working
        time.sleep(0.5)
    finally:
        working.finish()


@contextlib.contextmanager
def registered(plane: ControlPlane, port: int, ca: bytes, namespace: str) -> Iterator[Client]:
    client = plane.client
    hooks.make_namespace(client, namespace)
    only_here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    config = hooks.configuration(namespace, [port], ca, namespaceSelector=only_here)
    assert client.create(config).ok
    try:
        hooks.wait_denied(client, namespace)
        yield client
    finally:
        client.delete(config)
        client.close()


def test_30_a_rolling_update_behind_a_service(plane: ControlPlane, tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    tls = servers.make_tls(tmp_path / "tls")
    running = [servers.start(tmp_path / f"old{n}", TAG, tls=tls, drain=DRAIN) for n in range(2)]
    try:
        for server in running:
            server.wait_ready()
        with (
            Service([server.port for server in running]) as service,
            registered(plane, service.port, tls.ca.certificate, "rollout"),
            users(plane, "rollout") as working,
        ):
            for n, leaving in enumerate(running[:2]):
                coming = servers.start(tmp_path / f"new{n}", TAG, tls=tls, drain=DRAIN)
                running.append(coming)
                coming.wait_ready()
                service.endpoints.append(coming.port)
                leaving.terminate()
                time.sleep(1.5)  # what an endpoint takes to go away
                service.endpoints.remove(leaving.port)
                assert leaving.process.wait(40) == 0
        assert (working.failed, working.unenforced) == ([], 0)
        assert working.calls > 200
    finally:
        for server in running:
            server.stop()


def _bundle(client: Client, name: str, *authorities: bytes) -> None:
    path = f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{name}"
    text = base64.b64encode(b"".join(authorities)).decode()
    patch: list[dict[str, Any]] = [
        {"op": "replace", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": text} for index in (0, 1)
    ]
    assert client.request("PATCH", path, patch, "application/json-patch+json").ok


def _reloads(server: servers.Server, count: int) -> None:
    end = time.monotonic() + 10
    while server.metric('policykit_certificate_reloads_total{result="success"}') < count:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_33_34_leaf_and_authority_are_exchanged(plane: ControlPlane, tmp_path: Path) -> None:
    with (
        servers.running(tmp_path, TAG) as server,
        registered(plane, server.port, server.tls.ca.certificate, "rotation") as client,
        users(plane, "rotation") as working,
    ):
        for n in range(2):
            server.tls.renew()
            _reloads(server, n + 1)
            time.sleep(0.5)
        old, new = server.tls.ca.certificate, authority.authority(datetime.now(UTC))
        _bundle(client, "rotation", old, new.certificate)
        time.sleep(2.0)
        servers.issue(tmp_path, new)
        _reloads(server, 3)
        time.sleep(1.0)
        _bundle(client, "rotation", new.certificate)
        time.sleep(1.0)
    assert (working.failed, working.unenforced) == ([], 0)
    assert working.calls > 200
