"""Hostile expressions and hostile data: no names but the table's, no hang, no memory, no crash but declared errors."""

from __future__ import annotations

import marshal
import re
import time
from contextlib import suppress
from random import Random
from types import CodeType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.cel import DYN, BudgetError, CompileError, Composition, Environment, EvaluationError
from policykit.cel.table import TABLE
from tests.cel.generator import BINDINGS, Generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENVIRONMENT = Environment(dict.fromkeys(BINDINGS, DYN))
#: The attributes that renderers write.
ATTRIBUTES = {"append", "endswith", "items", "startswith", "value"}
LOCAL = re.compile(r"g\d+")

HOSTILE = (
    "__import__('os').system('true')",
    "o.__class__.__mro__",
    "o.__class__",
    "s.format(['x'])",
    "''.__class__",
    "eval('1')",
    "V",
    "n.bail()",
    "t1",
    "[1].map(V, V)",
    "[1].map(n, [2].map(t1, n + t1))",
    "{'__builtins__': 1}.__builtins__",
    "o['\\'] + bail() + [\\'']",
    "'\\n\\r\\u2028\\\\\"\\''",
    "b'\\x00\\n\\''",
    "optional.of(1).__init__",
)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


def _names(expression: str) -> set[str]:
    program = ENVIRONMENT.compile(expression)
    parts = [part for codes in program._codes for part in marshal.loads(codes)]
    return {name for part in parts for code in _codes(part) for name in code.co_names}


def _foreign(names: set[str]) -> set[str]:
    return {n for n in names if n not in TABLE and n not in ATTRIBUTES and not LOCAL.fullmatch(n)}


def test_generated_code_names_only_the_table() -> None:
    random = Random(3)
    expressions = [*HOSTILE, *(Generator(random).expression(5) for _ in range(1500))]
    compiled = 0
    for expression in expressions:
        try:
            names = _names(expression)
        except CompileError:
            continue
        compiled += 1
        assert not _foreign(names), expression
    assert compiled > 500


def test_the_table_reaches_nothing_of_python() -> None:
    assert TABLE["__builtins__"] == {}
    assert not {"eval", "exec", "open", "getattr", "setattr", "globals", "__import__"} & TABLE.keys()


DEEP: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "(" * n + "1" + ")" * n,
    "lists": lambda n: "[" * n + "1" + "]" * n,
    "maps": lambda n: "{'a': " * n + "1" + "}" * n,
    "not": lambda n: "!" * n + "true",
    "sum": lambda n: "1" + " + 1" * n,
    "sums to the right": lambda n: "1 + (" * n + "1" + ")" * n,
    "selections": lambda n: "o" + ".a" * n,
    "indexes": lambda n: "l" + "[0]" * n,
    "calls": lambda n: "size(string(" * (n // 2) + "1" + "))" * (n // 2),
    "conditions": lambda n: "b ? 1 : (" * n + "1" + ")" * n,
    "and": lambda n: "b && (b || (" * (n // 2) + "b" + "))" * (n // 2),
    "loops": lambda n: "[1].all(x, " * n + "b" + ")" * n,
    "maps of maps": lambda n: "[1].map(x, " * n + "x" + ")" * n,
    "chains of loops": lambda n: "l" + ".filter(x, x > 0)" * n,
    "optionals": lambda n: "o" + ".?a" * n,
    "optMap": lambda n: "o.?a" + ".optMap(x, x)" * n,
    "optFlatMap": lambda n: "o.?a" + ".optFlatMap(x, [x][?0])" * n,
    "optMap within": lambda n: "o.?spec.optMap(x, " * n + "1" + ")" * n,
    "or": lambda n: " || ".join(["!b"] * n),
    "comparisons": lambda n: "b" + " == b" * n,
}


@pytest.mark.parametrize("shape", DEEP)
@pytest.mark.parametrize("depth", [20, 100, 240])
def test_deep_expressions_run(shape: str, depth: int) -> None:
    program = ENVIRONMENT.compile(DEEP[shape](depth))
    result = _outcome(program.evaluate, BINDINGS)
    assert not result.startswith("error") or re.search("no such key|no such overload|cost limit", result)


@pytest.mark.parametrize("shape", DEEP)
@pytest.mark.parametrize("depth", [2_000, 9_000])
def test_deeper_ones_are_refused_or_run(shape: str, depth: int) -> None:
    with suppress(CompileError, EvaluationError):
        ENVIRONMENT.compile(DEEP[shape](depth)).evaluate(BINDINGS)


def test_two_hundred_and_fifty_levels() -> None:
    assert ENVIRONMENT.compile(DEEP["parentheses"](250)).evaluate(BINDINGS) == 1
    assert ENVIRONMENT.compile(DEEP["not"](250)).evaluate(BINDINGS) is True


BIG = {"l": list(range(3_000)), "s": "a" * 1_000_000, "m": {str(i): i for i in range(3_000)}, "t": ["x" * 500] * 3_000}
COSTLY = (
    "l.all(a, l.all(b, l.all(c, a + b + c >= 0)))",
    "l.exists(a, l.exists(b, a * b < 0))",
    "l.map(a, l.map(b, l.map(c, c))).size() > 0",
    "l.all(a, s.contains(s + string(a)) || true)",
    "l.all(a, !s.contains('b'))",
    "l.all(a, !(s + 'a' == s + 'b'))",
    "l.all(a, !s.matches('(a*)*b'))",
    "l.all(a, t.all(b, b == t[0]))",
    "l.map(a, t).all(x, x == t)",
    "l.map(a, m).all(x, x == m)",
    "l.all(a, l.filter(b, b in l).size() > 0)",
    "[s + s].map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).size() == 1",
    "l.map(a, s + s).size() == 0",
    "[l].map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x)",
    "s.replace('', s).size() > 0",
    "s.split('').map(x, s.split('').size()).size() > 0",
    "l.map(a, s).join(s).size() > 0",
    "'%.999999999f'.format([1.5]) == ''",
    "lists.range(999999999).size() > 0",
    "l.map(a, lists.range(100000)).size() > 0",
    "l.distinct().size() > 0",
    "sets.contains(l + l, l + l)",
    "l.all(a, 1 / 0 > 0)",
    "l.all(a, l.all(b, a / 0 > b))",
    "l.transformMap(i, v, l).all(k, k >= 0)",
    "m.all(k, m.all(j, m[k] + m[j] >= 0))",
)


@pytest.mark.parametrize("expression", COSTLY)
def test_nothing_runs_longer_than_a_second(expression: str) -> None:
    program = Environment(dict.fromkeys(BIG, DYN)).compile(expression)
    start = time.process_time()
    result = _outcome(program.evaluate, BIG)
    assert not result.startswith("error") or re.search("cost limit|division by zero", result)
    assert time.process_time() - start < 1


def test_the_budget_is_for_no_operator_to_absorb() -> None:
    environment = Environment({"l": DYN})
    endless = "l.all(a, l.all(b, l.all(c, a + b + c >= 0)))"
    for expression in (f"{endless} || true", f"true || {endless}", f"!({endless}) && false"):
        program = environment.compile(expression)
        if expression.startswith("true"):
            assert program.evaluate({"l": list(range(3_000))}) is True
            continue
        with pytest.raises(BudgetError):
            program.evaluate({"l": list(range(3_000))})


def test_a_policy_has_a_budget_too() -> None:
    loops = "l.exists(a, l.exists(b, a + b < 0))"
    names = [f"v{i}" for i in range(40)]
    composition = Composition.compile(Environment({"l": DYN}), [(name, loops) for name in names])
    assert composition.environment is not None
    program = composition.environment.compile(" || ".join(f"variables.{name}" for name in names))
    start = time.process_time()
    with pytest.raises(BudgetError):
        program.evaluate(composition.bind({"l": list(range(700))}))
    assert time.process_time() - start < 5


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="abox.?[](){}'\"\\,:&|!=<>+-*/%0123456789 eun\n`é\u0000", max_size=40))
def test_any_text_compiles_or_says_why(text: str) -> None:
    with suppress(CompileError, EvaluationError):
        ENVIRONMENT.compile(text).evaluate(BINDINGS)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_compile_or_say_why(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with suppress(CompileError):
        ENVIRONMENT.compile(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**6), st.fixed_dictionaries(dict.fromkeys(BINDINGS, VALUES)))
def test_both_renderings_agree_on_any_data(seed: int, bindings: dict[str, Any]) -> None:
    try:
        program = ENVIRONMENT.compile(Generator(Random(seed)).expression(4))
    except CompileError:
        return
    assert _outcome(program.evaluate, bindings) == _outcome(program.evaluate_exactly, bindings)


def _outcome(evaluate: Any, bindings: dict[str, Any]) -> str:
    try:
        return repr(evaluate(bindings))
    except EvaluationError as error:
        return f"error: {error}"
