"""Is what we serve what we mean to serve? A review of our own through a real TLS connection, to both hooks."""

from __future__ import annotations

import ssl
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from policykit_webhook.admission import PATHS, SELF_HEADER
from policykit_webhook.review import API_VERSION, KIND

if TYPE_CHECKING:
    from policykit_webhook.authority import Credential

_TIMEOUT = aiohttp.ClientTimeout(total=10)


class SelfReviewError(Exception):
    """What came back was not the answer of a webhook that works."""


async def check(port: int, token: str, leaf: bytes, client: Credential | None) -> None:
    """Calls both hooks on a loopback port that must serve exactly `leaf` (DER). Raises SelfReviewError."""
    connector = aiohttp.TCPConnector(ssl=_context(client), force_close=True)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
            for path in PATHS:
                await _call(session, f"https://127.0.0.1:{port}{path}?timeout=10s", token, leaf)
    except (aiohttp.ClientError, TimeoutError, ssl.SSLError, OSError) as error:
        raise SelfReviewError(f"{type(error).__name__}: {error}") from None


async def _call(session: aiohttp.ClientSession, url: str, token: str, leaf: bytes) -> None:
    uid = str(uuid.uuid4())
    headers = {"Content-Type": "application/json", SELF_HEADER: token}
    async with session.post(url, data=orjson.dumps(_review(uid)), headers=headers) as reply:
        connection = reply.connection
        transport = connection.transport if connection is not None else None
        tls = transport.get_extra_info("ssl_object") if transport is not None else None
        if tls is not None and tls.getpeercert(binary_form=True) != leaf:
            raise SelfReviewError("the certificate served is not the one loaded")
        body = await reply.read()
        if reply.status != 200:
            raise SelfReviewError(f"HTTP {reply.status}: {body[:200].decode('utf-8', 'replace')}")
    response = orjson.loads(body).get("response", {})
    if response.get("uid") != uid or not isinstance(response.get("allowed"), bool):
        raise SelfReviewError("the answer is not an answer to the review")


def _context(client: Credential | None) -> ssl.SSLContext:
    """Trusts whatever is served: it is compared, byte for byte, with what was loaded."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if client is not None:
        with tempfile.TemporaryDirectory(prefix="policykit-tls-") as directory:
            path = Path(directory, "client.pem")
            path.touch(mode=0o600)
            path.write_bytes(client.certificate + client.key)
            context.load_cert_chain(path)
    return context


def _review(uid: str) -> dict[str, Any]:
    pod = {"group": "", "version": "v1"}
    container = {"name": "self-review", "image": "registry.invalid/self-review:1"}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "request": {
            "uid": uid,
            "operation": "CREATE",
            "kind": {**pod, "kind": "Pod"},
            "resource": {**pod, "resource": "pods"},
            "namespace": "policykit-self-review",
            "name": "self-review",
            "userInfo": {"username": "policykit-webhook"},
            "dryRun": True,
            "object": {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "self-review", "namespace": "policykit-self-review"},
                "spec": {"containers": [container]},
            },
        },
    }
