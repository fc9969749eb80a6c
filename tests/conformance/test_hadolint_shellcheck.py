"""hadolint's own cases about ShellCheck: it finds something in the scripts of RUN, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policykit import extras, shellcheck
from policykit.catalogue.rules import default_settings, rule_set
from policykit.document import Source
from policykit.engine import evaluate
from policykit.views.project import Facts
from policykit.views.read import read_project
from tests.conformance.harness import Comparison, catalogue, equivalents, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

SHELLCHECK = "SC*"


def fires(case: Mapping[str, Any]) -> bool:
    rules = (catalogue().get(rule) for rule in equivalents("hadolint", SHELLCHECK))
    in_force = rule_set(catalogue(), {policy.id: default_settings(policy) for policy in rules if policy})
    assert in_force.rules
    project = read_project([Source("Dockerfile", case["input"])], Facts(), lambda _name: None)
    shellcheck.inform([project])
    return any(
        judged.finding.rule in in_force.rules for judged in evaluate(project, catalogue(), lambda _name: in_force)
    )


def test_findings_are_those_of_hadolint() -> None:
    if not extras.is_installed("shellcheck"):
        pytest.skip(extras.missing("shellcheck"))
    comparison = Comparison("hadolint-shellcheck")
    for case in read_cases("dockerfile/hadolint.jsonl"):
        if case["rule"] == SHELLCHECK:
            found, expected = fires(case), case["expect"]["fires"]
            comparison.record(case, "" if found == expected else f"{case['input']!r}: fires is {expected}")
    comparison.conclude()
