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
    from collections.abc import Callable

if TYPE_CHECKING:
    import ssl

HANDSHAKE_TIMEOUT = 10.0
#: Connections accepted in one turn of the event loop: those that are open already have a claim to it too.
_ACCEPTS = 4
#: Without descriptors for another connection, the time until the next attempt (seconds).
_PAUSE = 0.1


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
    """Open connections by address, and how many were refused or cut."""

    open: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    cut: int = 0

    def enter(self, address: str, limits: Limits) -> Place | None:
        """A place for one more connection, unless there are too many."""
        if self.open[address] >= limits.per_peer or self.open.total() >= limits.total:
            self.refused += 1
            return None
        self.open[address] += 1
        return Place(self, address)


@dataclass(slots=True)
class Place:
    """What one connection takes up, until it leaves."""

    peers: Peers
    address: str
    taken: bool = True

    def leave(self) -> None:
        if self.taken:
            self.taken = False
            self.peers.open[self.address] -= 1
            if not self.peers.open[self.address]:
                del self.peers.open[self.address]


@dataclass(frozen=True, slots=True)
class Guard:
    """What a site admits connections by. `busy`: those that are open have enough to do, others may wait a little."""

    limits: Limits
    peers: Peers
    busy: Callable[[], bool]


class Connection(web.RequestHandler):
    """aiohttp's protocol, which closes what takes too long to arrive.

    The handler tells `received` when it has a request whole.
    """

    __slots__ = ("_limits", "_place", "_receiving")

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop, limits: Limits, place: Place) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=limits.keep_alive,
            access_log=None,  # type: ignore[arg-type]
            auto_decompress=False,
            lingering_time=2.0,
        )
        self._limits = limits
        self._place = place
        self._receiving: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        self.received()
        self._place.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._receiving is None:
            self._receiving = self._loop.call_later(self._limits.receive, self._too_slow)
        super().data_received(data)

    def received(self) -> None:
        """A request is here whole: the time of the next one starts with its first byte."""
        if self._receiving is not None:
            self._receiving.cancel()
            self._receiving = None

    def _too_slow(self) -> None:
        self._receiving = None
        self._place.peers.cut += 1
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()


class Site(web.BaseSite):
    """Serves a runner's application on a socket, over TLS, under limits.

    Accepts by itself: some event loops take a single connection a turn, which makes a long queue before a busy server,
    and a peer that has too many connections must not cost a handshake more.
    """

    def __init__(
        self,
        runner: web.AppRunner,
        sock: socket.socket,
        context: ssl.SSLContext,
        guard: Guard,
    ) -> None:
        super().__init__(runner, ssl_context=context, backlog=1024)
        self._sock = sock
        self._limits = guard.limits
        self._peers = guard.peers
        self._busy = guard.busy
        self._connecting: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        host, port = self._sock.getsockname()[:2]
        return f"https://{host}:{port}"

    async def start(self) -> None:
        await super().start()
        self._sock.listen(self._backlog)
        self._listen()

    async def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._sock.fileno())
        await super().stop()
        for task in self._connecting:
            task.cancel()

    def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._sock.fileno(), self._accept)

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(1 if self._busy() else _ACCEPTS):
            try:
                sock, peer = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no descriptors left: pause, or the loop spins
                loop.remove_reader(self._sock.fileno())
                loop.call_later(_PAUSE, self._listen)
                return
            place = self._peers.enter(str(peer[0]), self._limits)
            if place is None:
                sock.close()
                continue
            task = loop.create_task(self._connect(sock, place))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, sock: socket.socket, place: Place) -> None:
        """The handshake. Where it fails the peer's place is free again; from then on the connection keeps it."""
        loop, server = asyncio.get_running_loop(), self._runner.server
        assert server is not None
        sock.setblocking(False)
        try:
            await loop.connect_accepted_socket(
                lambda: Connection(server, loop, self._limits, place),
                sock,
                ssl=self._ssl_context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            )
        except BaseException as error:
            place.leave()
            sock.close()
            if not isinstance(error, OSError | TimeoutError):  # what a handshake may end in; ssl.SSLError is an OSError
                raise


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
