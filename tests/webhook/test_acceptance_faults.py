"""Acceptance tests 13 and 29 to 38: reloads, restarts, rotations, overload. Real processes, real TLS, no call lost.

Scaled to two processors and to the patience of a test run: POLICYKIT_TERMINATIONS is how often a replica is terminated
(20 in full).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from policykit_webhook import authority
from tests.webhook import servers
from tests.webhook.conftest import NOTE, OWNER, PRIVILEGED, TAG
from tests.webhook.fake_apiserver import CallError, FakeApiServer, make_review, pod
from tests.webhook.fake_policies import fake
from tests.webhook.test_acceptance_functional import LATEST, ask, decide

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.webhook.servers import Server

TERMINATIONS = int(os.environ.get("POLICYKIT_TERMINATIONS", "3"))


class Load:
    """Calls at a steady rate, every second one with a bad pod: counts what failed and what was not enforced."""

    def __init__(self, client: FakeApiServer, rate: float) -> None:
        self.client = client
        self.calls = 0
        self.unenforced = 0
        self.errors: list[str] = []
        self.seconds: list[float] = []
        self._rate = rate
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = True
        self._pump = asyncio.create_task(self._start())

    async def finish(self) -> None:
        self._running = False
        await self._pump
        await asyncio.gather(*self._tasks)

    async def _start(self) -> None:
        next_call = time.perf_counter()
        while self._running:
            task = asyncio.create_task(self._call(bad=self.calls % 2 == 0))
            self.calls += 1
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            next_call += 1 / self._rate
            await asyncio.sleep(max(0.0, next_call - time.perf_counter()))

    async def _call(self, *, bad: bool) -> None:
        started = time.perf_counter()
        try:
            verdict = await self.client.call("/enforce", make_review(pod(LATEST if bad else "registry.example/app:1")))
        except CallError as error:
            self.errors.append(str(error))
        else:
            self.unenforced += verdict.allowed is bad
        self.seconds.append(time.perf_counter() - started)


async def until(condition: Callable[[], Any], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.05)


def _ended_process(server: Server) -> bool:
    return server.process.poll() is not None


def under_load(server: Server, rate: float, scenario: Callable[[Load], Awaitable[None]]) -> Load:
    async def run() -> Load:
        load = Load(server.apiserver(), rate)
        await asyncio.sleep(0.3)
        await scenario(load)
        await asyncio.sleep(0.3)
        await load.finish()
        await load.client.close()
        return load

    return asyncio.run(run())


def test_13_policies_are_exchanged_whole_or_not_at_all(tmp_path: Path) -> None:
    with servers.running(tmp_path, TAG) as server:

        async def scenario(_load: Load) -> None:
            digest = (await asyncio.to_thread(server.probe, "/metrics"))[1].split('policykit_bundle_info{digest="')[1][
                :70
            ]
            server.rules(TAG, PRIVILEGED)
            await server.until_metric('policykit_policy_reloads_total{result="success"}', 2)
            privileged = pod(securityContext={"privileged": True})
            assert not (await _load.client.call("/enforce", make_review(privileged))).allowed
            (server.policies / "rules.json").write_text('[{"id": "half')
            await server.until_metric('policykit_policy_reloads_total{result="failure"}', 1)
            assert not (await _load.client.call("/enforce", make_review(privileged))).allowed
            assert digest not in (await asyncio.to_thread(server.probe, "/metrics"))[1].split("} 1.0")[0]

        load = under_load(server, 100, scenario)
        assert (load.errors, load.unenforced) == ([], 0)
        assert any(line["message"] == "the new policies are not taken, the old ones stay" for line in server.logged())


def test_29_sigterm_under_load_loses_no_call(tmp_path: Path) -> None:
    """Two replicas; one is terminated and its endpoint goes away a while later, as endpoints do; then it comes back."""
    tls = servers.make_tls(_made(tmp_path / "tls"))
    drain = {"delay": 2.0, "quiet": 0.5, "most": 20.0}
    replicas = [servers.start(tmp_path / str(n), TAG, tls=tls, drain=drain) for n in range(2)]
    try:
        for replica in replicas:
            replica.wait_ready()

        async def scenario(load: Load) -> None:
            load.client.backends[:] = [("127.0.0.1", r.port) for r in replicas]
            await asyncio.sleep(0.3)
            for n in range(TERMINATIONS):
                leaving = replicas[n % 2]
                leaving.terminate()
                await asyncio.sleep(1.0)
                load.client.backends.remove(("127.0.0.1", leaving.port))
                await until(partial(_ended_process, leaving))
                assert leaving.process.returncode == 0
                replicas[n % 2] = servers.start(tmp_path / str(n % 2), TAG, tls=tls, drain=drain)
                await asyncio.to_thread(replicas[n % 2].wait_ready)
                load.client.backends.append(("127.0.0.1", replicas[n % 2].port))

        load = under_load(replicas[0], 250, scenario)
        assert (load.errors, load.unenforced) == ([], 0)
        assert load.calls > 500
    finally:
        for replica in replicas:
            replica.stop()


def test_30_a_rolling_update_of_three_replicas_leaves_nothing_unenforced(tmp_path: Path) -> None:
    tls = servers.make_tls(_made(tmp_path / "tls"))
    drain = {"delay": 1.5, "quiet": 0.5, "most": 20.0}
    old = [servers.start(tmp_path / f"old{n}", TAG, tls=tls, drain=drain) for n in range(3)]
    new: list[Server] = []
    try:
        for replica in old:
            replica.wait_ready()

        async def scenario(load: Load) -> None:
            load.client.backends[:] = [("127.0.0.1", r.port) for r in old]
            for n, leaving in enumerate(old):
                new.append(servers.start(tmp_path / f"new{n}", TAG, PRIVILEGED, tls=tls, drain=drain))
                await asyncio.to_thread(new[-1].wait_ready)
                load.client.backends.append(("127.0.0.1", new[-1].port))
                leaving.terminate()
                await asyncio.sleep(0.7)
                load.client.backends.remove(("127.0.0.1", leaving.port))
                await until(partial(_ended_process, leaving))

        load = under_load(old[0], 150, scenario)
        assert (load.errors, load.unenforced) == ([], 0)
    finally:
        for replica in [*old, *new]:
            replica.stop()


def test_31_a_killed_replica_costs_no_more_than_its_calls_in_flight(tmp_path: Path) -> None:
    tls = servers.make_tls(_made(tmp_path / "tls"))
    replicas = [servers.start(tmp_path / str(n), TAG, tls=tls) for n in range(2)]
    try:
        for replica in replicas:
            replica.wait_ready()

        async def scenario(load: Load) -> None:
            load.client.backends[:] = [("127.0.0.1", r.port) for r in replicas]
            await asyncio.sleep(0.5)
            replicas[1].process.send_signal(signal.SIGKILL)
            load.client.backends.remove(("127.0.0.1", replicas[1].port))
            await asyncio.sleep(1.0)
            broken = len(load.errors)
            await asyncio.sleep(1.0)
            assert len(load.errors) == broken

        load = under_load(replicas[0], 200, scenario)
        assert len(load.errors) <= 25
        assert load.unenforced == 0
    finally:
        for replica in replicas:
            replica.stop()


@pytest.mark.parametrize("gap", [float(g) for g in os.environ.get("POLICYKIT_IDLE_GAPS", "3").split(",")])
def test_32_idle_connections_outlive_the_callers_patience(server: Server, gap: float) -> None:
    """The server keeps an idle connection for longer than the 90 seconds of the API server's client."""
    from policykit_webhook.transport import Limits

    assert Limits().keep_alive > 90

    async def run() -> int:
        client = server.apiserver()
        for _ in range(2):
            assert (await client.call("/enforce", make_review(pod()))).allowed
            await asyncio.sleep(gap)
        assert (await client.call("/enforce", make_review(pod()))).allowed
        await client.close()
        return client.dialled

    assert asyncio.run(run()) == 1


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def test_33_a_new_leaf_is_served_without_a_failed_handshake(tmp_path: Path) -> None:
    with servers.running(tmp_path, TAG) as server:

        async def scenario(load: Load) -> None:
            for n in range(3):
                server.tls.renew()
                await server.until_metric('policykit_certificate_reloads_total{result="success"}', n + 1)
                load.client.trust(server.tls.ca.certificate)

        load = under_load(server, 150, scenario)
        assert (load.errors, load.unenforced) == ([], 0)
        assert load.client.dialled >= 3


def test_33_half_a_pair_leaves_the_old_one_in_service(tmp_path: Path) -> None:
    with servers.running(tmp_path, TAG) as server:

        async def scenario(load: Load) -> None:
            good = server.tls.cert.read_bytes()
            other = authority.leaf(server.tls.ca, ["localhost"], datetime.now(UTC))
            for broken in (other.certificate, good[: len(good) // 2], b""):
                failures = server.metric('policykit_certificate_reloads_total{result="failure"}')
                server.tls.cert.write_bytes(broken)
                await server.until_metric('policykit_certificate_reloads_total{result="failure"}', failures + 1)
                load.client.trust(server.tls.ca.certificate)
            server.tls.renew()
            await server.until_metric('policykit_certificate_reloads_total{result="success"}', 1)

        load = under_load(server, 100, scenario)
        assert (load.errors, load.unenforced) == ([], 0)


def test_33_an_expired_certificate_is_not_ready_and_shows(tmp_path: Path) -> None:
    with servers.running(tmp_path, TAG) as server:
        server.tls.renew(days=2 / 86400)
        end = time.monotonic() + 10
        while server.probe()[0] == 200:
            assert time.monotonic() < end
            time.sleep(0.1)
        time.sleep(1.1)
        assert server.metric("policykit_certificate_days_left") < 0
        assert server.probe("/livez")[0] == 200
        server.tls.renew()
        server.wait_ready()


def test_34_a_new_authority_takes_over_behind_an_overlapping_bundle(tmp_path: Path) -> None:
    with servers.running(tmp_path, TAG) as server:

        async def scenario(load: Load) -> None:
            successor = authority.authority(datetime.now(UTC))
            load.client.trust(server.tls.ca.certificate + successor.certificate)
            await asyncio.sleep(0.3)
            servers.issue(tmp_path, successor)
            await server.until_metric('policykit_certificate_reloads_total{result="success"}', 1)
            load.client.trust(server.tls.ca.certificate + successor.certificate)
            await asyncio.sleep(0.3)
            load.client.trust(successor.certificate)

        load = under_load(server, 150, scenario)
        assert (load.errors, load.unenforced) == ([], 0)


def test_35_not_ready_before_the_self_review_has_passed(tmp_path: Path) -> None:
    """Loading takes a while: until then calls are sent away to come again, and none is allowed."""
    slow = "tests.webhook.slow_loader:load"
    server = servers.start(tmp_path, TAG, loader=slow)
    try:

        async def scenario() -> list[tuple[int, str, str]]:
            client = server.apiserver()
            replies = []
            while server.probe()[0] != 200:
                try:
                    status, headers, _ = await client.post("/enforce?timeout=1s", b"{}")
                    replies.append((status, headers.get("retry-after", ""), headers.get("connection", "")))
                except CallError:
                    pass
                await asyncio.sleep(0.05)
            assert not (await client.call("/enforce", make_review(pod(LATEST)))).allowed
            await client.close()
            return replies

        replies = asyncio.run(scenario())
        assert len(replies) > 3
        assert set(replies) == {(503, "0", "close")}
    finally:
        server.stop()


def test_35_nothing_to_serve_is_no_server(tmp_path: Path) -> None:
    server = servers.start(tmp_path, {"id": "x", "does": "unheard of"})
    try:
        assert server.process.wait(20) != 0
        assert server.probe()[0] == 0
    finally:
        server.stop()


def test_36_a_rule_that_breaks_follows_its_fail_mode_and_the_others_still_speak(tmp_path: Path) -> None:
    closed = {"id": "closed", "does": "fails"}
    open_ = {"id": "open", "does": "fails", "failurePolicy": "ignore"}
    for rules, allowed in (((closed, OWNER), False), ((open_, OWNER), True)):
        verdict = decide(make_review(pod()), fake(*rules))
        assert verdict.allowed is allowed
    verdict = decide(make_review(pod(LATEST)), fake(open_, TAG))
    assert not verdict.allowed
    assert "image-explicit-tag" in verdict.message
    assert any("open" in warning for warning in verdict.warnings)
    assert decide(make_review(pod()), fake(closed, onError={"closed": "ignore"})).allowed
    with servers.running(tmp_path, closed, NOTE) as server:
        ask(server, make_review(pod()))
        assert (
            server.metric('policykit_policy_results_total{action="deny",mode="enforce",outcome="error",rule="closed"}')
            == 1
        )


BURNS = {"id": "burns", "does": "burns", "seconds": 30}


def test_37_a_slow_rule_is_cut_before_the_callers_deadline(tmp_path: Path) -> None:
    with servers.running(tmp_path, BURNS, TAG) as server:
        slow = pod()
        slow["metadata"]["labels"]["slow"] = "yes"

        async def scenario() -> tuple[Any, float]:
            client = server.apiserver(timeout=1)
            started = time.perf_counter()
            verdict = await client.call("/enforce", make_review(slow))
            await client.close()
            return verdict, time.perf_counter() - started

        verdict, seconds = asyncio.run(scenario())
        assert not verdict.allowed
        assert "could not be evaluated: no verdict within" in verdict.message
        assert seconds < 1.0
        assert server.metric("policykit_admission_deadline_exceeded_total") == 1


def test_37_a_caller_that_hangs_up_leaves_no_work_behind(tmp_path: Path) -> None:
    with servers.running(tmp_path, BURNS, TAG, webhook={"deadline": 20}) as server:
        slow = pod()
        slow["metadata"]["labels"]["slow"] = "yes"

        async def scenario() -> float:
            client = server.apiserver()
            body = json.dumps(make_review(slow)).encode()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.post("/enforce?timeout=30s", body), 0.8)
            started = time.perf_counter()
            assert not (await client.call("/enforce", make_review(pod(LATEST)))).allowed
            big = make_review(pod(LATEST))
            big["request"]["object"]["metadata"]["annotations"] = {"text": "x" * 400_000}
            assert not (await client.call("/enforce", big)).allowed
            await client.close()
            return time.perf_counter() - started

        assert asyncio.run(scenario()) < 2.0
        before = _processor_seconds(server)
        time.sleep(1.0)
        assert _processor_seconds(server) - before < 0.3


def _processor_seconds(server: Server) -> float:
    """Processor time of the server and of its children."""
    from pathlib import Path

    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == server.process.pid or stat.parent.name == str(server.process.pid):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def test_38_overload_is_turned_away_and_the_accepted_stay_fast(tmp_path: Path) -> None:
    """A rule of 8 ms makes a capacity of about 110 reviews a second; ninety callers want five times as many.

    Measured is a review, from the moment it is sent on an open connection; whoever was turned away has to open another
    one first, and while the queue is full those wait for their turn, too.
    """
    heavy = {"id": "heavy", "does": "burns", "seconds": 0.008, "all": True}
    with servers.running(tmp_path, heavy) as server:

        async def workers(count: int, seconds: float, path: str) -> tuple[list[float], int]:
            accepted: list[float] = []
            shed = 0

            async def work(client: FakeApiServer, end: float) -> None:
                nonlocal shed
                body = b"%s" % __import__("json").dumps(make_review(pod(), uid="u")).encode()
                while time.perf_counter() < end:
                    try:
                        connection = await client._connect()
                        client._release(connection, {})
                        started = time.perf_counter()
                        status, headers, _ = await client.post(path, body)
                    except CallError:
                        continue
                    if status == 200:
                        accepted.append(time.perf_counter() - started)
                    else:
                        assert (status, headers["retry-after"], headers["connection"]) == (503, "0", "close")
                        shed += 1
                        await asyncio.sleep(0.05)

            client = server.apiserver()
            end = time.perf_counter() + seconds
            await asyncio.gather(*(work(client, end) for _ in range(count)))
            await client.close()
            return accepted, shed

        ratios = []
        for _ in range(3):  # other work on the machine falls on one half of a measurement only
            normal, none_shed = asyncio.run(workers(28, 3.0, "/enforce?timeout=5s"))
            memory = server.rss()
            flooded, shed = asyncio.run(workers(90, 4.0, "/enforce?timeout=5s"))
            assert none_shed == 0
            assert shed > 0
            assert len(flooded) / 4 > 0.5 * len(normal) / 3
            assert server.rss() - memory < 16 * 1024 * 1024
            ratios.append(_p99(flooded) / _p99(normal))
            if ratios[-1] <= 2:
                break
        assert min(ratios) <= 2


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def test_38_five_hundred_slow_senders_block_nobody(tmp_path: Path) -> None:
    with servers.running(tmp_path, TAG, limits={"receive": 2.0}) as server:

        async def scenario() -> list[float]:
            client = server.apiserver()
            streams = []
            for _ in range(500):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", server.port, ssl=client._tls, server_hostname="localhost"
                )
                writer.write(b"POST /enforce HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n")
                streams.append((reader, writer))
            times = []
            for _ in range(50):
                started = time.perf_counter()
                assert (await client.call("/enforce", make_review(pod()))).allowed
                times.append(time.perf_counter() - started)
            closed = await asyncio.wait_for(asyncio.gather(*(_ended(reader) for reader, _ in streams)), 15)
            assert all(closed)
            for _, writer in streams:
                writer.transport.abort()
            await client.close()
            return times

        times = asyncio.run(scenario())
        assert max(times) < 0.5
        assert server.descriptors() < 100


async def _ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except (ConnectionError, OSError):
        return True
