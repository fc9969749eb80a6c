"""Random expressions and policies over damaged objects, answered here and by the API server's own code (tests/oracle).

POLICYKIT_CEL_FUZZ sets how many (default 4,000), POLICYKIT_CEL_SEED where they start.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from policykit.cel import DYN, Environment
from tests.cel.generator import BINDINGS, Generator
from tests.cel.test_conformance import Unit
from tests.cel.wire import normal, outcome, recorded
from tests.oracle import Oracle, oracle_or_skip

COUNT = int(os.environ.get("POLICYKIT_CEL_FUZZ", "4000"))
SEED = int(os.environ.get("POLICYKIT_CEL_SEED", "1"))

#: Differences that are left: a pattern of the API server's answer -> why.
DEVIATIONS = {
    r"internal error: interface conversion": "the API server's cost tracker panics over a failed argument",
    r"internal error: runtime error": "a Go map cannot hold bytes; the API server panics",
    r"invalid qualifier type": "names the Go type of a key, which depends on where the value was made",
}


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


def _expected(answer: dict[str, Any]) -> tuple[str, Any]:
    if "compile_error" in answer:
        return "compile_error", answer["compile_error"]
    return ("error", answer["error"]) if "error" in answer else ("value", normal(answer["value"]))


def _explained(expected: tuple[str, Any]) -> bool:
    return expected[0] == "error" and any(re.search(pattern, expected[1]) for pattern in DEVIATIONS)


def _same_but_for_text(expected: tuple[str, Any], found: tuple[str, Any]) -> bool:
    """Errors both, at least of one kind: what follows a syntax error depends on how a parser goes on after it."""
    if expected[0] != found[0] or expected[0] == "value":
        return False
    return expected[0] == "error" or "Syntax error" in expected[1]


def _over_maps(expression: str) -> bool:
    """Whether the answer may depend on the order of a Go map, which is random."""
    return "{" in expression or bool({"m", "o", "mixed"} & set(re.findall(r"\b[a-z]+\b", expression)))


def test_random_expressions(oracle: Oracle, capsys: pytest.CaptureFixture[str]) -> None:
    random = Random(SEED)
    environment = Environment(dict.fromkeys(BINDINGS, DYN))
    counts: Counter[str] = Counter()
    wrong = []
    for start in range(0, COUNT, 2000):
        batch = [Generator(random).expression(4) for _ in range(min(2000, COUNT - start))]
        for expression, answer in zip(batch, oracle.expressions(batch, bind=BINDINGS), strict=True):
            if "panic" in answer:
                counts["the oracle panics"] += 1
                continue
            expected, found = _expected(answer), outcome(environment, expression, BINDINGS)
            counts[expected[0]] += 1
            if repr(expected) == repr(found):
                continue
            if _explained(expected) or _same_but_for_text(expected, found):
                counts["text differs" if found[0] == expected[0] else "listed deviation"] += 1
            elif _over_maps(expression) and "compile_error" not in {expected[0], found[0]}:
                counts["order of a map"] += 1
            else:
                wrong.append((expression, found, expected))
    with capsys.disabled():
        print(f"\nagainst the API server's code: {COUNT} expressions, {len(wrong)} different; {dict(counts)}")
    assert not wrong, wrong[:5]
    assert counts["text differs"] <= 0.05 * max(counts["error"] + counts["compile_error"], 1)


#: What takes the place of a part of an object.
REPLACEMENTS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -5, 2.5, "", "x", "nginx:latest", "true"),
    *([], {}, ["a"], {"a": "b"}, [{}], [None]),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [place for key, item in items for place in _places(item, (*path, key))]
    return [path, *inner] if path and path[0] not in {"kind", "apiVersion"} and path != ("metadata",) else inner


def _damaged(original: Any, random: Random) -> Any:
    """An object with up to three parts missing or replaced; its name and namespace stay."""
    damaged = deepcopy(original)
    for _ in range(random.choice((1, 1, 2, 3))):
        places = [place for place in _places(damaged) if place[1:2] not in {("name",), ("namespace",)}]
        if not places:
            break
        *path, last = random.choice(places)
        inner = damaged
        for step in path:
            inner = inner[step]
        if random.random() < 0.4:
            del inner[last]
        else:
            inner[last] = deepcopy(random.choice(REPLACEMENTS))
    return damaged


def test_policies_over_damaged_objects(oracle: Oracle, capsys: pytest.CaptureFixture[str]) -> None:
    random = Random(SEED)
    data = {unit["unit"]: unit for unit in recorded("units.jsonl") if unit["k8s_ok"]}
    units = {number: Unit(unit) for number, unit in data.items()}
    recordings = recorded("verdicts.jsonl")
    cases = []
    for _ in range(max(COUNT // 2, 1)):
        case = random.choice(recordings)
        cases.append({**case, "object": _damaged(case["object"], random)})
    kind = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
    answers = oracle.ask(
        {
            "policy": data[case["unit"]] | (kind if data[case["unit"]]["hasParams"] else {}),
            "object": case["object"],
            "params": case["params"],
            "request": {"operation": "CREATE", "userInfo": {"username": "someone"}},
            "namespaceObject": {"metadata": {"name": "default"}},
        }
        for case in cases
    )
    wrong = []
    for case, answer in zip(cases, answers, strict=True):
        expected = {key: answer[key] for key in ("validations", "match", "messages")}
        if (found := units[case["unit"]].verdict(case)) != expected:
            wrong.append((case, found, expected))
    with capsys.disabled():
        print(f"\nagainst the API server's code: {len(cases)} policies over damaged objects, {len(wrong)} different")
    assert not wrong, wrong[:2]
