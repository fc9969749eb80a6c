"""The good and bad examples of BuildKit's documentation: a check fires or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conformance.harness import Comparison, check, equivalents, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The page of CopyIgnoredFile speaks of a directory that is left out; its examples come without the ignore file.
IGNORED = {"CopyIgnoredFile": "tmp/*\n"}


def difference(case: Mapping[str, Any]) -> str:
    files = {"Dockerfile": case["input"], ".dockerignore": IGNORED.get(case["rule"], "")}
    rules = equivalents("buildkit", case["rule"])
    if not rules:
        return "no policy stands for this check"
    fires = bool(check(files, rules).findings)
    return "" if fires == case["expect"]["fires"] else f"expected {'a' if not fires else 'no'} finding"


def test_examples_of_the_documentation_hold() -> None:
    comparison = Comparison("buildkit_docs")
    for case in read_cases("dockerfile/buildkit_docs.jsonl"):
        comparison.record(case, difference(case))
    comparison.conclude()
