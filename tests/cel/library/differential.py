"""Runs a library's functions and the API server's on the same arguments.

`POLICYKIT_FUZZ` multiplies the number of examples: the suite takes a few, the same each time; a long run takes as many
as there is time for, new ones each time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings

from policykit.cel.errors import EvaluationError
from policykit.cel.library.format import Format
from policykit.cel.values import NONE, Optional

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracle import Oracle

#: The expression over variables `a`, `b`, ... -> the same in Python.
Functions = dict[str, "Callable[..., Any]"]

EFFORT = int(os.environ.get("POLICYKIT_FUZZ", "1"))
some_examples = settings(
    max_examples=25 * EFFORT,
    deadline=None,
    derandomize=EFFORT == 1,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def typed(value: Any) -> Any:
    """A value as the oracle writes it."""
    match value:
        case None:
            return ["null"]
        case bool():
            return ["bool", value]
        case int():
            return ["int", str(value)]
        case float():
            return ["double", {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), repr(value))]
        case str():
            return ["string", value]
        case list():
            return ["list", [typed(item) for item in value]]
        case dict():
            return ["map", sorted([typed(key), typed(held)] for key, held in value.items())]
        case Optional():
            return ["optional"] if value is NONE else ["optional", typed(value.value)]
        case Format():
            return ["object", value.cel_type]
    return [value.cel_type, str(value)]


def assert_same(oracle: Oracle, functions: Functions, cases: list[tuple[Any, ...]], limit: str = "\0") -> None:
    """Every function over every case gives the API server's value, or its error.

    `limit` is what an error says where only this implementation stops.
    """
    names = "abcdefgh"
    questions = [
        {"expr": expression, "bind": dict(zip(names, case, strict=False))} for case in cases for expression in functions
    ]
    answers = iter(oracle.ask(questions))
    for case in cases:
        for expression, function in functions.items():
            answer = next(answers)
            ours = outcome(function, case)
            if limit in str(ours):
                continue
            theirs = {key: answer[key] for key in ("value", "error", "compile_error", "panic") if key in answer}
            assert ours == theirs, (expression, case)


def outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> dict[str, Any]:
    try:
        return {"value": typed(function(*arguments))}
    except EvaluationError as error:
        return {"error": str(error)}
