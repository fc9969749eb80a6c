"""A bounded queue before the evaluations: who would wait too long is refused at once.

Every request that has arrived stands in the queue before any more of them is evaluated, so that the load shows here
and not as silence in the kernel's buffers.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

#: Work let through between two looks at the sockets, in seconds.
_BATCH = 0.001
#: Turns of the event loop between two batches, for everything else that it has to do.
_HOPS = 1
#: A queue this short is never refused, whatever the measured cost says: an API server keeps 25 connections.
_SHORT = 32


class OverloadedError(Exception):
    """The queue is as long as it may be."""


class Gate:
    """`longest` is the time that a request may be expected to wait, in seconds."""

    def __init__(self, longest: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self._longest = longest
        self._clock = clock
        self._cost = 0.0005
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._pumping = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether the queue is long enough for callers to be turned away."""
        return len(self._waiting) >= _SHORT

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for a turn; the time spent within, without awaiting, is what a turn costs. Raises OverloadedError."""
        waiting = len(self._waiting)
        if waiting >= _SHORT and waiting * self._cost > self._longest:
            raise OverloadedError
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        if not self._pumping:
            self._pumping = True
            loop.call_soon(self._pump)
        await turn
        started = self._clock()
        try:
            yield
        finally:
            self._cost += (self._clock() - started - self._cost) * 0.05

    def _pump(self) -> None:
        room = max(1, int(_BATCH / max(self._cost, 1e-6)))
        while self._waiting and room:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1
        self._pumping = bool(self._waiting)
        if self._pumping:
            self._later(_HOPS)

    def _later(self, hops: int) -> None:
        """Pumps again after some turns of the loop: a handshake or a request takes several of them to get here."""
        if hops:
            asyncio.get_running_loop().call_soon(self._later, hops - 1)
        else:
            self._pump()
