"""Lists: Kubernetes' own functions (apiserver pkg/cel/library/lists.go) and, since 1.34, cel-go's (ext/lists.go)."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

from policykit.cel.arithmetic import add
from policykit.cel.errors import COST_EXCEEDED, BudgetError, EvaluationError
from policykit.cel.library import function, member
from policykit.cel.operators import known_equal, known_list, less, no_overload
from policykit.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    Param,
)
from policykit.cel.values import Duration, Timestamp, UInt

_T = Param("T")
_LIST = ListType(_T)
_COMPARABLE = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
_CLASSES = (int, UInt, float, bool, Duration, Timestamp, str, bytes)
#: The longest list that a function may make.
_LONGEST = 1_000_000


def is_sorted(values: list[Any]) -> bool:
    """`list.isSorted()`."""
    previous = None
    for value in known_list(values):
        if type(value) not in _CLASSES:
            raise EvaluationError("no such overload")
        if previous is not None and _before(value, previous):
            return False
        previous = value
    return True


def _before(first: Any, second: Any) -> bool:
    """Whether values are in this order; two that have none are not, as in Kubernetes."""
    try:
        return bool(less(first, second))
    except EvaluationError:
        return False


def _sum(values: list[Any], zero: Any) -> Any:
    total = zero
    for value in known_list(values):
        total = add(total, value, [_LONGEST])
    return total


def sum_int(values: list[Any]) -> Any:
    """`list.sum()` of ints."""
    return _sum(values, 0)


def sum_uint(values: list[Any]) -> Any:
    """`list.sum()` of uints."""
    return _sum(values, UInt(0))


def sum_double(values: list[Any]) -> Any:
    """`list.sum()` of doubles."""
    return _sum(values, 0.0)


def sum_duration(values: list[Any]) -> Any:
    """`list.sum()` of durations."""
    return _sum(values, Duration(0))


def _best(name: str, values: list[Any], better: Any) -> Any:
    if not known_list(values):
        raise EvaluationError(f"{name} called on empty list")
    best = values[0]
    if type(best) not in _CLASSES:
        raise EvaluationError("no such overload")
    for value in values[1:]:
        if type(value) not in _CLASSES:
            raise EvaluationError("no such overload")
        if better(best, value):
            best = value
    return best


def _after(first: Any, second: Any) -> bool:
    return _before(second, first)


def maximum(values: list[Any]) -> Any:
    """`list.max()`."""
    return _best("max", values, _before)


def minimum(values: list[Any]) -> Any:
    """`list.min()`."""
    return _best("min", values, _after)


def index_of(values: list[Any], value: Any) -> int:
    """`list.indexOf(value)`, -1 where it is not."""
    return next((i for i, v in enumerate(values) if known_equal(v, value)), -1)


def last_index_of(values: list[Any], value: Any) -> int:
    """`list.lastIndexOf(value)`, -1 where it is not."""
    return next((i for i in range(len(values) - 1, -1, -1) if known_equal(values[i], value)), -1)


def slice_(values: list[Any], start: int, end: int) -> list[Any]:
    """`list.slice(start, end)`."""
    prefix = f"cannot slice({start}, {end}), "
    if start < 0 or end < 0:
        raise EvaluationError(f"{prefix}negative indexes not supported")
    if start > end:
        raise EvaluationError(f"{prefix}start index must be less than or equal to end index")
    if len(values) < end:
        raise EvaluationError(f"{prefix}list is length {len(values)}")
    return values[start:end]


def flatten(values: list[Any]) -> list[Any]:
    """`list.flatten()`: one level."""
    return flatten_deep(values, 1)


def flatten_deep(values: list[Any], depth: int) -> list[Any]:
    """`list.flatten(depth)`."""
    if type(values) is not list or type(depth) is not int:
        raise EvaluationError("no such overload: flatten")
    if depth < 0:
        raise EvaluationError("level must be non-negative")
    flat = values
    while depth and any(type(v) is list for v in flat):
        if sum(len(v) if type(v) is list else 1 for v in flat) > _LONGEST:
            raise BudgetError(COST_EXCEEDED)
        flat = [inner for v in flat for inner in (v if type(v) is list else (v,))]
        depth -= 1
    return flat


def sort(values: list[Any]) -> list[Any]:
    """`list.sort()`."""
    if type(values) is not list:
        raise no_overload(values, "sort")
    return sort_by(values, values)


def sort_by(values: list[Any], keys: list[Any]) -> list[Any]:
    """`list.sortBy(x, key)`: the values in the order of their keys."""
    if type(values) is not list or type(keys) is not list:
        raise EvaluationError("no such overload")
    known_list(keys)
    if len(values) != len(keys):
        sizes = f"{len(values)} and {len(keys)}"
        raise EvaluationError(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, "
            f"but got {sizes} elements respectively"
        )
    if not keys:
        return values
    if type(keys[0]) not in _CLASSES:
        raise EvaluationError("list elements must be comparable")
    if any(type(key) is not type(keys[0]) for key in keys):
        raise EvaluationError("list elements must have the same type")
    pairs = sorted(zip(keys, values, strict=True), key=cmp_to_key(_compare))
    return [value for _, value in pairs]


def _compare(first: tuple[Any, Any], second: tuple[Any, Any]) -> int:
    return -1 if first[0] < second[0] else int(second[0] < first[0])


def range_(count: int) -> list[int]:
    """`lists.range(count)`."""
    if count > _LONGEST:
        raise BudgetError(COST_EXCEEDED)
    return list(range(count))


def reverse(values: list[Any]) -> list[Any]:
    """`list.reverse()`."""
    return values[::-1]


def distinct(values: list[Any]) -> list[Any]:
    """`list.distinct()`: the first of each that are equal."""
    if {type(v) for v in values} <= {str}:
        return list(dict.fromkeys(values))
    if len(values) > 1000:
        raise BudgetError(COST_EXCEEDED)
    unique: list[Any] = []
    for value in values:
        if not any(known_equal(value, other) for other in unique):
            unique.append(value)
    return unique


_SUMS = ((INT, sum_int), (UINT, sum_uint), (DOUBLE, sum_double), (DURATION, sum_duration))

FUNCTIONS = (
    *(member("isSorted", (ListType(t),), BOOL, is_sorted, linear=True) for t in _COMPARABLE),
    *(member("sum", (ListType(t),), t, f, linear=True) for t, f in _SUMS),
    *(member("max", (ListType(t),), t, maximum, linear=True) for t in _COMPARABLE),
    *(member("min", (ListType(t),), t, minimum, linear=True) for t in _COMPARABLE),
    member("indexOf", (_LIST, _T), INT, index_of, linear=True),
    member("lastIndexOf", (_LIST, _T), INT, last_index_of, linear=True),
    member("slice", (_LIST, INT, INT), _LIST, slice_, since=(1, 34), linear=True),
    member("flatten", (ListType(_LIST),), _LIST, flatten, since=(1, 34), linear=True, inexact=True),
    member("flatten", (ListType(DYN), INT), ListType(DYN), flatten_deep, since=(1, 34), linear=True, inexact=True),
    *(
        member("sort", (ListType(t),), ListType(t), sort, since=(1, 34), linear=True, inexact=True)
        for t in (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
    ),
    *(
        member("@sortByAssociatedKeys", (_LIST, ListType(t)), _LIST, sort_by, since=(1, 34), linear=True, inexact=True)
        for t in (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
    ),
    function("lists.range", (INT,), ListType(INT), range_, since=(1, 34), linear=True),
    member("reverse", (_LIST,), _LIST, reverse, since=(1, 34), linear=True),
    member("distinct", (_LIST,), _LIST, distinct, since=(1, 34), linear=True),
)
TYPES: dict[str, Any] = {}
