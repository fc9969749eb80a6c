"""Acceptance tests 39 and 40, scaled to one replica, two cores and a minute: what a test run can afford.

The figures proper (requests per second, share of the transport) are printed: `pytest -s -k 39`. POLICYKIT_LOAD_SECONDS
and POLICYKIT_SOAK_SECONDS make the runs longer.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.cluster.binaries import MissingBinaryError
from tests.webhook import load, servers
from tests.webhook.conftest import TAG
from tests.webhook.fake_apiserver import make_review, pod
from tests.webhook.test_acceptance_faults import Load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.webhook.servers import Server

SECONDS = float(os.environ.get("POLICYKIT_LOAD_SECONDS", "5"))
SOAK = float(os.environ.get("POLICYKIT_SOAK_SECONDS", "20"))
MIB = 1024 * 1024
#: A review that was turned away is sent again by the API server, elsewhere.
ANSWERED = ("200", "503")


def _measure(server: Server, directory: Path, name: str) -> dict[str, float]:
    """Reviews by the processor second too: that figure stands on a machine which has other things to do."""
    load.pin(0, server.process.pid)
    try:
        load.generate(server, directory, workers=10, rate=0, seconds=1)
        before = load.processor_seconds(server)
        most = load.generate(server, directory, workers=10, rate=0, seconds=SECONDS)
        used = load.processor_seconds(server) - before
        steady = load.generate(server, directory, workers=50, rate=300, seconds=SECONDS)
        fast = load.generate(server, directory, workers=50, rate=1000, seconds=SECONDS)
    except MissingBinaryError as error:
        pytest.skip(str(error))
    rss, capacity = server.rss() / MIB, most["calls"] / used
    failed = sum(count for run in (most, steady) for status, count in run["statuses"].items() if status not in ANSWERED)
    print(
        f"{name}: {most['perSecond']:.0f}/s, {capacity:.0f} a processor second; p50 {most['p50']} p99 {most['p99']} ms"
    )
    print(f"  at 300/s p99 {steady['p99']} ms, at 1000/s p50 {fast['p50']} p99 {fast['p99']} ms; {rss:.0f} MiB")
    return {"capacity": capacity, "failed": failed, "rss": rss}


def test_39_one_replica_under_load_with_every_policy(tmp_path: Path) -> None:
    options = {"loader": "policykit_webhook.policies:load", "policies": [], "log_level": "info"}
    with servers.running(tmp_path / "all", **options) as server:
        every = _measure(server, tmp_path, "every policy")
    with servers.running(tmp_path / "none", {"id": "x", "does": "never"}, log_level="info") as server:
        trivial = _measure(server, tmp_path, "trivial verdict")
    print(f"  share of the transport: {every['capacity'] / trivial['capacity']:.0%}")
    assert every["failed"] == trivial["failed"] == 0
    assert every["rss"] <= 128
    assert every["capacity"] >= 1000


def test_40_a_soak_with_reloads_and_rotations_drifts_nowhere(tmp_path: Path) -> None:
    with servers.running(tmp_path, TAG) as server:

        async def scenario() -> Load:
            running = Load(server.apiserver(), 50)
            await asyncio.sleep(SOAK / 4)
            rss, descriptors = server.rss(), server.descriptors()
            end = time.monotonic() + SOAK
            turn = 0
            while time.monotonic() < end:
                turn += 1
                server.rules(TAG, {"id": f"extra-{turn}", "severity": "info", "does": "never"})
                server.tls.renew()
                await asyncio.sleep(SOAK / 10)
            assert server.metric('policykit_policy_reloads_total{result="success"}') >= turn
            assert server.metric('policykit_certificate_reloads_total{result="success"}') >= turn
            assert server.rss() <= rss * 1.05
            assert abs(server.descriptors() - descriptors) <= 5
            await running.finish()
            await running.client.close()
            return running

        load_of = asyncio.run(scenario())
        assert (load_of.errors, load_of.unenforced) == ([], 0)


def test_40_a_review_costs_no_more_than_it_did() -> None:
    """Against a calibration on the same machine in the same minute: a decision is so many times a JSON round trip."""
    import json

    from policykit_webhook import decision, review
    from tests.webhook.fake_policies import fake

    policies = fake(TAG)
    body = json.dumps(make_review(pod())).encode()

    def decided() -> None:
        call = review.loads(body)
        review.response(call.uid, decision.decide(call, "enforce", policies).parts())

    def calibration() -> None:
        json.dumps(json.loads(body))

    ratios = []
    for _ in range(5):
        ratios.append(_cost(decided) / _cost(calibration))
    assert min(ratios) < 3.0


def _cost(function: object, rounds: int = 300) -> float:
    assert callable(function)
    started = time.process_time()
    for _ in range(rounds):
        function()
    return time.process_time() - started
