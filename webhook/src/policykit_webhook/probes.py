"""Health and metrics to plain HTTP, from a thread with an event loop of its own: a probe never waits for a review.

A port of its own too: the kubelet has no client certificate, and a scraper has no business on the admission port.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from policykit_webhook.health import Health

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Probes:
    """`/livez`, `/readyz` and `/metrics` on a socket, from `start` to `stop`."""

    def __init__(self, sock: socket.socket, health: Health, metrics: Callable[[], bytes]) -> None:
        self._sock = sock
        self._health = health
        self._metrics = metrics
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="probes", daemon=True)

    @property
    def port(self) -> int:
        return int(self._sock.getsockname()[1])

    def start(self) -> None:
        self._thread.start()
        self._started.wait(10)

    def stop(self) -> None:
        if self._loop is not None and self._stopped is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(5)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._scraped)
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=30)
        await runner.setup()
        await web.SockSite(runner, self._sock).start()
        self._started.set()
        await self._stopped.wait()
        await runner.cleanup()

    async def _livez(self, _request: web.Request) -> web.Response:
        return _said(self._health.alive())

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _said(self._health.ready())

    async def _scraped(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": METRICS_TYPE})


def _said(good: bool) -> web.Response:
    return web.Response(text="ok\n") if good else web.Response(status=503, text="not ok\n")
