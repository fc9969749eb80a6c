"""Acceptance tests 18 to 28 as far as they are the server's: hostile bodies, TLS, what leaks.

Numbers as in the specification.
"""

from __future__ import annotations

import asyncio
import copy
import gzip
import http.client
import json
import os
import random
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from policykit_webhook import authority, review
from policykit_webhook.decision import decide as decision_of
from policykit_webhook.tls import client_name
from tests.webhook import servers
from tests.webhook.conftest import RULES, TAG
from tests.webhook.fake_apiserver import CallError, make_review, pod
from tests.webhook.fake_policies import fake
from tests.webhook.test_acceptance_functional import LATEST, ask, decide

if TYPE_CHECKING:
    from pathlib import Path

    from tests.webhook.servers import Server

MIB = 1024 * 1024


def test_18_a_namespace_cannot_exempt_itself_or_its_objects() -> None:
    """Labels and annotations that tools of this kind have been known to honour: none of them counts."""
    marks = {
        "policykit.dev/ignore": "true",
        "policykit.dev/mode": "audit",
        "kubernetes.io/metadata.name": "kube-system",
        "admission.policykit.dev/ignore": "no-self-managing",
        "control-plane": "controller-manager",
    }
    for where in ("labels", "annotations"):
        obj = pod(LATEST)
        obj["metadata"][where] = marks
        assert not decide(make_review(obj), fake(*RULES)).allowed
    # the object claims to be elsewhere: the request says where it goes
    obj = pod(LATEST, namespace="kube-system")
    assert not decide(make_review(obj, namespace="shop"), fake(*RULES)).allowed


def test_19_exceptions_on_the_object_do_not_count_unless_enabled() -> None:
    obj = pod(LATEST)
    obj["metadata"]["annotations"] = {"policykit.dev/ignore.image-explicit-tag": "because"}
    assert not decide(make_review(obj), fake(*RULES)).allowed


def test_20_objects_on_their_way_out_are_judged() -> None:
    old = pod()
    old["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/wait"]}
    new = {**old, "spec": pod(LATEST)["spec"]}
    for mode in ("ratchet", "strict"):
        assert not decide(make_review(new, "UPDATE", old), fake(*RULES, updates=mode)).allowed


def test_20_a_finalizer_can_be_removed_from_an_object_that_violates() -> None:
    old = pod(LATEST)
    old["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/wait"]}
    new = {**old, "metadata": {**old["metadata"], "finalizers": []}}
    for mode in ("ratchet", "strict"):
        assert decide(make_review(new, "UPDATE", old), fake(*RULES, updates=mode)).allowed


def _annotated(fragment: str) -> bytes:
    """A legal review of a bad pod with a fragment of JSON in it."""
    text = json.dumps(make_review(pod(LATEST), uid="hostile"))
    return text.replace('"labels"', f'"extra": {fragment}, "labels"').encode()


DECIDED = {
    "depth 5,000": _annotated("[" * 5000 + "]" * 5000),
    "objects to depth 5,000": _annotated('{"a":' * 5000 + "1" + "}" * 5000),
    "lone surrogate": _annotated(r'"\ud800"'),
    "surrogate in a key": _annotated(r'{"\udfff": 1}'),
    "duplicate keys": _annotated('{"a": 1, "a": 2}'),
    "30-digit integer": _annotated("1" * 30),
    "broken UTF-8": _annotated('"@"').replace(b"@", b"\xff\xfe"),
    "6 MiB of empty objects": _annotated("[" + "{}," * (2 * MIB) + "{}]"),
    "6 MiB of text": _annotated(json.dumps("x" * (6 * MIB))),
}
REFUSED = {
    "NaN": _annotated("NaN"),
    "Infinity": _annotated("-Infinity"),
    "5,000-digit integer": _annotated("1" * 5000),
    "depth 20,000": _annotated("[" * 20000 + "]" * 20000),
    "cut short": _annotated("1")[:-5],
    "two values": _annotated("1") + b"{}",
    "a byte order mark": b"\xef\xbb\xbf" + _annotated("1"),
}


@pytest.mark.parametrize("body", DECIDED.values(), ids=DECIDED)
def test_23_hostile_json_that_the_api_server_reads_is_decided(server: Server, body: bytes) -> None:
    async def call() -> tuple[int, bytes, float]:
        client = server.apiserver()
        started = time.perf_counter()
        status, _, content = await client.post("/enforce?timeout=5s", body)
        await client.close()
        return status, content, time.perf_counter() - started

    status, content, seconds = asyncio.run(call())
    response = json.loads(content)["response"]
    assert (status, response["uid"], response["allowed"]) == (200, "hostile", False)
    assert "image-explicit-tag" in response["status"]["message"]
    assert seconds < 4.5


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_23_what_is_no_json_is_refused(server: Server, body: bytes) -> None:
    with pytest.raises(CallError, match="HTTP 400"):
        ask(server, body)
    assert server.process.poll() is None


def test_23_the_last_of_duplicate_keys_counts(server: Server) -> None:
    text = json.dumps(make_review(pod(), uid="u")).replace('"image": "', f'"image": "{LATEST}", "image": "')
    assert json.loads(text)["request"]["object"]["spec"]["containers"][0]["image"] != LATEST
    raw = make_review(pod(), uid="u")
    assert review.loads(text.encode()).object == raw["request"]["object"]
    exact = text.replace('"object": {', '"Object": {"spec": 1}, "object": {')
    assert review.loads(exact.encode()).object == raw["request"]["object"]


def test_22_mutated_reviews_never_crash_the_handler() -> None:
    """A slice of the million: POLICYKIT_FUZZ says how many. Every mutation is decided or refused as a bad request."""
    rounds = int(os.environ.get("POLICYKIT_FUZZ", "5000"))
    generator = random.Random(os.environ.get("POLICYKIT_FUZZ_SEED", "1"))
    policies = fake(*RULES)
    seed = json.dumps(make_review(pod(LATEST), "UPDATE", pod())).encode()
    for _ in range(rounds):
        body = _mutated(seed, generator)
        try:
            call = review.loads(body)
        except review.BadReviewError:
            continue
        decision = decision_of(call, "enforce", policies)
        reply = json.loads(review.response(call.uid, decision.parts()))
        assert isinstance(reply["response"]["allowed"], bool)


def _mutated(seed: bytes, generator: random.Random) -> bytes:
    if generator.random() < 0.3:
        body = bytearray(seed)
        for _ in range(generator.randint(1, 4)):
            body[generator.randrange(len(body))] = generator.randrange(256)
        return bytes(body)
    value = json.loads(seed)
    for _ in range(generator.randint(1, 3)):
        _mutate_value(value, generator)
    return json.dumps(value).encode("utf-8", "surrogatepass")


ODD: list[Any] = [None, True, 0, -1, 1e308, 1 << 70, "", "\0", "x" * 300, "🐚", [], {}, [None], {"": None}, {"a": [{}]}]


def _mutate_value(value: Any, generator: random.Random) -> None:
    node: Any = value
    key: Any = None
    while isinstance(node, dict | list) and node:
        parent: Any = node
        key = generator.choice(list(parent)) if isinstance(parent, dict) else generator.randrange(len(parent))
        node = parent[key]
        if generator.random() < 0.2:
            break
    parent[key] = copy.deepcopy(generator.choice(ODD))


def _chunks(chunk: bytes, most: int) -> Any:
    for _ in range(most):
        yield chunk


def test_24_bodies_beyond_the_limit_are_refused_in_bounded_memory(server: Server) -> None:
    tls = ssl.create_default_context(cadata=server.tls.ca.certificate.decode())
    before = server.rss()
    bomb = gzip.compress(b"0" * (60 * MIB))
    attempts: list[tuple[Any, dict[str, str], set[int]]] = [
        (b"x" * (8 * MIB), {}, {413}),
        (_chunks(b"x" * 65536, 4096), {"Transfer-Encoding": "chunked"}, {413}),
        (bomb, {"Content-Encoding": "gzip"}, {413, 415}),
    ]
    for body, headers, statuses in attempts:
        connection = http.client.HTTPSConnection("localhost", server.port, context=tls, timeout=20)
        try:
            chunked = "Transfer-Encoding" in headers
            head = {"Content-Type": "application/json", **headers}
            connection.request("POST", "/enforce", body, head, encode_chunked=chunked)
            assert connection.getresponse().status in statuses
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            pass  # refused and closed before all of it was sent
        finally:
            connection.close()
        assert server.rss() - before < 64 * MIB
    assert ask(server, make_review(pod())).allowed


def test_25_a_pattern_that_backtracks_stalls_nobody_else(tmp_path: Path) -> None:
    with servers.running(tmp_path, TAG, {"id": "pattern", "does": "backtracks"}, webhook={"deadline": 1.0}) as server:

        async def scenario() -> tuple[float, float, Any]:
            client = server.apiserver()
            bad = pod()
            bad["metadata"]["annotations"] = {"text": "a" * 40 + "b"}
            slow = asyncio.create_task(client.call("/enforce", make_review(bad)))
            worst = probe = 0.0
            while not slow.done():
                started = time.perf_counter()
                assert (await client.call("/enforce", make_review(pod()))).allowed
                worst = max(worst, time.perf_counter() - started)
                started = time.perf_counter()
                assert (await asyncio.to_thread(server.probe, "/livez"))[0] == 200
                probe = max(probe, time.perf_counter() - started)
            await client.close()
            return worst, probe, await slow

        worst, probe, verdict = asyncio.run(scenario())
    assert not verdict.allowed
    assert "no verdict within" in verdict.message
    assert worst < 0.1
    assert probe < 0.1


def test_26_a_decision_opens_nothing() -> None:
    """An audit hook sees every file, socket and process that Python opens:

    between review and response there is none.
    """
    program = """
import json, sys
from policykit_webhook import decision, review
from tests.webhook.fake_apiserver import make_review, pod
from tests.webhook.fake_policies import fake
from tests.webhook.conftest import RULES
policies = fake(*RULES)
body = json.dumps(make_review(pod("a:latest"), "UPDATE", pod())).encode()
def answer():
    call = review.loads(body)
    for hook in ("enforce", "advise"):
        review.response(call.uid, decision.decide(call, hook, policies).parts())
answer()
seen = []
def hook(event, args):
    if event.split(".")[0] in ("open", "socket", "subprocess", "os", "ctypes", "exec", "compile", "import"):
        seen.append(event)
sys.addaudithook(hook)
answer()
print(json.dumps(seen))
"""
    reply = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(reply.stdout) == []


def _handshake(port: int, *arguments: str) -> tuple[bool, bytes]:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *arguments]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=10, check=False)
    return done.returncode == 0, done.stdout


WEAK = (["-tls1"], ["-tls1_1"], ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], ["-tls1_2", "-cipher", "CAMELLIA"])


@pytest.mark.parametrize("arguments", WEAK, ids=" ".join)
def test_27_old_protocols_and_weak_suites_are_refused(server: Server, arguments: list[str]) -> None:
    good, said = _handshake(server.port, "-tls1_2")
    assert good
    assert b"Cipher is ECDHE-ECDSA-AES" in said
    assert not _handshake(server.port, *arguments)[0]


def test_27_mutual_tls_wants_the_right_name(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ca, stranger = authority.authority(now), authority.authority(now)
    (tmp_path / "clients.pem").write_bytes(ca.certificate)
    options = {"client_ca": str(tmp_path / "clients.pem"), "client_names": ["kube-apiserver"]}

    def written(name: str, credential: authority.Credential) -> tuple[str, str]:
        paths = tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        paths[0].write_bytes(credential.certificate)
        paths[1].write_bytes(credential.key)
        return str(paths[0]), str(paths[1])

    async def call(credential: tuple[str, str] | None) -> bool:
        client = server.apiserver()
        if credential is not None:
            client.present(*credential)
        try:
            return (await client.call("/enforce", make_review(pod()))).allowed
        finally:
            await client.close()

    with servers.running(tmp_path / "server", TAG, **options) as server:
        assert asyncio.run(call(written("right", authority.client(ca, "kube-apiserver", now))))
        wrong = [None, written("name", authority.client(ca, "mallory", now))]
        wrong.append(written("authority", authority.client(stranger, "kube-apiserver", now)))
        for credential in wrong:
            with pytest.raises(CallError):
                asyncio.run(call(credential))
        assert server.probe()[0] == 200
        assert server.probe("/livez")[0] == 200


def test_27_the_common_name_is_read_from_the_subject() -> None:
    subject = ((("organizationName", "o"),), (("commonName", "kube-apiserver"),))
    assert client_name({"subject": subject}) == "kube-apiserver"
    assert client_name({"subject": ()}) == ""
    assert client_name(None) == ""


def test_28_errors_leak_neither_values_nor_traces(tmp_path: Path) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "shop"},
        "data": {"password": "aHVudGVyMg=="},
        "stringData": {"token": "hunter2-token"},
    }
    with servers.running(tmp_path, {"id": "broken", "does": "fails"}, TAG) as server:
        verdict = ask(server, make_review(secret))
        for body in (b'{"hunter2-token": ', json.dumps({"hunter2-token": 1}).encode()):
            with pytest.raises(CallError) as caught:
                ask(server, body)
            assert "hunter2" not in str(caught.value)
        assert not verdict.allowed
        said = verdict.message + json.dumps(verdict.audit_annotations) + "".join(verdict.warnings)
        seen = said + server.log.read_text() + server.probe("/metrics")[1]
    for leaked in ("hunter2", "aHVudGVyMg", "s3cr3t", "Traceback", 'File "'):
        assert leaked not in seen
    assert "broken" in verdict.message
