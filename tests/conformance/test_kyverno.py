"""Kyverno's own tests of its CEL policies: whether a policy, as it is written, lets an object pass."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from tests.admission.policies import checks, judge
from tests.conformance.harness import TABLE, Comparison, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.admission.check import AdmissionCheck

_SOURCE = "kyverno_cel"


@cache
def _texts() -> dict[str, str]:
    return {policy["path"]: policy["text"] for policy in read_cases("kyverno/policy_texts.jsonl")}


@cache
def _policies(path: str) -> tuple[AdmissionCheck, ...]:
    return tuple(checks(_texts()[path]))


def difference(case: Mapping[str, Any]) -> str:
    """What differs from the case's verdict on an object; what was there before stands in files beside it."""
    outcomes = [
        o for path in case["policies"] for c in _policies(path) for o in judge(c, case["input"], *case["setup"])
    ]
    if rule := case.get("kyverno_rule"):
        outcomes = [outcome for outcome in outcomes if _is_of(rule, outcome.message, case["policies"])]
    denied = any(outcome.verdict == "fail" for outcome in outcomes)
    if denied is not case["expect"]["allowed"]:
        return ""
    return f"allowed: {case['expect']['allowed']}, found {[outcome[:2] for outcome in outcomes]}"


def _is_of(rule: str, message: str, policies: list[str]) -> bool:
    """Whether a message is a rule's: where a policy has several, their names stand before their messages."""
    names = [name for path in policies for c in _policies(path) for name in c.policy.equivalents.get("kyverno", ())]
    name = rule.removeprefix("autogen-").removeprefix("cronjob-")
    return len(names) < 2 or message.startswith(f"{name}: ")


def test_policies_decide_as_in_kyverno() -> None:
    comparison = Comparison(_SOURCE)
    for case in read_cases("kyverno/kyverno_cel.jsonl"):
        if not case["needs"]:
            comparison.record(case, difference(case))
    comparison.conclude()
    figures = TABLE[_SOURCE]
    assert figures["same"] >= 0.97 * figures["cases"]


def test_policies_that_ask_a_cluster() -> None:
    comparison = Comparison(f"{_SOURCE}_lookups")
    for case in read_cases("kyverno/kyverno_cel.jsonl"):
        if case["needs"]:
            comparison.record(case, difference(case))
    comparison.conclude()
