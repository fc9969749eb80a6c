"""hadolint's own cases: a rule fires, fires so many times, or does not."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from tests.conformance.harness import Comparison, check, equivalents, peer_rules, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conformance.harness import Checked

#: ShellCheck's findings are the affair of `policykit[shellcheck]`.
SHELLCHECK = "SC*"


def parameters(case: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """hadolint's configuration as the parameters of our policies."""
    config = case["config"] or {}
    schema = config.get("label-schema", {})
    mapped: dict[str, dict[str, Any]] = {
        "label-missing": {"labels": list(schema)},
        "label-empty": {"labels": list(schema)},
        "label-value-malformed": {"schema": schema},
        "label-not-in-schema": {"labels": list(schema) if config.get("strict-labels") else []},
        "image-untrusted-registry": {"allow": config.get("trustedRegistries", [])},
    }
    if case["rule"] == "DL3006":  # about a missing tag; the tag `latest` is DL3007
        mapped["image-explicit-tag"] = {"movingTags": []}
    return mapped


def count(checked: Checked) -> int:
    """hadolint reports a rule once for an instruction, however often it is broken there."""
    firsts = [i.first_line for document in checked.project.documents for i in document.data.instructions]
    lines = [finding.span.line for finding in checked.findings]
    return len({bisect_right(firsts, line) if firsts and line >= firsts[0] else -line for line in lines})


def difference(case: Mapping[str, Any]) -> str:
    rules = equivalents("hadolint", case["rule"]) if case["rule"] != "*" else everything()
    if not rules:
        return "no policy stands for this rule"
    found = count(check({"Dockerfile": case["input"]}, rules, parameters(case)))
    expected = case["expect"]
    if expected["count"] is not None:
        return "" if found == expected["count"] else f"expected {expected['count']} findings, found {found}"
    return (
        ""
        if bool(found) == expected["fires"]
        else f"expected {'a' if expected['fires'] else 'no'} finding, found {found}"
    )


def everything() -> tuple[str, ...]:
    """All rules that hadolint has in its default set."""
    return tuple(ours for rule, names in peer_rules("hadolint").items() if rule != "DL3057" for ours in names)


def test_verdicts_are_those_of_hadolint() -> None:
    comparison = Comparison("hadolint")
    for case in read_cases("dockerfile/hadolint.jsonl"):
        if case["rule"] != SHELLCHECK:
            comparison.record(case, difference(case))
    comparison.conclude()


def test_every_rule_of_hadolint_has_a_policy() -> None:
    numbers = [*range(3000, 3068), 1001, 4000, 4001, 4003, 4004, 4005, 4006]
    never_given = {3005, 3017, 3031, 3039}
    missing = [f"DL{n}" for n in numbers if n not in never_given and not equivalents("hadolint", f"DL{n}")]
    assert missing == []
