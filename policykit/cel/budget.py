"""The steps and the memory that one evaluation may take: Kubernetes' cost limit of an expression, in its spirit.

Loops charge a meter before they begin, functions whose time or result grows with their arguments when they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from policykit.cel.errors import COST_EXCEEDED, BudgetError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Steps of one evaluation: Kubernetes' cost limit of one expression.
BUDGET: Final = 1_000_000
#: Steps of all expressions of a policy together.
POLICY_BUDGET: Final = 10_000_000
#: The longest text that a function may make, in characters.
LONGEST: Final = 10_000_000


#: The steps that are left of an evaluation and, in a second place, the meter of the policy that it is part of.
Meter = list[Any]


class Bound(dict[str, Any]):
    """The bindings of all expressions of one policy, which share its budget."""

    __slots__ = ("meter",)

    def __init__(self, bindings: Mapping[str, Any]) -> None:
        super().__init__(bindings)
        self.meter: Meter = [POLICY_BUDGET]


def budget(bindings: Any) -> Meter:
    """The meter of one evaluation."""
    return [BUDGET, bindings.meter] if type(bindings) is Bound else [BUDGET]


def charge(meter: Meter, steps: int) -> None:
    """Take steps off a meter; raises `BudgetError` when none are left."""
    meter[0] -= steps
    if meter[0] < 0:
        raise BudgetError(COST_EXCEEDED)
    if len(meter) > 1:
        charge(meter[1], steps)


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


def metered(meter: Meter, function: Any, *arguments: Any) -> Any:
    """Call a function whose time grows with its arguments, and take that off the meter."""
    charge(meter, 1 + sum(map(weight, arguments)))
    result = function(*arguments)
    charge(meter, weight(result))
    return result
