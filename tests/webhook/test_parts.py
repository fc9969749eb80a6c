"""The parts that a server is made of, one by one:

settings, certificates on their way, the cache of a cluster, the gate.
"""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policykit.errors import UsageError
from policykit_webhook import authority, json_decode, ratchet, wording
from policykit_webhook.admission import _allowed
from policykit_webhook.certificates import SPREAD, Managed, Names, advance
from policykit_webhook.cluster import STALE, WATCHED, ClusterCache
from policykit_webhook.gate import Gate, OverloadedError
from policykit_webhook.judge import Violation
from policykit_webhook.settings import settings_from

NAMES = Names(("webhook.policykit-system.svc",), leaf_days=90, authority_days=365)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("section", "where"),
    [
        ({"modes": "enforce"}, "webhook.modes"),
        ({"mode": "deny"}, "webhook.mode"),
        ({"rules": ["x"]}, "webhook.rules"),
        ({"rules": {"x": "deny"}}, "webhook.rules.x"),
        ({"namespaces": {}}, "webhook.namespaces"),
        ({"namespaces": [{"mode": "warn"}]}, "webhook.namespaces[0]"),
        ({"namespaces": [{"match": ["a"], "labels": {}}]}, "webhook.namespaces[0].labels"),
        ({"updates": "no"}, "webhook.updates"),
        ({"objectExceptions": "yes"}, "webhook.objectExceptions"),
        ({"deadline": 0}, "webhook.deadline"),
        ({"deadline": True}, "webhook.deadline"),
    ],
)
def test_every_mistake_in_the_section_is_named(section: dict[str, Any], where: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_from(section)
    assert where in [problem.where for problem in caught.value.problems]


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        settings_from({"mode": "x", "updates": "y", "z": 1})
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [("5s", 2.0), ("1s", 0.5), ("2s", 1.5), ("500ms", 0.25), ("1m0s", 2.0), ("", 2.0), ("soon", 2.0), ("0.8s", 0.4)],
)
def test_the_callers_timeout_less_a_margin(timeout: str, seconds: float) -> None:
    assert _allowed(timeout, 2.0) == pytest.approx(seconds)


def trusted(managed: Managed) -> bool:
    """Whether a caller with the bundle accepts the leaf."""
    return any(authority.signed_by(managed.leaf.certificate, ca) for ca in managed.bundle)


def test_34_certificates_go_through_the_years_without_a_gap() -> None:
    """Three years in steps of hours. Whoever is a spread behind with bundle or leaf still gets on with the others."""
    history: list[tuple[datetime, Managed]] = []
    held: Managed | None = None
    now = START
    step = timedelta(hours=6)
    while now < START + timedelta(days=3 * 365):
        advanced = advance(held, NAMES, now, spread=timedelta(hours=12))
        if advanced is not held:
            history.append((now, advanced))
            held = advanced
        leaf = authority.Credential(held.leaf.certificate, held.leaf.key).x509
        assert leaf.not_valid_after_utc - now > timedelta(days=20)
        assert held.authority.x509.not_valid_after_utc - now > timedelta(days=90)
        now += step
    for (when, before), (_, after) in itertools.pairwise(history):
        assert trusted(after)
        assert any(authority.signed_by(before.leaf.certificate, ca) for ca in after.bundle), when
        assert any(authority.signed_by(after.leaf.certificate, ca) for ca in before.bundle), when
    authorities = {managed.authority.certificate for _, managed in history}
    assert len(authorities) >= 4
    assert all(len(managed.bundle) <= 2 for _, managed in history)
    assert len(history[-1][1].bundle) == 1 or history[-1][0] > now - timedelta(days=1)


def test_a_leaf_for_other_names_is_replaced_at_once() -> None:
    held = advance(None, NAMES, START)
    moved = advance(held, NAMES._replace(hosts=("webhook.elsewhere.svc",)), START + SPREAD)
    assert authority.names_of(moved.leaf.certificate) == {"webhook.elsewhere.svc"}
    assert moved.bundle == held.bundle


def test_nothing_is_done_where_nothing_is_due() -> None:
    held = advance(None, NAMES, START)
    assert advance(held, NAMES, START + timedelta(days=30)) is held


def test_a_cache_answers_only_while_it_knows() -> None:
    now = [0.0]
    cache = ClusterCache(clock=lambda: now[0])
    assert cache.objects("shop") is None
    for kind in WATCHED:
        cache.replace(kind, ())
    assert cache.objects("shop") == []
    namespaces, policies = WATCHED[0], next(k for k in WATCHED if k.group == "networking.k8s.io")
    cache.put(namespaces, {"metadata": {"name": "shop", "labels": {"team": "a"}, "managedFields": [1]}})
    cache.put(policies, {"metadata": {"name": "deny", "namespace": "shop"}})
    found = cache.objects("shop")
    assert found is not None
    assert [(obj["kind"], obj["metadata"]["name"]) for obj in found] == [
        ("NetworkPolicy", "deny"),
        ("Namespace", "shop"),
    ]
    assert "managedFields" not in found[1]["metadata"]
    assert [obj["kind"] for obj in cache.objects("bank") or ()] == []
    assert cache.namespace_labels("shop") == {"team": "a"}
    assert cache.namespace_labels("bank") is None
    cache.out_of_touch(policies)
    now[0] += STALE - 1
    assert cache.objects("shop")
    now[0] += 2
    assert cache.objects("shop") is None
    cache.replace(policies, ())
    assert [obj["kind"] for obj in cache.objects("shop") or ()] == ["Namespace"]


def test_the_gate_turns_away_who_would_wait_too_long() -> None:
    async def scenario() -> tuple[int, int]:
        gate = Gate(longest=0.01)
        served = refused = 0

        async def call() -> None:
            nonlocal served, refused
            try:
                async with gate.turn():
                    served += 1
            except OverloadedError:
                refused += 1

        gate._cost = 0.005
        await asyncio.gather(*(call() for _ in range(100)))
        assert len(gate) == 0
        return served, refused

    served, refused = asyncio.run(scenario())
    assert served + refused == 100
    assert 32 <= served < 50


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\udc1a"', "🐚"),
        (r'{"a": "\ud800", "a": [1, -0, 1.5e3, true, null]}', {"a": [1, 0, 1500.0, True, None]}),
        (r'["\ud800", {"": {}}, []]', ["�", {"": {}}, []]),
        ('"\\ud800" ', "�"),
        ("[" * 3000 + "]" * 3000, None),
        (r'["\udfff", 12345678901234567890123]', ["�", 1.2345678901234568e22]),
    ],
)
def test_the_patient_reader_reads_what_go_reads(text: str, value: Any) -> None:
    read = json_decode.loads(text.encode("utf-8", "surrogatepass"))
    assert value is None or read == value


@pytest.mark.parametrize(
    "text", ["", "[", "[1,]", '{"a"}', '{"a":}', "{1:2}", "01", "+1", "NaN", "1e999", '"\x01"', "[1] 2", "nul"]
)
def test_the_patient_reader_refuses_what_is_no_json(text: str) -> None:
    with pytest.raises(json_decode.NotJsonError):
        json_decode.loads(text.encode())


def test_the_place_of_a_violation_is_spelled_with_names() -> None:
    subject = {
        "spec": {"containers": [{"name": "a"}, {"name": "b", "image": "x"}]},
        "metadata": {"labels": {"a.b/c": 1}},
    }
    assert ratchet.resolve("spec.containers[1].image", subject) == (".spec.containers[name=b].image", "x")
    assert ratchet.resolve('metadata.labels["a.b/c"]', subject) == (".metadata.labels.a.b/c", 1)
    assert ratchet.resolve("spec.containers[7].image", subject) == (".spec.containers[7].image", None)
    assert ratchet.resolve("", subject)[1] is subject


def test_a_violation_that_stood_once_excuses_one_only() -> None:
    old = {"spec": {"ports": [80]}}
    new = {"spec": {"ports": [80, 80]}}
    before = [Violation("r", "fail", "m", "spec.ports[0]")]
    after = [Violation("r", "fail", "m", f"spec.ports[{n}]") for n in range(2)]
    fresh, known = ratchet.split(after, new, before, old)
    assert (len(fresh), len(known)) == (1, 1)


def test_a_denial_says_every_rule_even_where_it_has_to_be_short() -> None:
    items = [wording.Item(f"rule-{n}", "spec.x", "é" * 400, "help " * 50) for n in range(12)]
    message = wording.denial(items)
    assert len(message.encode()) <= wording.MESSAGE_BYTES
    assert all(f"rule-{n}" in message for n in range(12))
    assert message.splitlines()[0] == "12 violations of 12 policies:"
