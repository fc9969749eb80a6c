"""Options to running processes:

one worker in this process, or several that share the port, and the probes beside them.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from policykit.errors import UsageError
from policykit_webhook import logs, tracing
from policykit_webhook.health import SLOTS, WorkerHealth
from policykit_webhook.logs import log
from policykit_webhook.selfreview import SelfReviewError
from policykit_webhook.transport import listen

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, MutableSequence, Sequence

    from policykit_webhook.certificates import Names
    from policykit_webhook.decision import Loader
    from policykit_webhook.store import Places
    from policykit_webhook.worker import Options

#: More workers than this are better run as replicas.
MOST_WORKERS = 8
#: A worker that dies is started again, not faster than this (seconds).
_RESTART = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What `serve` was asked for. `workers` 0: as many as there are processors for."""

    options: Options
    address: tuple[str, int]
    probes: tuple[str, int]
    workers: int = 1
    log_level: str = "info"
    watch_cluster: bool = False


def processors() -> int:
    """Processors that this process may use: its affinity, and the quota of its control group."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            available = min(available, max(1, int(quota) // int(period)))
    return max(1, min(available, MOST_WORKERS))


def run(plan: Plan) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises UsageError where there is nothing to serve with; OSError for a port in use.
    """
    logs.configure(plan.log_level)
    tracing.configure()
    _raise_file_limit()
    workers = plan.workers or processors()
    probe_socket = listen(*plan.probes)
    if workers == 1:
        _single(plan, probe_socket)
    else:
        _several(plan, workers, probe_socket)


def _single(plan: Plan, probe_socket: socket.socket) -> None:
    from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest

    from policykit_webhook.metrics import Metrics
    from policykit_webhook.probes import Probes

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    health = WorkerHealth()
    probes = Probes(probe_socket, health, lambda: generate_latest(registry))
    probes.start()
    try:
        _serve(plan, listen(*plan.address), health, Metrics(registry))
    finally:
        probes.stop()


def _several(plan: Plan, workers: int, probe_socket: socket.socket) -> None:
    with tempfile.TemporaryDirectory(prefix="policykit-metrics-") as directory:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory  # read when prometheus_client is first imported
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        from policykit_webhook.probes import Probes

        context = multiprocessing.get_context("spawn")
        numbers = [context.Array("d", SLOTS, lock=False) for _ in range(workers)]
        health = _All([WorkerHealth(cast("MutableSequence[float]", n)) for n in numbers])
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        listen(*plan.address, shared=True).close()  # a port in use is our error, not that of each worker
        probes = Probes(probe_socket, health, lambda: generate_latest(registry))
        probes.start()
        try:
            _supervise(lambda n: context.Process(target=_child, args=(plan, numbers[n])), workers)
        finally:
            probes.stop()


def _supervise(make: Callable[[int], Any], workers: int) -> None:
    """Keeps the workers running until a signal; passes the signal on and waits for them to drain."""
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True
        for process in processes:
            if process.is_alive():
                process.terminate()

    processes = [make(n) for n in range(workers)]
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes) or not stopping:
        multiprocessing.connection.wait([p.sentinel for p in processes if p.is_alive()], timeout=_RESTART)
        for number, process in enumerate(processes):
            if not process.is_alive() and not stopping:
                if process.exitcode == 2:
                    stop(0, None)
                    raise UsageError("a worker could not start; its log says why")
                log(logging.ERROR, "a worker died and is started again", worker=number, exit_code=process.exitcode)
                time.sleep(_RESTART)
                processes[number] = make(number)
                processes[number].start()


def _child(plan: Plan, numbers: MutableSequence[float]) -> None:
    logs.configure(plan.log_level)
    tracing.configure()
    from prometheus_client import CollectorRegistry

    from policykit_webhook.metrics import Metrics

    try:
        _serve(plan, listen(*plan.address, shared=True), WorkerHealth(numbers), Metrics(CollectorRegistry()))
    except (UsageError, SelfReviewError, OSError) as error:
        log(logging.CRITICAL, "cannot serve", problems=str(error))
        raise SystemExit(2) from None


def _serve(plan: Plan, sock: socket.socket, health: WorkerHealth, metrics: Any) -> None:
    from policykit_webhook.worker import Worker

    worker = Worker(plan.options, loader(plan.options.loader), health, metrics)
    with sock:
        _runner()(_with_facts(plan, worker, sock, metrics))


async def _with_facts(plan: Plan, worker: Any, sock: socket.socket, metrics: Any) -> None:
    if not plan.watch_cluster:
        await worker.run(sock)
        return
    from policykit_webhook.cluster import watched

    async with watched(metrics.synced.set) as facts:
        await worker.run(sock, facts)


def run_certificates(places: Places, names: Names, probes: tuple[str, int], poll: float) -> None:
    """Looks after the certificates until a signal ends the process. Raises OSError for a port in use."""
    from prometheus_client import CollectorRegistry, generate_latest

    from policykit_webhook.certificates import manage
    from policykit_webhook.probes import Probes
    from policykit_webhook.store import ClusterStore

    logs.configure("info")
    health = WorkerHealth()
    health.certificate_until(float("inf"))
    health.serving(True)

    async def run() -> None:
        from lightkube import AsyncClient

        await manage(ClusterStore(AsyncClient(), places), names, health.beat, poll)

    Probes(listen(*probes), health, lambda: generate_latest(CollectorRegistry())).start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # the Lease says who leads, whatever becomes of us
    asyncio.run(run())


def loader(name: str) -> Loader:
    """The function that `module:function` names."""
    module, _, function = name.partition(":")
    return cast("Loader", getattr(importlib.import_module(module), function))


def _runner() -> Callable[[Any], None]:
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return cast("Callable[[Any], None]", uvloop.run)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _All:
    """Several workers are alive and ready when each of them is."""

    def __init__(self, workers: Sequence[WorkerHealth]) -> None:
        self._workers = workers

    def alive(self) -> bool:
        return all(worker.alive() for worker in self._workers)

    def ready(self) -> bool:
        return all(worker.ready() for worker in self._workers)
