"""The steps and the memory that one evaluation may take: Kubernetes' cost limit of an expression, in its spirit.

A meter is a list of one number, the steps left. Loops charge it before they begin, functions whose time or
result grows with their arguments when they are called.
"""

from __future__ import annotations

from typing import Any, Final

from policykit.cel.errors import COST_EXCEEDED, BudgetError

#: Steps of one evaluation: Kubernetes' cost limit of one expression.
BUDGET: Final = 1_000_000
#: The longest text that a function may make, in characters.
LONGEST: Final = 10_000_000


def budget() -> list[int]:
    """The meter of one evaluation: the steps that are left."""
    return [BUDGET]


def charge(meter: list[int], steps: int) -> None:
    """Take steps off a meter; raises `BudgetError` when none are left."""
    meter[0] -= steps
    if meter[0] < 0:
        raise BudgetError(COST_EXCEEDED)


def weight(value: Any) -> int:
    """The steps that looking at all of a value takes: Kubernetes counts a tenth of a step for a character."""
    total = 0
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str | bytes):
            total += len(value) // 10
        elif isinstance(value, list | dict):
            total += len(value)
            inner = value.values() if isinstance(value, dict) else value
            waiting += [v for v in inner if type(v) in _SIZED]
    return total


_SIZED = frozenset({str, bytes, list, dict})


def bounded(size: int) -> None:
    """Raises `BudgetError` for a text or list of a size that no policy needs."""
    if size > LONGEST:
        raise BudgetError(COST_EXCEEDED)


def metered(meter: list[int], function: Any, *arguments: Any) -> Any:
    """Call a function whose time grows with its arguments, and take that off the meter."""
    charge(meter, 1 + sum(map(weight, arguments)))
    result = function(*arguments)
    charge(meter, weight(result))
    return result
