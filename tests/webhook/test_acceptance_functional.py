"""Acceptance tests 1 to 15: what is answered, to whom, and in which words. Numbers as in the specification."""

from __future__ import annotations

import asyncio
import copy
import http.client
import json
import re
import ssl
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from policykit_webhook import decision, review
from tests.webhook.conftest import NOTE, OWNER, PRIVILEGED, RULES, TAG
from tests.webhook.fake_apiserver import CallError, Verdict, make_review, pod, verify
from tests.webhook.fake_policies import fake

if TYPE_CHECKING:
    from pathlib import Path

    from policykit_webhook.decision import Policies
    from tests.webhook.servers import Server

LATEST = "registry.example/app:latest"

TEMPLATED = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"),
    ("v1", "ReplicationController"),
)


def decide(raw: dict[str, Any], policies: Policies, hook: Any = "enforce") -> Verdict:
    """The verdict that the API server would reach, without a server between."""
    call = review.decode(raw)
    return verify(call.uid, 200, review.response(call.uid, decision.decide(call, hook, policies).parts()))


def ask(server: Server, raw: dict[str, Any] | bytes, path: str = "/enforce") -> Verdict:
    async def call() -> Verdict:
        client = server.apiserver()
        try:
            return await client.call(path, raw)
        finally:
            await client.close()

    return asyncio.run(call())


def exec_review() -> dict[str, Any]:
    options = {"apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"], "container": "app", "stdin": True}
    return make_review(
        options,
        "CONNECT",
        resource={"group": "", "version": "v1", "resource": "pods"},
        subResource="exec",
        name="web",
        namespace="shop",
    )


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE", "DELETE", "CONNECT"])
def test_01_minimal_replies_pass_the_strict_client(server: Server, operation: str) -> None:
    good, bad = pod(), pod(LATEST)
    raw = {
        "CREATE": make_review(good),
        "UPDATE": make_review(good, "UPDATE", good),
        "DELETE": make_review(None, "DELETE", bad),
        "CONNECT": exec_review(),
    }[operation]
    assert ask(server, raw).allowed
    if operation in ("CREATE", "UPDATE"):
        raw["request"]["object"] = bad
        assert not ask(server, raw).allowed


def test_01_replies_carry_no_more_than_the_response(server: Server) -> None:
    async def post() -> tuple[int, dict[str, str], bytes]:
        client = server.apiserver()
        try:
            return await client.post("/enforce?timeout=5s", json.dumps(make_review(pod(LATEST))).encode())
        finally:
            await client.close()

    status, headers, content = asyncio.run(post())
    reply = json.loads(content)
    assert (status, headers["content-type"], set(reply)) == (
        200,
        "application/json",
        {"apiVersion", "kind", "response"},
    )
    assert set(reply["response"]) <= {"uid", "allowed", "status", "warnings", "auditAnnotations"}


def test_02_a_denial_is_http_200_with_code_403_and_names_its_rules(server: Server) -> None:
    bad = pod(LATEST, securityContext={"privileged": True})
    verdict = ask(server, make_review(bad))
    assert (verdict.allowed, verdict.code, verdict.reason) == (False, 403, "Forbidden")
    assert all(rule in verdict.message for rule in ("image-explicit-tag", "container-privileged"))
    assert "spec.containers[0].image" in verdict.message
    assert "policykit explain" in verdict.message


@pytest.mark.parametrize("count", [1, 5, 40, 400])
def test_02_a_denial_is_at_most_1_kib_however_many_violations(count: int) -> None:
    rules = [
        {"id": f"rule-{n:03}", "does": "always", "message": "long " * 40, "help": "mend " * 40} for n in range(count)
    ]
    verdict = decide(make_review(pod()), fake(*rules))
    message = verdict.message.removeprefix("denied the request: ")
    assert len(message.encode()) <= 1024
    assert f"{count} violation" in message
    if count <= 40:
        assert all(f"rule-{n:03}" in message for n in range(count))


HOSTILE = ["a\nb", "tab\there", "\x7f", "\x85next", "\u202eevil", "é" * 500, "🐚" * 200, "x" * 5000, "\u2028", ""]


@pytest.mark.parametrize("text", HOSTILE)
def test_03_warnings_survive_hostile_names(text: str) -> None:
    rules = [
        {"id": f"rule-{n}", "severity": "warning", "does": "always", "message": text + str(n % 7)} for n in range(30)
    ]
    call = review.decode(make_review(pod()))
    warnings = decision.decide(call, "advise", fake(*rules)).warnings
    assert 0 < len(warnings) <= 10
    assert len(set(warnings)) == len(warnings)
    assert sum(map(len, warnings)) <= 2048
    for warning in warnings:
        assert 0 < len(warning) <= 120
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in warning)
        warning.encode()


def test_04_audit_annotations_have_legal_keys_and_short_values() -> None:
    names = ["a", "x" * 63, "x" * 200, "with/slash", "-lead", "trail-", "dots.and_under", "ünïcode", "a b", "///"]
    rules = [{"id": name, "severity": "info", "does": "always", "message": "m\n" * 2000} for name in names]
    call = review.decode(make_review(pod()))
    annotations = decision.decide(call, "advise", fake(*rules)).audit_annotations
    assert len(annotations) == len(names) + 1
    for key, value in annotations.items():
        assert re.fullmatch(r"[A-Za-z0-9][-A-Za-z0-9_.]{0,62}", key)
        assert isinstance(value, str)
        assert len(value.encode()) <= 1024


def _raw(**changes: Any) -> bytes:
    return json.dumps({**make_review(pod()), **changes}).encode()


BAD_REQUESTS: list[tuple[str, str, bytes, dict[str, str], int]] = [
    ("v1beta1", "POST", _raw(apiVersion="admission.k8s.io/v1beta1"), {}, 400),
    ("wrong kind", "POST", _raw(kind="ConversionReview"), {}, 400),
    ("no request", "POST", _raw(request=None), {}, 400),
    ("request without uid", "POST", _raw(request={"operation": "CREATE"}), {}, 400),
    ("unknown operation", "POST", _raw(request={**make_review(pod())["request"], "operation": "PATCH"}), {}, 400),
    ("object is a list", "POST", _raw(request={**make_review(pod())["request"], "object": []}), {}, 400),
    ("empty body", "POST", b"", {}, 400),
    ("not JSON", "POST", b"{", {}, 400),
    ("a list", "POST", b"[]", {}, 400),
    ("wrong content type", "POST", _raw(), {"Content-Type": "text/yaml"}, 415),
    ("compressed", "POST", _raw(), {"Content-Encoding": "gzip"}, 415),
    ("GET", "GET", b"", {}, 405),
    ("another path", "POST", _raw(), {}, 404),
]


@pytest.mark.parametrize(
    ("name", "method", "body", "headers", "status"), BAD_REQUESTS, ids=[b[0] for b in BAD_REQUESTS]
)
def test_05_bad_requests_are_refused_and_hurt_nobody(
    server: Server, name: str, method: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    tls = ssl.create_default_context(cadata=server.tls.ca.certificate.decode())
    connection = http.client.HTTPSConnection("localhost", server.port, context=tls, timeout=10)
    path = "/mutate" if name == "another path" else "/enforce"
    connection.request(method, path, body, {"Content-Type": "application/json", **headers})
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    assert reply.status == status
    assert "Traceback" not in text
    assert len(text) < 200
    assert ask(server, make_review(pod())).allowed


def test_06_delete_judges_the_old_object_for_rules_that_name_delete() -> None:
    policies = fake({**TAG, "operations": ["DELETE"]})
    assert not decide(make_review(None, "DELETE", pod(LATEST)), policies).allowed
    assert decide(make_review(None, "DELETE", pod()), policies).allowed


def test_06_delete_is_not_blocked_by_rules_about_objects() -> None:
    assert decide(make_review(None, "DELETE", pod(LATEST)), fake(*RULES)).allowed


def test_06_connect_and_both_objects_null_are_decided() -> None:
    every = {"id": "everything", "does": "always", "operations": ["*"], "subresources": ["*", ""]}
    assert not decide(exec_review(), fake(every)).allowed
    assert decide(exec_review(), fake(*RULES)).allowed
    assert decide(make_review(None, "DELETE", None), fake(every)).allowed


def test_07_generated_names_have_a_stable_identity(server: Server) -> None:
    obj = pod(LATEST)
    obj["metadata"] = {"generateName": "web-", "namespace": "shop"}
    before = server.metric('policykit_admission_requests_total{dry_run="false",kind="Pod"')
    for _ in range(2):
        assert not ask(server, make_review(obj, name="")).allowed
    named = [line for line in server.logged() if line["message"] == "denied" and line["name"] == "web-*"]
    assert len(named) == 2
    assert server.metric('policykit_admission_requests_total{dry_run="false",kind="Pod"') == before + 2


def templated(api_version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": spec}},
    }


def same_pod_everywhere(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """A pod's specification as every kind of the API that carries one."""
    objects = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}]
    objects += [templated(version, kind, spec) for version, kind in TEMPLATED]
    job = {"template": {"spec": spec}}
    metadata = {"name": "web", "namespace": "shop"}
    cron = {"schedule": "@daily", "jobTemplate": {"spec": job}}
    objects.append({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": cron})
    objects.append({"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": {"spec": spec}})
    return objects


def test_10_a_dry_run_has_no_side_effect_but_its_verdict(server: Server, tmp_path: Path) -> None:
    files_before = sorted(p.name for p in tmp_path.parent.iterdir())
    real = ask(server, make_review(pod(LATEST)))
    dry = ask(server, make_review(pod(LATEST), dryRun=True))
    assert (dry.allowed, dry.message) == (real.allowed, real.message)
    assert server.metric('policykit_admission_requests_total{dry_run="true"') >= 1
    assert sorted(p.name for p in tmp_path.parent.iterdir()) == files_before


def updated(old: dict[str, Any], **changes: Any) -> dict[str, Any]:
    new = copy.deepcopy(old)
    new["metadata"]["labels"]["rev"] = "2"
    new["spec"].update(changes)
    return new


@pytest.mark.parametrize(("mode", "allowed"), [("ratchet", True), ("strict", False)])
def test_11_an_unrelated_update_of_what_violated_before(mode: str, allowed: bool) -> None:
    old = pod(LATEST)
    verdict = decide(make_review(updated(old), "UPDATE", old), fake(*RULES, updates=mode))
    assert verdict.allowed is allowed
    if allowed:
        assert any("before this update" in warning for warning in verdict.warnings)


@pytest.mark.parametrize("mode", ["ratchet", "strict"])
@pytest.mark.parametrize(
    "containers",
    [
        [{"name": "app", "image": "other.example/app:latest"}],
        [{"name": "app", "image": LATEST}, {"name": "more", "image": LATEST}],
        [{"name": "renamed", "image": LATEST}],
        [{"name": "app", "image": LATEST, "securityContext": {"privileged": True}}],
    ],
    ids=["another bad image", "another bad container", "container renamed", "another rule"],
)
def test_11_a_new_violation_is_always_denied(mode: str, containers: list[dict[str, Any]]) -> None:
    old = pod(LATEST)
    assert not decide(
        make_review(updated(old, containers=containers), "UPDATE", old), fake(*RULES, updates=mode)
    ).allowed


def test_11_reordering_containers_violates_nothing_anew() -> None:
    old = pod(LATEST)
    good = {"name": "first", "image": "registry.example/app:1"}
    new = updated(old, containers=[good, *old["spec"]["containers"]])
    assert decide(make_review(new, "UPDATE", old), fake(TAG)).allowed


SUBRESOURCES: list[tuple[str, dict[str, Any]]] = [
    ("scale", {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 3}}),
    ("binding", {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "web"}, "target": {"name": "node-1"}}),
    ("eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}, "deleteOptions": {}}),
    ("status", {**pod(LATEST), "status": {"phase": "Running"}}),
]


@pytest.mark.parametrize(("subresource", "body"), SUBRESOURCES, ids=[s[0] for s in SUBRESOURCES])
@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
def test_12_bodies_of_subresources_neither_crash_nor_misfire(
    server: Server, subresource: str, body: dict[str, Any], operation: str
) -> None:
    old = body if operation == "UPDATE" else None
    resource = {"group": "", "version": "v1", "resource": "pods"}
    raw = make_review(body, operation, old, subResource=subresource, resource=resource, namespace="shop", name="web")
    for path in ("/enforce", "/advise"):
        verdict = ask(server, raw, path)
        assert verdict.allowed
        assert not verdict.warnings


@pytest.mark.parametrize("subresource", ["ephemeralcontainers", "resize"])
def test_12_subresources_that_carry_the_pod_are_judged(subresource: str) -> None:
    raw = make_review(pod(LATEST), "UPDATE", pod(), subResource=subresource)
    assert not decide(raw, fake(*RULES)).allowed


def test_15_advice_and_audit_never_deny() -> None:
    bad = pod(LATEST, securityContext={"privileged": True})
    policies = fake(*RULES, rules={"image-explicit-tag": "warn", "container-privileged": "audit"})
    assert policies.hooks == {"enforce": frozenset(), "advise": frozenset(r["id"] for r in RULES)}
    verdict = decide(make_review(bad), policies, "advise")
    assert verdict.allowed
    assert any("image-explicit-tag" in warning for warning in verdict.warnings)
    assert not any("container-privileged" in warning for warning in verdict.warnings)
    assert "container-privileged" in verdict.audit_annotations


def test_15_severities_say_what_is_done() -> None:
    policies = fake(TAG, OWNER, NOTE)
    assert policies.hooks == {"enforce": frozenset({TAG["id"]}), "advise": frozenset({OWNER["id"], NOTE["id"]})}
    verdict = decide(make_review(pod()), policies, "advise")
    assert verdict.allowed
    assert verdict.warnings == ("label-owner at metadata.labels: label owner is missing",)
    assert verdict.audit_annotations["note"] == "noted"


def test_15_modes_by_namespace_take_the_first_match() -> None:
    section = {
        "namespaces": [
            {"match": ["dev-*"], "mode": "audit", "rules": {"container-privileged": "enforce"}},
            {"match": ["*"], "rules": {"image-explicit-tag": "warn"}},
        ]
    }
    policies = fake(TAG, PRIVILEGED, **section)
    privileged: dict[str, Any] = {"securityContext": {"privileged": True}}
    assert decide(make_review(pod(LATEST, "dev-1")), policies).audit_annotations["image-explicit-tag"]
    assert not decide(make_review(pod(LATEST, "dev-1", **privileged)), policies).allowed
    assert decide(make_review(pod(LATEST, "shop")), policies).warnings
    assert not decide(make_review(pod(namespace="shop", **privileged)), policies).allowed


def test_the_strict_client_is_strict() -> None:
    """The stand-in refuses what the real client refuses: else the tests above show nothing."""
    good = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": "u", "allowed": True}}

    def said(**response: Any) -> bytes:
        return json.dumps({**good, "response": {"uid": "u", "allowed": True, **response}}).encode()

    assert verify("u", 200, json.dumps(good).encode()).allowed
    failures = [
        (500, said()),
        (403, said()),
        (200, b""),
        (200, said() + b"x"),
        (200, b'{"response": {"uid": "u", "allowed": true}}'),
        (200, json.dumps({**good, "apiVersion": "admission.k8s.io/v1beta1"}).encode()),
        (200, json.dumps({**good, "response": None}).encode()),
        (200, said(uid="")),
        (200, said(allowed="true")),
        (200, said(patch="")),
        (200, said(warnings="x")),
        (200, said(auditAnnotations={"a": 1})),
    ]
    for status, content in failures:
        with pytest.raises(CallError):
            verify("u", status, content)
    assert not verify("u", 200, said(allowed=False)).allowed
    assert verify("u", 200, said(warnings=["a\tb", "c", "c"])).warnings == ("c",)
    assert verify("u", 200, said(auditAnnotations={"a/b": "1", "c": "2"})).audit_annotations == {"c": "2"}
