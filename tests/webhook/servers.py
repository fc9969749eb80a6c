"""Webhook servers as processes of their own, as they run in a cluster:

certificates, a free port, rules that a test chooses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policykit_webhook import authority
from tests.webhook.fake_apiserver import FakeApiServer

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Started with `python -c`: `serve` with the rules of `fake_policies` and settings no command line needs.
_PROGRAM = """
import json, sys
from pathlib import Path
from policykit_webhook import bundle, serving, tls, worker, transport
o = json.loads(sys.argv[1])
serving.run(serving.Plan(
    options=worker.Options(
        sources=bundle.Sources(Path(o["config"]) if o["config"] else None, tuple(Path(p) for p in o["policies"])),
        files=tls.Files(Path(o["cert"]), Path(o["key"]), Path(o["client_ca"]) if o["client_ca"] else None,
                        tuple(o["client_names"]), o["minimum"]),
        loader=o["loader"],
        drain=worker.Drain(**o["drain"]),
        limits=transport.Limits(**o["limits"]),
        poll=o["poll"],
    ),
    address=("127.0.0.1", o["port"]), probes=("127.0.0.1", o["probes"]), workers=o["workers"], log_level=o["log_level"],
    watch_cluster=bool(o["kubeconfig"]),
))
"""


@dataclass(frozen=True)
class Tls:
    """An authority and a server certificate for localhost, as files in `directory`."""

    directory: Path
    ca: authority.Credential

    @property
    def cert(self) -> Path:
        return self.directory / "tls.crt"

    @property
    def key(self) -> Path:
        return self.directory / "tls.key"

    def renew(self, days: float = 90) -> None:
        issue(self.directory, self.ca, days)


def issue(directory: Path, ca: authority.Credential, days: float = 90) -> None:
    leaf = authority.leaf(ca, ["localhost", "127.0.0.1"], datetime.now(UTC), days)
    for name, content in (("tls.crt", leaf.certificate), ("tls.key", leaf.key)):
        draft = directory / f".{name}"
        draft.write_bytes(content)
        draft.replace(directory / name)


def make_tls(directory: Path) -> Tls:
    ca = authority.authority(datetime.now(UTC))
    issue(directory, ca)
    return Tls(directory, ca)


def free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Server:
    """One running `serve`. Its standard error, the log, is in `log`."""

    process: subprocess.Popen[bytes]
    port: int
    probes: int
    tls: Tls
    policies: Path
    log: Path
    options: dict[str, Any] = field(default_factory=dict)

    def apiserver(self, **more: Any) -> FakeApiServer:
        return FakeApiServer(self.tls.ca.certificate, [("127.0.0.1", self.port)], **more)

    def probe(self, path: str = "/readyz") -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.probes}{path}", timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ""
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """The sum of a metric's samples whose line starts with `name`."""
        lines = self.probe("/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def logged(self) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def rss(self) -> int:
        """Resident bytes of the serving process."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def rules(self, *rules: dict[str, Any]) -> None:
        write_rules(self.policies, *rules)

    def wait_ready(self, seconds: float = 20.0) -> None:
        until = time.monotonic() + seconds
        while self.probe()[0] != 200:
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"not ready: {self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    async def until_metric(self, name: str, value: float, seconds: float = 10.0) -> None:
        until = time.monotonic() + seconds
        while await asyncio.to_thread(self.metric, name) < value:
            assert time.monotonic() < until, f"{name} stays below {value}"
            await asyncio.sleep(0.05)


def write_rules(folder: Path, *rules: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / ".rules.json"
    draft.write_text(json.dumps(rules))
    draft.replace(folder / "rules.json")


def start(directory: Path, *rules: dict[str, Any], tls: Tls | None = None, **options: Any) -> Server:
    """A server with `rules`, not yet ready.

    `options` override those of the program above; `webhook` is the config section.
    """
    directory.mkdir(parents=True, exist_ok=True)
    tls = tls or make_tls(directory)
    policies = directory / "policies"
    write_rules(policies, *rules)
    config = directory / "policykit.yaml"
    config.write_text(json.dumps({"webhook": options.pop("webhook", {}), **options.pop("policykit", {})}))
    chosen = {
        "config": str(config),
        "policies": [str(policies)],
        "cert": str(tls.cert),
        "key": str(tls.key),
        "client_ca": "",
        "client_names": [],
        "minimum": "1.2",
        "loader": "tests.webhook.fake_policies:load",
        "drain": {"delay": 0.2, "quiet": 0.2, "most": 5.0},
        "limits": {},
        "poll": 0.2,
        "kubeconfig": "",
        "log_level": "debug",
        "workers": 1,
        "port": free_port(),
        "probes": free_port(),
        **options,
    }
    log = directory / "log"
    with log.open("wb") as stream:
        environment = {**os.environ, "KUBECONFIG": chosen["kubeconfig"]} if chosen["kubeconfig"] else None
        command = [sys.executable, "-c", _PROGRAM, json.dumps(chosen)]
        process = subprocess.Popen(command, stderr=stream, env=environment)
    return Server(process, chosen["port"], chosen["probes"], tls, policies, log, chosen)


@contextlib.contextmanager
def running(directory: Path, *rules: dict[str, Any], **options: Any) -> Iterator[Server]:
    """A server with `rules` that is ready, until the end of the block."""
    server = start(directory, *rules, **options)
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()
