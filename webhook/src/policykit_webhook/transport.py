"""TLS connections to HTTP requests, with what aiohttp's own sites do not do: limits for each peer and for slow senders.

A connection that begins a request and does not end it in time is closed; one that is idle between requests stays,
longer than the API server keeps it (90 s), for a call on a connection closed a moment ago is lost.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import ssl

HANDSHAKE_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """`receive`: seconds for a request to arrive whole; `per_peer`, `total`: open connections, of one address and of
    all.

    The time of a request starts with its first byte: Go's client keeps connections in reserve that it has never used.
    """

    keep_alive: float = 3600.0
    receive: float = 10.0
    per_peer: int = 1024
    total: int = 4096
    body: int = 7 * 1024 * 1024


@dataclass(slots=True)
class Peers:
    """Open connections by address, and how many were refused."""

    open: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    cut: int = 0


class Connection(web.RequestHandler):
    """aiohttp's protocol under the limits. The handler tells `received` when it has a request whole."""

    __slots__ = ("_address", "_limits", "_peers", "_receiving")

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop, limits: Limits, peers: Peers) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=limits.keep_alive,
            access_log=None,  # type: ignore[arg-type]
            auto_decompress=False,
            lingering_time=2.0,
        )
        self._limits = limits
        self._peers = peers
        self._address = ""
        self._receiving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        self._peers.open[self._address] += 1
        if self._peers.open[self._address] > self._limits.per_peer or self._peers.open.total() > self._limits.total:
            self._peers.refused += 1
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.received()
        self._peers.open[self._address] -= 1
        if not self._peers.open[self._address]:
            del self._peers.open[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._receiving is None:
            self._expect()
        super().data_received(data)

    def received(self) -> None:
        """A request is here whole: the time of the next one starts with its first byte."""
        if self._receiving is not None:
            self._receiving.cancel()
            self._receiving = None

    def _expect(self) -> None:
        self._receiving = self._loop.call_later(self._limits.receive, self._too_slow)

    def _too_slow(self) -> None:
        self._receiving = None
        self._peers.cut += 1
        transport = self.transport
        self.force_close()
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class Site(web.BaseSite):
    """Serves a runner's application on a socket, over TLS, under limits."""

    def __init__(
        self, runner: web.AppRunner, sock: socket.socket, context: ssl.SSLContext, limits: Limits, peers: Peers
    ) -> None:
        super().__init__(runner, ssl_context=context, backlog=1024)
        self._sock = sock
        self._limits = limits
        self._peers = peers

    @property
    def name(self) -> str:
        host, port = self._sock.getsockname()[:2]
        return f"https://{host}:{port}"

    async def start(self) -> None:
        await super().start()
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None
        self._server = await loop.create_server(
            lambda: Connection(server, loop, self._limits, self._peers),
            sock=self._sock,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
        )


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket; `shared` lets several processes listen on the same port. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
