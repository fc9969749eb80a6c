"""The slow lane: a process of its own for reviews that would hold up the event loop. Bodies in, answers out.

What goes there: large bodies, texts that only the patient decoder reads, and evaluations that took longer than their
share of the event loop. The process evaluates one at a time, under an alarm; it can be told to stop (the caller hung
up), and is replaced if it does not answer. It has no network: what it needs to know of the cluster it asks its parent,
who knows it already.

Frames: four bytes of length of a JSON header, four of a body, header, body.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import struct
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import orjson

from policykit_webhook import logs
from policykit_webhook.alarm import Alarm
from policykit_webhook.answer import Answer, Noted, Record, patiently
from policykit_webhook.judge import Cut, Facts, Hook
from policykit_webhook.review import BadReviewError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policykit_webhook.decision import Loader

_SIZES = struct.Struct("!II")
#: After the deadline, the time a lane has to answer that it was reached.
_GRACE = 0.25
#: For a process to start and to load its policies.
_LOADING = 60.0


class JammedError(Exception):
    """The lane has no answer: it is busy past the deadline, or had to be replaced."""


class Lane:
    """The parent's end. `loader` names the function (`module:name`) that loads policies from a directory."""

    def __init__(self, loader: str) -> None:
        self._loader = loader
        self._directory = ""
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._starting: asyncio.Task[None] | None = None

    async def load(self, directory: str) -> None:
        """Has the lane use the policies in `directory` from the next answer on, starting it where it does not run.

        Raises OSError or EOFError where it does not start.
        """
        async with self._turn:
            self._directory = directory
            if self._process is None:
                await self._start()
            else:
                await self._send({"load": directory})
                await self._loaded()

    async def answer(self, body: bytes, hook: Hook, deadline: float, facts: Facts | None) -> Answer:
        """The lane's answer by `deadline` (of the loop's clock). Raises BadReviewError, JammedError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError:
            raise JammedError("the slow lane is busy") from None
        try:
            if self._process is None:
                raise JammedError("the slow lane is starting")
            seconds = deadline - loop.time()
            async with asyncio.timeout_at(deadline + _GRACE):
                return await self._ask(body, hook, seconds, facts)
        except (TimeoutError, asyncio.IncompleteReadError, OSError):
            await self._replace()
            raise JammedError("the slow lane did not answer") from None
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon())
            raise
        finally:
            self._turn.release()

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, body: bytes, hook: Hook, seconds: float, facts: Facts | None) -> Answer:
        await self._send({"hook": hook, "seconds": seconds, "facts": facts is not None}, body)
        while True:
            header, payload = await self._receive()
            if "ask" in header:
                assert facts is not None
                await self._send({"reply": _fact(facts, *header["ask"])})
            elif "bad" in header:
                raise BadReviewError(header["bad"])
            else:
                results = tuple(Noted(**noted) for noted in header.pop("results"))
                return Answer(payload, Record(**header, results=results))

    async def _abandon(self) -> None:
        """Ends the evaluation under way: its caller is gone. The lane's answer is read and dropped."""
        process = self._process
        if process is None:
            return
        try:
            process.send_signal(signal.SIGUSR1)
            async with asyncio.timeout(_GRACE):
                while "ask" in (await self._receive())[0]:
                    await self._send({"reply": None})
        except (TimeoutError, asyncio.IncompleteReadError, OSError):
            await self._replace()

    async def _start(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "policykit_webhook.lane", self._loader, self._directory, stdin=pipe, stdout=pipe
        )
        await self._loaded()

    async def _loaded(self) -> None:
        async with asyncio.timeout(_LOADING):
            await self._receive()

    async def _replace(self) -> None:
        """Kills the process; another one is started once whoever found it out has gone."""
        await self.close()
        self._starting = asyncio.get_running_loop().create_task(self._start_again())

    async def _start_again(self) -> None:
        async with self._turn:
            if self._process is None:
                await self._start()

    async def _send(self, header: Mapping[str, Any], body: bytes = b"") -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        encoded = orjson.dumps(header)
        self._process.stdin.write(_SIZES.pack(len(encoded), len(body)) + encoded + body)
        await self._process.stdin.drain()

    async def _receive(self) -> tuple[dict[str, Any], bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        sizes = _SIZES.unpack(await self._process.stdout.readexactly(_SIZES.size))
        header = orjson.loads(await self._process.stdout.readexactly(sizes[0]))
        return header, await self._process.stdout.readexactly(sizes[1])


class _Asked:
    """Facts that the parent knows, asked for over the pipe."""

    def __init__(self, pipes: _Pipes) -> None:
        self._pipes = pipes

    def namespace_labels(self, name: str) -> Mapping[str, str] | None:
        return cast("Mapping[str, str] | None", self._pipes.ask("namespace_labels", name))

    def objects(self, namespace: str) -> Sequence[Mapping[str, Any]] | None:
        return cast("Sequence[Mapping[str, Any]] | None", self._pipes.ask("objects", namespace))


class _Pipes:
    """The child's end."""

    def __init__(self, source: BinaryIO, target: BinaryIO, alarm: Alarm) -> None:
        self._source = source
        self._target = target
        self.alarm = alarm

    def receive(self) -> tuple[dict[str, Any], bytes]:
        sizes = _SIZES.unpack(self._exactly(_SIZES.size))
        return orjson.loads(self._exactly(sizes[0])), self._exactly(sizes[1])

    def send(self, header: Mapping[str, Any], body: bytes = b"") -> None:
        encoded = orjson.dumps(header)
        self._target.write(_SIZES.pack(len(encoded), len(body)) + encoded + body)
        self._target.flush()

    def ask(self, method: str, argument: str) -> Any:
        with self.alarm.held():  # half a frame must not be left in the pipe
            self.send({"ask": [method, argument]})
            return self.receive()[0]["reply"]

    def _exactly(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) != size:
            raise EOFError
        return data


def _fact(facts: Facts, method: str, argument: str) -> Any:
    return facts.namespace_labels(argument) if method == "namespace_labels" else facts.objects(argument)


def _serve(pipes: _Pipes, load: Loader, directory: str) -> None:
    policies = load(directory)
    pipes.send({"loaded": directory})
    while True:
        header, body = pipes.receive()
        if "load" in header:
            policies = load(header["load"])
            pipes.send({"loaded": header["load"]})
            continue
        facts = _Asked(pipes) if header["facts"] else None
        try:
            body, record = patiently(body, header["hook"], policies, facts, (pipes.alarm, header["seconds"]))
        except BadReviewError as error:
            pipes.send({"bad": str(error)})
        except Cut:
            pipes.send({"bad": "the call was given up"})
        else:
            pipes.send(record.as_json(), body)


def main(arguments: Sequence[str]) -> None:
    """Runs a lane on standard input and output, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logs.configure("info")
    loader, directory = arguments
    module, _, name = loader.partition(":")
    pipes = _Pipes(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"), Alarm(signal.SIGUSR1))
    os.dup2(2, 1)  # what a library prints must not end up between the frames
    try:
        _serve(pipes, getattr(importlib.import_module(module), name), directory)
    except (EOFError, BrokenPipeError):
        pass  # the parent is gone
    except Exception:
        logs.LOGGER.exception("the slow lane stops for a reason of ours")
        raise SystemExit(4) from None


if __name__ == "__main__":
    main(sys.argv[1:])
