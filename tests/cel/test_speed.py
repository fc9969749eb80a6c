"""Speed against hand-written Python that does the same, in one run: ratios carry over from machine to machine."""

from __future__ import annotations

import re
import sys
from functools import partial
from subprocess import run
from time import perf_counter
from typing import TYPE_CHECKING, Any

from policykit.cel import DYN, CompileError, Composition, Environment, EvaluationError, Program
from policykit.cel.kubernetes import admission_variables
from tests.cel.byhand import NotCovered, by_hand
from tests.cel.test_conformance import bindings
from tests.cel.wire import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

IMAGE = re.compile(r"^registry\.example\.com/[a-z]+/[a-z0-9-]+:[0-9.]+$")
OBJECT = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {
        "replicas": 3,
        "containers": [
            {
                "image": f"registry.example.com/team/app-{i}:1.{i}",
                "resources": {"limits": {"memory": "128Mi", "cpu": "1"}},
            }
            for i in range(5)
        ],
    },
}
LIMITS = (
    "object.spec.containers.all(c, has(c.resources) && has(c.resources.limits) && "
    "has(c.resources.limits.memory) && has(c.resources.limits.cpu))"
)
IMAGES = rf"object.spec.containers.all(c, c.image.matches(r'{IMAGE.pattern}'))"
TERMS = [
    *(f"object.metadata.labels.app != 'x{i}'" for i in range(10)),
    *(f"object.spec.replicas < {i + 10}" for i in range(10)),
]


def limits(o: dict[str, Any]) -> bool:
    return all(
        "resources" in c
        and "limits" in c["resources"]
        and "memory" in c["resources"]["limits"]
        and "cpu" in c["resources"]["limits"]
        for c in o["object"]["spec"]["containers"]
    )


def images(o: dict[str, Any]) -> bool:
    return all(IMAGE.search(c["image"]) is not None for c in o["object"]["spec"]["containers"])


def _round(call: Callable[[], Any], number: int) -> float:
    start = perf_counter()
    for _ in range(number):
        call()
    return (perf_counter() - start) / number


def _best(call: Callable[[], Any], number: int = 2_000) -> float:
    """Seconds of one call: the best of some rounds, so that other work on the machine does not count."""
    return min(_round(call, number) for _ in range(15))


def _ratio(call: Callable[[], Any], hand: Callable[[], Any], number: int = 500) -> float:
    """How many times longer a call takes than another; rounds of both by turns, the best of each."""
    rounds = [(_round(call, number), _round(hand, number)) for _ in range(30)]
    return min(ours for ours, _ in rounds) / min(theirs for _, theirs in rounds)


def test_three_expressions(capsys: pytest.CaptureFixture[str]) -> None:
    bound = {"object": OBJECT}
    ratios = {}
    for name, expression, hand in (
        ("limits of 5 containers", LIMITS, limits),
        ("regex over 5 images", IMAGES, images),
        ("20-term boolean", " && ".join(TERMS), by_hand(" && ".join(TERMS))),
    ):
        program = Environment({"object": DYN}).compile(expression)
        assert program.evaluate(bound) is hand(bound) is True
        ratios[name] = _ratio(partial(program.evaluate, bound), partial(hand, bound))
    with capsys.disabled():
        print("\ntimes hand-written Python:", ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()))
    assert sum(ratios.values()) / 3 <= 2.5


def _pairs() -> list[tuple[Program, Callable[[dict[str, Any]], Any], dict[str, Any]]]:
    """Validations of the real policies that read no variables, with one object each on which they have a value."""
    cases: dict[int, dict[str, Any]] = {}
    for case in recorded("verdicts.jsonl"):
        cases.setdefault(case["unit"], bindings(case))
    found: list[tuple[Program, Callable[[dict[str, Any]], Any], dict[str, Any]]] = []
    for unit in recorded("units.jsonl"):
        if not unit["k8s_ok"] or unit["unit"] not in cases:
            continue
        environment = Environment(admission_variables(params=unit["hasParams"]))
        composition = Composition.compile(environment, [(v["Name"], v["Expression"]) for v in unit["variables"]])
        assert composition.environment is not None
        bound = composition.bind(cases[unit["unit"]])
        for validation in unit["validations"]:
            try:
                program = composition.environment.compile(validation["Expression"])
                hand = by_hand(validation["Expression"])
                if program.evaluate(bound) is hand(bound):
                    found.append((program, hand, bound))
            except (NotCovered, CompileError, EvaluationError, LookupError, TypeError, AttributeError):
                continue
    return found


def test_real_policies(capsys: pytest.CaptureFixture[str]) -> None:
    """Validations of the units, variables evaluated before: where both sides give the same answer."""
    pairs = _pairs()
    ratios = [_ratio(partial(p.evaluate, b), partial(h, b), 30) for p, h, b in pairs]
    with capsys.disabled():
        average = sum(ratios) / len(ratios)
        print(f"\ntimes hand-written Python over {len(ratios)} validations: {average:.2f}, at most {max(ratios):.1f}")
    assert len(ratios) > 100
    assert average <= 2.5


def test_loading_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    dump = Environment({"object": DYN}).compile(LIMITS).dump()
    seconds = _best(lambda: Program.load(dump))
    with capsys.disabled():
        print(f"\nloading a cached program: {seconds * 1e6:.1f} µs")
    assert seconds <= 5e-6


def test_importing(capsys: pytest.CaptureFixture[str]) -> None:
    script = "import time; a = time.perf_counter(); import policykit.cel; print(time.perf_counter() - a)"
    seconds = min(
        float(run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout)
        for _ in range(5)
    )
    with capsys.disabled():
        print(f"\nimport policykit.cel: {seconds * 1e3:.1f} ms")
    assert seconds <= 0.015
