"""Lists as sets (cel-go ext/sets.go, since Kubernetes 1.29)."""

from __future__ import annotations

from typing import Any

from policykit.cel.errors import COST_EXCEEDED, BudgetError
from policykit.cel.library import function
from policykit.cel.operators import UnknownOperand, contains
from policykit.cel.types import BOOL, ListType, Param
from policykit.unknown import Unknown

_LIST = ListType(Param("T"))
#: The most comparisons of one call: Kubernetes counts each as a step.
_COMPARISONS = 1_000_000


def _found(values: list[Any], among: list[Any], *, stop: bool) -> bool:
    """Whether a value is (`stop` true) or is not (false) among others; an unknown decides nothing."""
    if len(values) * len(among) > _COMPARISONS:
        raise BudgetError(COST_EXCEEDED)
    unknown: Unknown | None = None
    for value in values:
        found = contains(among, value)
        if found is stop:
            return True
        if type(found) is Unknown:
            unknown = found
    if unknown is not None:
        raise UnknownOperand(unknown)
    return False


def sets_contains(values: list[Any], others: list[Any]) -> bool:
    """`sets.contains(values, others)`: every one of the others is among the values."""
    return not _found(others, values, stop=False)


def sets_equivalent(first: list[Any], second: list[Any]) -> bool:
    """`sets.equivalent(first, second)`: each contains the other."""
    return sets_contains(first, second) and sets_contains(second, first)


def sets_intersects(first: list[Any], second: list[Any]) -> bool:
    """`sets.intersects(first, second)`: one of the first is among the second."""
    return _found(first, second, stop=True)


FUNCTIONS = (
    function("sets.contains", (_LIST, _LIST), BOOL, sets_contains, linear=True),
    function("sets.equivalent", (_LIST, _LIST), BOOL, sets_equivalent, linear=True),
    function("sets.intersects", (_LIST, _LIST), BOOL, sets_intersects, linear=True),
)
TYPES: dict[str, Any] = {}
