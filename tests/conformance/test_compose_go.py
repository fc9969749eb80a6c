"""Compose files of compose-go's own tests: loads, is invalid, or the model that comes out of a merge.

The data does not say which of its tests load without the check of consistency, so a case that has to load is loaded
without it, and one that has to fail with it; the consistency of the former is held against a list.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from policykit.document import Source
from policykit.parse.compose import ComposeError, Options, load_project
from policykit.parse.compose.merge import merge
from policykit.parse.compose.unicity import unique
from policykit.parse.yaml import YamlDocument, parse_yaml
from policykit.parse.yaml_scalars import COMPOSE

if TYPE_CHECKING:
    from policykit.parse.yaml_nodes import Node

HERE = Path(__file__).parent
DATA = Path(os.environ.get("POLICYKIT_CONFORMANCE", HERE.parents[2] / "shared" / "conformance"))
CASES = DATA / "compose" / "compose_go.jsonl"
pytestmark = pytest.mark.skipif(not CASES.is_file(), reason=f"no conformance data at {CASES} (POLICYKIT_CONFORMANCE)")

#: Tests whose files contradict themselves: compose-go loads them without the check of consistency.
INCONSISTENT = frozenset(
    (
        *(
            "TestLoadWithInterpolationCastFull",
            "TestLoadWithLabelFile",
            "TestLoadLegacyBoolean",
            "TestLoadWithDependsOn",
        ),
        *("TestModels", "TestSecretFileModeNumber", "TestSecretFileModeString", "TestSecretDriver"),
    )
)


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Each case under its name and its number among those of that name."""
    if not CASES.is_file():
        return []
    seen: Counter[str] = Counter()
    found = []
    for line in CASES.read_text("utf-8").splitlines():
        case = json.loads(line)
        seen[case["name"]] += 1
        found.append((f"{case['name']}#{seen[case['name']]}", case))
    return found


@cache
def deviations() -> dict[str, str]:
    groups = yaml.safe_load((HERE / "deviations" / "compose_go.yaml").read_text("utf-8"))
    return {case: group["reason"] for group in groups for case in group["cases"]}


def texts(case: dict[str, Any]) -> list[str]:
    return case["input"] if isinstance(case["input"], list) else [case["input"]]


def load(case: dict[str, Any], *, consistent: bool) -> tuple[ComposeError, ...]:
    """What is wrong with a case. One that brings an environment brings all of it."""
    environment = case.get("env")
    options = Options(dict(environment or {}), complete=environment is not None, consistent=consistent)
    sources = [Source(f"filename{number}.yml", text) for number, text in enumerate(texts(case))]
    return load_project(sources, lambda _: None, options).problems


def tree(text: str) -> Node:
    (document,) = parse_yaml(Source("a.yaml", text), COMPOSE)
    assert isinstance(document, YamlDocument)
    return document.root


def is_as_expected(case: dict[str, Any]) -> bool:
    expect = case["expect"]
    if case["rule"] == "load":
        is_valid: bool = expect["valid"]
        return is_valid != bool(load(case, consistent=not is_valid))
    first, *others = map(tree, texts(case))
    for other in others:
        first = merge(first, other)
    return bool(unique(first).data() == tree(expect.get("merged") or expect["normalised"]).data())


@pytest.mark.parametrize(("name", "case"), cases(), ids=[name for name, _ in cases()])
def test_case(name: str, case: dict[str, Any]) -> None:
    assert is_as_expected(case) == (name not in deviations()), deviations().get(name, case["expect"])


def test_deviations_are_cases_and_few() -> None:
    names = {name for name, _ in cases()}
    assert not deviations().keys() - names
    assert len(deviations()) <= 0.05 * len(names)


def test_what_loads_is_consistent() -> None:
    contradictory = {
        name.partition("#")[0].rpartition(":")[2]
        for name, case in cases()
        if case["expect"].get("valid") and name not in deviations() and load(case, consistent=True)
    }
    assert contradictory == INCONSISTENT


def test_errors_are_where_something_is_written() -> None:
    for _, case in cases():
        for problem in load(case, consistent=True) if case["rule"] == "load" else ():
            (number,) = [int(c) for c in problem.file if c.isdigit()]
            lines = texts(case)[number].split("\n")
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
