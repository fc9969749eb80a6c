"""One serving process, from its first load to its last answer.

    load policies and certificate -> listen -> review ourselves over TLS -> ready -> serve, reload -> drain -> stop

The order on the way out is the one that loses no call: not ready first; then go on answering, closing each connection
with its answer, until the endpoints have changed and the callers have gone; only then stop listening.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from policykit.errors import UsageError
from policykit_webhook import authority, bundle, selfreview, tls
from policykit_webhook.admission import Admission, Engine, Phase
from policykit_webhook.alarm import Alarm
from policykit_webhook.gate import Gate
from policykit_webhook.lane import Lane
from policykit_webhook.logs import LOGGER, log
from policykit_webhook.transport import Guard, Limits, Peers, Site, listen

if TYPE_CHECKING:
    import socket

    from policykit_webhook.decision import Loader
    from policykit_webhook.health import WorkerHealth
    from policykit_webhook.judge import Facts
    from policykit_webhook.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Drain:
    """Seconds: at least `delay` after the signal and until `quiet` without a call, at most `most`."""

    delay: float = 10.0
    quiet: float = 2.0
    most: float = 45.0


@dataclass(frozen=True, slots=True)
class Options:
    """How one worker serves. `loader` is `module:function`, for the slow lane to load the same policies with."""

    sources: bundle.Sources
    files: tls.Files
    loader: str
    limits: Limits = field(default_factory=Limits)
    drain: Drain = field(default_factory=Drain)
    poll: float = 10.0
    longest_wait: float = 0.05


class Worker:
    """Serves on `sock` until told to stop."""

    def __init__(self, options: Options, load: Loader, health: WorkerHealth, metrics: Metrics) -> None:
        self._options = options
        self._load = load
        self._health = health
        self._metrics = metrics
        self._stopping = asyncio.Event()
        self._seen = ""
        self._snapshots = Path()
        self._own = authority.authority(datetime.now(UTC), days=3650) if options.files.client_ca else None
        self.peers = Peers()

    async def run(self, sock: socket.socket, facts: Facts | None = None) -> None:
        """Serves until SIGTERM or SIGINT. Raises UsageError where there is nothing to serve with."""
        self._certificates = tls.Certificates(self._options.files, self._own.certificate if self._own else b"")
        self._certificate_in_force()
        self._engine = Engine(None, facts, Lane(self._options.loader), Alarm())
        gate = Gate(self._options.longest_wait)
        self._guard = Guard(self._options.limits, self.peers, lambda: gate.busy)
        self._admission = Admission(self._engine, gate, self._options.limits, self._metrics)
        self._admission.client_names = frozenset(self._options.files.client_names)
        self._stop_on_signals()
        async with AsyncExitStack() as stack:
            self._snapshots = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="policykit-bundle-")))
            stack.push_async_callback(self._engine.lane.close)
            runner = web.AppRunner(self._admission.application(), handler_cancellation=True, shutdown_timeout=5.0)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await self._site(runner, sock).start()
            await self._load_policies()
            await self._self_review(runner)
            self._admission.phase = Phase.SERVING
            self._health.serving(True)
            log(logging.INFO, "serving", address=f"{sock.getsockname()[0]}:{sock.getsockname()[1]}")
            async with asyncio.TaskGroup() as tasks:
                beat = tasks.create_task(self._beat())
                watch = tasks.create_task(self._watch())
                await self._stopping.wait()
                await self._drain()
                beat.cancel()
                watch.cancel()

    def stop(self) -> None:
        self._stopping.set()

    def _stop_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    def _site(self, runner: web.AppRunner, sock: socket.socket) -> Site:
        return Site(runner, sock, self._certificates.context, self._guard)

    async def _load_policies(self) -> None:
        """The first load: nothing to fall back on."""
        await self._take(bundle.read(self._options.sources))

    async def _take(self, snapshot: bundle.Snapshot) -> None:
        """Loads a snapshot aside and puts it in force whole. Raises UsageError and changes nothing where it is bad."""
        self._seen = snapshot.digest
        directory = snapshot.write(self._snapshots)
        policies = await asyncio.to_thread(self._load, str(directory))
        await self._engine.lane.load(str(directory))
        self._engine.policies = policies
        self._metrics.reloads.labels("success").inc()
        self._metrics.in_force(policies.judge.digest, time.time())
        log(logging.INFO, "policies in force", bundle=policies.judge.digest, rules=len(policies.judge.rules))
        bundle.keep_only(self._snapshots, directory)

    async def _self_review(self, runner: web.AppRunner) -> None:
        """Through a loopback port of its own: on a shared port another worker might answer."""
        self._admission.self_token = secrets.token_hex(16)
        with listen("127.0.0.1", 0) as sock:
            site = self._site(runner, sock)
            await site.start()
            client = authority.client(self._own, secrets.token_hex(16), datetime.now(UTC)) if self._own else None
            try:
                port = sock.getsockname()[1]
                await selfreview.check(port, self._admission.self_token, self._certificates.served.leaf, client)
            finally:
                await site.stop()

    async def _beat(self) -> None:
        while True:
            self._health.beat()
            self._metrics.certificate_days.set((self._certificates.served.until - time.time()) / 86400)
            await asyncio.sleep(1.0)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._options.poll)
            self._refresh_certificate()
            await self._refresh_policies()

    def _refresh_certificate(self) -> None:
        try:
            if self._certificates.refresh():
                self._metrics.certificate_reloads.labels("success").inc()
                self._certificate_in_force()
        except UsageError as error:
            self._metrics.certificate_reloads.labels("failure").inc()
            log(logging.ERROR, "the new certificate is not taken, the old one stays", problems=str(error))

    def _certificate_in_force(self) -> None:
        until = self._certificates.served.until
        self._health.certificate_until(until)
        self._metrics.certificate_expiry.set(until)
        log(logging.INFO, "certificate in service", until=datetime.fromtimestamp(until, UTC).isoformat())

    async def _refresh_policies(self) -> None:
        try:
            snapshot = await asyncio.to_thread(bundle.read, self._options.sources)
            if snapshot.digest != self._seen:
                await self._take(snapshot)
        except UsageError as error:
            self._metrics.reloads.labels("failure").inc()
            log(logging.ERROR, "the new policies are not taken, the old ones stay", problems=str(error))
        except Exception:
            self._metrics.reloads.labels("failure").inc()
            LOGGER.exception("the new policies are not taken, the old ones stay")

    async def _drain(self) -> None:
        self._health.serving(False)
        self._admission.phase = Phase.DRAINING
        drain = self._options.drain
        started = time.monotonic()
        log(logging.INFO, "draining", seconds=drain.delay)
        await asyncio.sleep(drain.delay)
        while time.monotonic() - started < drain.most:
            left = self._admission.last_call + drain.quiet - time.monotonic()
            if left <= 0:
                break
            await asyncio.sleep(left)
        else:
            self._admission.phase = Phase.OVER
            await asyncio.sleep(1.0)
        log(logging.INFO, "stopped")
