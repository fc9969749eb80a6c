"""dclint's own cases: how often a rule reports in a Compose file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conformance.harness import Comparison, check, equivalents, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

_BANNED = ["latest", "stable", "edge", "test", "nightly", "dev", "beta", "canary", "lts"]


def parameters(case: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """dclint's options (as its tests write them, in TypeScript) as parameters of our policies."""
    options = case["options_ts"]
    quote = "single" if "'single'" in options else "double" if "'double'" in options else "any"
    return {
        "compose-build-and-image": {"pullPolicyDecides": "checkPullPolicy: false" not in options},
        "compose-port-unquoted": {"quote": quote},
        "image-explicit-tag": {"movingTags": _BANNED},
    }


def difference(case: Mapping[str, Any]) -> str:
    """What differs from the number of reports. A case about fixing shows that there is something to fix."""
    rules = equivalents("dclint", case["rule"])
    if not rules:
        return "no policy stands for this rule"
    found = len(check({"docker-compose.yaml": case["input"]}, rules, parameters(case)).findings)
    expected = case["expect"]
    if "fixed" in expected:
        wanted = expected["fixed"] != case["input"]
        return "" if bool(found) == wanted else f"there is {'' if wanted else 'nothing '}to fix, found {found}"
    return "" if found == expected["count"] else f"expected {expected['count']} findings, found {found}"


def test_verdicts_are_those_of_dclint() -> None:
    comparison = Comparison("dclint")
    for case in read_cases("compose/dclint.jsonl"):
        comparison.record(case, difference(case))
    comparison.conclude()
