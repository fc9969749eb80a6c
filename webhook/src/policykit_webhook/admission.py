"""HTTP requests of the API server to HTTP responses. Knows HTTP, deadlines and load; knows nothing about policies.

A review that can be answered gets HTTP 200, denied or not; a 4xx or 5xx is a failed call, which the webhook's
`failurePolicy` decides. Whoever is turned away is told to come again at once on another connection: `Retry-After: 0`
makes the API server do so within the same request, `Connection: close` keeps it from coming back to this process.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, cast

from aiohttp import web

from policykit_webhook import answer, tracing
from policykit_webhook.gate import Gate, OverloadedError
from policykit_webhook.lane import JammedError
from policykit_webhook.logs import LOGGER, log
from policykit_webhook.review import BadReviewError
from policykit_webhook.tls import client_name

if TYPE_CHECKING:
    from policykit_webhook.alarm import Alarm
    from policykit_webhook.decision import Policies
    from policykit_webhook.judge import Facts, Hook
    from policykit_webhook.lane import Lane
    from policykit_webhook.metrics import Metrics
    from policykit_webhook.transport import Limits

PATHS: dict[str, Hook] = {"/enforce": "enforce", "/advise": "advise"}

#: A body beyond this is decoded and judged in the slow lane: an event loop has other callers.
INLINE_BYTES = 256 * 1024
#: The event loop's share of one evaluation, in seconds.
INLINE_SECONDS = 0.05
#: Kept for the way back: the API server's own clock has been running since it sent the call.
_MARGIN = 0.5
_DEFAULT_TIMEOUT = 10.0
SELF_HEADER = "X-Policykit-Self-Review"

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_HEADERS = {"Server": "policykit-webhook", "Content-Type": "application/json"}


class Phase(Enum):
    """A server's life: no answers yet; answers; answers on connections that it closes; no answers any more."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    OVER = "over"


@dataclass(slots=True)
class Engine:
    """What answers are made with.

    `policies` is replaced whole on a reload; a request uses what it found at its start.
    """

    policies: Policies | None
    facts: Facts | None
    lane: Lane
    alarm: Alarm


class Admission:
    """The admission port."""

    def __init__(self, engine: Engine, gate: Gate, limits: Limits, metrics: Metrics) -> None:
        self._engine = engine
        self._gate = gate
        self._limits = limits
        self._metrics = metrics
        self._tracer = tracing.Tracer()
        self.client_names: frozenset[str] = frozenset()
        self.phase = Phase.STARTING
        self.self_token = ""
        self.last_call = time.monotonic()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=self._limits.body)
        app.router.add_route("*", "/{path:.*}", self._call)
        return app

    async def _call(self, request: web.Request) -> web.StreamResponse:
        """Any call; every error becomes a short text that says nothing about objects or code."""
        self.last_call = time.monotonic()
        try:
            response = await self._routed(request)
        except web.HTTPRequestEntityTooLarge:
            response = self._refused(413, f"the body is larger than {self._limits.body} bytes")
        except (web.RequestPayloadError, ConnectionError):
            response = self._refused(400, "the body ended early")
        except Exception:
            LOGGER.exception("a call failed for a reason of ours")
            response = self._refused(500, "internal error")
        if self.phase is not Phase.SERVING:
            response.force_close()
        return response

    async def _routed(self, request: web.Request) -> web.Response:
        if request.path not in PATHS:
            return self._refused(404, f"there are {' and '.join(PATHS)}")
        if request.method != "POST":
            return self._refused(405, "POST an AdmissionReview")
        return await self._review(request)

    async def _review(self, request: web.Request) -> web.Response:
        if (refused := self._unacceptable(request)) is not None:
            return refused
        self._metrics.in_flight.inc()
        try:
            return await self._answered(request)
        except OverloadedError:
            return self.turned_away("overload")
        except JammedError as error:
            log(logging.WARNING, str(error))
            return self.turned_away("slow lane")
        except BadReviewError as error:
            return self._refused(400, str(error))
        finally:
            self._metrics.in_flight.dec()

    def _unacceptable(self, request: web.Request) -> web.Response | None:
        own = bool(self.self_token) and request.headers.get(SELF_HEADER) == self.self_token
        if self.phase is Phase.OVER or self._engine.policies is None or (self.phase is Phase.STARTING and not own):
            return self.turned_away("not ready" if self.phase is Phase.STARTING else "over")
        if self.client_names and not own and _caller(request) not in self.client_names:
            return self._refused(403, "this certificate may not call")
        if request.content_type != "application/json":
            return self._refused(415, "Content-Type must be application/json")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return self._refused(415, "compressed bodies are not read")
        if (request.content_length or 0) > self._limits.body:
            return self._refused(413, f"the body is larger than {self._limits.body} bytes")
        return None

    async def _answered(self, request: web.Request) -> web.Response:
        loop = asyncio.get_running_loop()
        body = await request.read()
        request.protocol.received()  # type: ignore[attr-defined]
        started, policies = time.perf_counter(), self._engine.policies
        assert policies is not None
        deadline = loop.time() + _allowed(request.query.get("timeout", ""), policies.settings.deadline)
        with self._tracer.review(request.headers) as span:
            body, record = await self._judged(body, PATHS[request.path], policies, deadline)
            span.answered(record)
        seconds = time.perf_counter() - started
        if SELF_HEADER not in request.headers:
            self._metrics.answered(record, seconds)
            self._log(record, seconds, request)
        return web.Response(body=body, headers=_HEADERS)

    async def _judged(self, body: bytes, hook: Hook, policies: Policies, deadline: float) -> answer.Answer:
        engine = self._engine
        async with self._gate.turn():
            left = deadline - asyncio.get_running_loop().time()
            if len(body) <= INLINE_BYTES and left > 0:
                try:
                    return answer.quickly(body, hook, policies, engine.facts, (engine.alarm, min(INLINE_SECONDS, left)))
                except answer.SlowError:
                    pass
        self._metrics.slow.inc()
        return await engine.lane.answer(body, hook, deadline, engine.facts)

    def turned_away(self, reason: str) -> web.Response:
        self._metrics.shed.labels(reason).inc()
        response = web.Response(
            status=503, text=reason + "\n", headers={"Retry-After": "0", "Server": "policykit-webhook"}
        )
        response.force_close()
        return response

    def _refused(self, status: int, reason: str) -> web.Response:
        self._metrics.bad_requests.labels(str(status)).inc()
        response = web.Response(status=status, text=reason + "\n", headers={"Server": "policykit-webhook"})
        response.force_close()
        return response

    def _log(self, record: answer.Record, seconds: float, request: web.Request) -> None:
        level = logging.INFO if not record.allowed or record.cut else logging.DEBUG
        if LOGGER.isEnabledFor(level):
            fields = record.as_json()
            fields["milliseconds"] = round(seconds * 1000, 3)
            if trace := tracing.trace_id(cast("dict[str, str]", request.headers)):
                fields["trace_id"] = trace
            log(level, "allowed" if record.allowed else "denied", **fields)


def _caller(request: web.Request) -> str:
    transport = request.transport
    return client_name(transport.get_extra_info("peercert")) if transport is not None else ""


def _allowed(timeout: str, most: float) -> float:
    """Seconds that an evaluation may take:

    what the caller waits (`?timeout=5s`) less a margin, and no more than `most`.
    """
    match = _DURATION.fullmatch(timeout)
    seconds = _DEFAULT_TIMEOUT
    if match is not None and timeout:
        hours, minutes, whole, milli = (float(part or 0) for part in match.groups())
        seconds = hours * 3600 + minutes * 60 + whole + milli / 1000
    return min(max(seconds - _MARGIN, seconds / 2), most)
