"""A stand-in for kube-apiserver's webhook client, as strict and as unforgiving: connection pool, retries, verification.

What it does follows k8s.io/apiserver v0.36 (pkg/admission/plugin/webhook, pkg/util/webhook) and client-go's
`with_retry.go`: HTTP/1.1 over TLS, 25 idle connections for 90 seconds, the most recently used first; no retry of a POST
whose connection broke; up to ten retries of a 429 or 5xx that carries an integer `Retry-After`, within the call's
deadline.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import ssl
import unicodedata
import uuid
from dataclasses import dataclass, field
from typing import Any

IDLE = 25
IDLE_SECONDS = 90.0
RETRIES = 10


class CallError(Exception):
    """The call failed: under `failurePolicy: Fail` the user's request does too, under `Ignore` it goes unchecked."""


@dataclass(frozen=True)
class Verdict:
    """What the API server makes of a response."""

    allowed: bool
    code: int = 200
    reason: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()
    audit_annotations: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    backend: tuple[str, int]
    since: float = 0.0

    def drop(self) -> None:
        self.writer.transport.abort()

    @property
    def broken(self) -> bool:
        return self.reader.at_eof() or self.writer.is_closing()


class FakeApiServer:
    """Calls a webhook at any of `backends` (host, port); new connections go to them in turn."""

    def __init__(self, ca: bytes, backends: list[tuple[str, int]], name: str = "localhost", timeout: int = 10) -> None:
        self.backends = backends
        self.timeout = timeout
        self.dialled = 0
        self._name = name
        self._idle: list[Connection] = []
        self._turns = itertools.count()
        self.trust(ca)

    def trust(self, ca: bytes) -> None:
        """A new caBundle is a new client with new connections."""
        self._tls = ssl.create_default_context(cadata=ca.decode())
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.set_alpn_protocols(["http/1.1"])
        for connection in self._idle:
            connection.drop()
        self._idle = []

    def present(self, certificate: str, key: str) -> None:
        """Shows a client certificate from now on."""
        self._tls.load_cert_chain(certificate, key)

    async def call(self, path: str, review: dict[str, Any] | bytes, timeout: float | None = None) -> Verdict:
        """One admission call. Raises CallError where the API server would not get a verdict."""
        seconds = timeout if timeout is not None else self.timeout
        body = review if isinstance(review, bytes) else json.dumps(review).encode()
        uid = review["request"]["uid"] if isinstance(review, dict) else ""
        try:
            async with asyncio.timeout(seconds):
                status, content = await self._with_retry(f"{path}?timeout={math.ceil(seconds)}s", body)
        except TimeoutError:
            raise CallError("context deadline exceeded") from None
        return verify(uid, status, content)

    async def close(self) -> None:
        for connection in self._idle:
            connection.drop()
        self._idle = []
        await asyncio.sleep(0.01)

    async def _with_retry(self, target: str, body: bytes) -> tuple[int, bytes]:
        for attempt in itertools.count():
            status, headers, content = await self.post(target, body)
            after = headers.get("retry-after", "")
            if (status == 429 or status >= 500) and after.isdecimal() and attempt < RETRIES:
                await asyncio.sleep(int(after))
                continue
            return status, content
        raise AssertionError

    async def post(self, target: str, body: bytes, **more: str) -> tuple[int, dict[str, str], bytes]:
        """One POST on one connection. Raises CallError where the connection breaks."""
        connection = await self._connect()
        headers = {
            "Host": f"{self._name}:443",
            "User-Agent": "kube-apiserver-admission",
            "Content-Length": str(len(body)),
            "Accept": "application/json, */*",
            "Content-Type": "application/json",
            "Accept-Encoding": "gzip",
            **{key.replace("_", "-"): value for key, value in more.items()},
        }
        head = f"POST {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items() if v) + "\r\n"
        done = False
        try:
            connection.writer.write(head.encode() + body)
            await connection.writer.drain()
            answer = await _read_response(connection.reader)
            done = True
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError) as error:
            raise CallError(f"EOF ({type(error).__name__})") from None
        finally:
            if not done:
                connection.drop()
        self._release(connection, answer[1])
        return answer

    async def _connect(self) -> Connection:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if not connection.broken and now - connection.since < IDLE_SECONDS:
                return connection
            connection.drop()
        backend = self.backends[next(self._turns) % len(self.backends)]
        self.dialled += 1
        try:
            streams = await asyncio.open_connection(*backend, ssl=self._tls, server_hostname=self._name, limit=1 << 20)
        except ssl.SSLCertVerificationError as error:
            raise CallError(f"x509: {error.verify_message}") from None
        except OSError as error:
            raise CallError(f"dial: {error}") from None
        return Connection(*streams, backend)

    def _release(self, connection: Connection, headers: dict[str, str]) -> None:
        if headers.get("connection", "").lower() == "close" or len(self._idle) >= IDLE:
            connection.drop()
            return
        connection.since = asyncio.get_running_loop().time()
        self._idle.append(connection)


async def _read_response(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split()[1]), headers, content


def verify(uid: str, status: int, content: bytes) -> Verdict:
    """The verdict in a response, under the rules of the real client. Raises CallError."""
    if not 200 <= status <= 206:
        raise CallError(f"HTTP {status}: {content[:2048].decode('utf-8', 'replace')}")
    if not content:
        raise CallError(f"0-length response with status code: {status}")
    try:
        review = json.loads(content, parse_constant=_no_constant)
    except ValueError as error:
        raise CallError(f"couldn't decode: {error}") from None
    if not isinstance(review, dict):
        raise CallError("not an object")
    if (review.get("apiVersion"), review.get("kind")) != ("admission.k8s.io/v1", "AdmissionReview"):
        raise CallError(f"expected AdmissionReview, got {review.get('apiVersion')}, Kind={review.get('kind')}")
    response = review.get("response")
    if not isinstance(response, dict):
        raise CallError("webhook response was absent")
    if response.get("uid") != uid:
        raise CallError(f'expected response.uid="{uid}", got "{response.get("uid")}"')
    if response.get("patch") is not None or response.get("patchType") is not None:
        raise CallError("validating webhook may not return response.patch")
    return _verdict(response)


def _verdict(response: dict[str, Any]) -> Verdict:
    allowed = response.get("allowed", False)
    warnings = response.get("warnings") or []
    annotations = response.get("auditAnnotations") or {}
    _typed("allowed", allowed, bool)
    _typed("warnings", warnings, list)
    for text in [*warnings, *annotations.values()]:
        _typed("warning or audit annotation", text, str)
    shown = _shown(warnings)
    kept = {key: value for key, value in annotations.items() if _qualified(key)}
    if allowed:
        return Verdict(True, warnings=shown, audit_annotations=kept)
    status = response.get("status") or {}
    _typed("status", status, dict)
    message, reason = status.get("message", ""), status.get("reason", "")
    code = max(400, status.get("code", 400))
    said = message or reason
    text = f"denied the request: {said}" if said else "denied the request without explanation"
    return Verdict(False, code, reason, text, shown, kept)


def _shown(warnings: list[str]) -> tuple[str, ...]:
    """The warnings that reach the user:

    each once, none with a control character, the rest cut when there are too many.
    """
    kept: list[str] = []
    total = 0
    for text in dict.fromkeys(warnings):
        if not text or any(unicodedata.category(c) == "Cc" for c in text):
            continue
        total += len(text)
        kept.append(text)
    return tuple(kept if total <= 4096 else [text[:256] for text in kept[:16]])


def _qualified(key: str) -> bool:
    plain = key.isascii() and all(c.isalnum() or c in "-_." for c in key)
    return plain and 0 < len(key) <= 63 and key[0].isalnum() and key[-1].isalnum()


def _typed(name: str, value: Any, type_: type) -> None:
    if not isinstance(value, type_):
        raise CallError(f"cannot unmarshal {type(value).__name__} into {name} of type {type_.__name__}")


def _no_constant(name: str) -> None:
    raise ValueError(f"invalid character in {name}")


def make_review(
    obj: dict[str, Any] | None, operation: str = "CREATE", old: dict[str, Any] | None = None, **request: Any
) -> dict[str, Any]:
    """The review that the API server would send for an object; `request` overrides any key of it."""
    subject = obj or old or {}
    group, _, version = subject.get("apiVersion", "v1").rpartition("/")
    kind = subject.get("kind", "Pod")
    metadata = subject.get("metadata", {})
    base = {
        "uid": str(uuid.uuid4()),
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": f"{kind.lower()}s"},
        "requestKind": {"group": group, "version": version, "kind": kind},
        "requestResource": {"group": group, "version": version, "resource": f"{kind.lower()}s"},
        "name": metadata.get("name", ""),
        "namespace": metadata.get("namespace", ""),
        "operation": operation,
        "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
        "object": obj,
        "oldObject": old,
        "dryRun": False,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": f"{operation.title()}Options"},
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {**base, **request}}


def pod(image: str = "registry.example/app:1.2", namespace: str = "shop", **container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": namespace, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": image, **container}]},
    }
