"""A stand-in for a Service:

TCP connections to one port, handed to the endpoints there are at that moment, and left there.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import TYPE_CHECKING

from tests.webhook.servers import free_port

if TYPE_CHECKING:
    from types import TracebackType


class Service:
    """Forwards in a thread of its own. `endpoints` may change at any time; open connections stay where they are."""

    def __init__(self, endpoints: list[int]) -> None:
        self.endpoints = endpoints
        self.port = free_port()
        self._turns = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Service:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)

    async def _close(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.1)  # for the loop to close what was aborted

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endpoints = list(self.endpoints)
        try:
            there = await asyncio.open_connection("127.0.0.1", endpoints[next(self._turns) % len(endpoints)])
        except (OSError, ZeroDivisionError):
            writer.transport.abort()
            return
        try:
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        except asyncio.CancelledError:
            pass  # the service goes away, and this connection with it
        finally:
            writer.transport.abort()
            there[1].transport.abort()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()
    except (ConnectionError, OSError):
        target.transport.abort()
