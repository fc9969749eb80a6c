"""The command line and the processes it starts:

a first try on a laptop, several workers, what a worker's death means.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policykit_webhook import cli, serving
from tests.webhook import servers
from tests.webhook.conftest import RULES
from tests.webhook.fake_apiserver import make_review, pod
from tests.webhook.test_acceptance_functional import LATEST, ask

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """`policykit-webhook serve --self-signed`: the port, and the authority's file."""
    port, probes = servers.free_port(), servers.free_port()
    command = [sys.executable, "-m", "policykit_webhook", "serve", "--self-signed", "--workers=1", "--drain=0"]
    command += [f"--listen=127.0.0.1:{port}", f"--probes=127.0.0.1:{probes}"]
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stderr=stream)
    try:
        end = time.monotonic() + 60
        while '"serving"' not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        found = re.search(r"the authority is in (\S+)", log.read_text())
        assert found
        yield port, Path(found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not Path(found[1]).exists()


def test_a_first_try_with_curl(laptop: tuple[int, Path], tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    port, authority = laptop
    review = tmp_path / "review.json"
    review.write_text(json.dumps(make_review(pod("nginx:latest"))))
    command = [
        curl,
        "--silent",
        "--cacert",
        str(authority),
        "--json",
        f"@{review}",
        f"https://localhost:{port}/enforce",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    response = json.loads(done.stdout)["response"]
    assert response["allowed"] is False
    assert "image-explicit-tag" in response["status"]["message"]


def test_several_workers_share_the_port_and_one_that_dies_comes_back(tmp_path: Path) -> None:
    with servers.running(tmp_path, *RULES, workers=2) as server:
        for _ in range(20):
            assert not ask(server, make_review(pod(LATEST))).allowed
        assert server.metric("policykit_admission_requests_total") >= 20
        children = _workers(server)
        assert len(children) == 2
        os.kill(children[0], signal.SIGKILL)
        end = time.monotonic() + 30
        while not (len(_workers(server)) == 2 and children[0] not in _workers(server)):
            assert time.monotonic() < end
            time.sleep(0.1)
        server.wait_ready(30)
        assert not ask(server, make_review(pod(LATEST))).allowed
        server.terminate()
        assert server.process.wait(20) == 0


def _workers(server: servers.Server) -> list[int]:
    """The children that serve; a worker's own slow lane is its child, not the supervisor's."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == server.process.pid and b"spawn_main" in command:
            found.append(int(path.name))
    return found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve"], "--tls-cert and --tls-key, or --self-signed"),
        (["serve", "--tls-cert=x"], "go together"),
        (["serve", "--self-signed", "--listen=8443"], "is not HOST:PORT"),
        (
            ["serve", "--tls-cert=/no/such", "--tls-key=/no/such", "--workers=1", "--probes=127.0.0.1:0"],
            "cannot be read",
        ),
        (["manifests", "--config=/no/such"], "cannot be read"),
        (["manifests", "--policies=/no/such"], "is not a directory"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_processors_are_counted_by_what_the_group_may_use() -> None:
    assert 1 <= serving.processors() <= serving.MOST_WORKERS


def test_traces_of_the_caller_are_in_the_log(tmp_path: Path) -> None:
    with servers.running(tmp_path, *RULES) as server:
        trace = "0af7651916cd43dd8448eb211c80319c"

        async def call() -> None:
            client = server.apiserver()
            body = json.dumps(make_review(pod(LATEST))).encode()
            await client.post("/enforce?timeout=5s", body, traceparent=f"00-{trace}-b7ad6b7169203331-01")
            await client.close()

        asyncio.run(call())
        assert [line["trace_id"] for line in server.logged() if line["message"] == "denied"] == [trace]
