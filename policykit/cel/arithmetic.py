"""Arithmetic, concatenation and size on values of any type, within the limits of CEL's types.

Given an Unknown each function returns it (both: merged). Overflow, division by zero and types that do not go
together raise `EvaluationError` with cel-go's message.
"""

from __future__ import annotations

from typing import Any

from policykit.cel.budget import Meter, charge
from policykit.cel.errors import EvaluationError
from policykit.cel.operators import NUMBERS, no_overload, unknown_of
from policykit.cel.values import INT_MAX, INT_MIN, UINT_MAX, Duration, Timestamp, UInt
from policykit.unknown import Unknown

_DAY_ZERO = -62135596800 * 10**9
_LAST_DAY = 253402300800 * 10**9 - 1


def integer(value: int) -> int:
    """An int within 64 bits."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvaluationError("integer overflow")


def unsigned(value: int) -> UInt:
    """A uint within 64 bits."""
    if 0 <= value <= UINT_MAX:
        return UInt(value)
    raise EvaluationError("unsigned integer overflow")


def moment(nanoseconds: int, offset: int = 0) -> Timestamp:
    """A timestamp within the years 1 to 9999."""
    if _DAY_ZERO <= nanoseconds <= _LAST_DAY:
        return Timestamp(nanoseconds, offset)
    raise EvaluationError("timestamp overflow")


def add(first: Any, second: Any, meter: Meter) -> Any:
    """`first + second`; what is put together is charged, so that memory is bounded."""
    kind = type(first)
    if kind is type(second):
        if kind is str or kind is bytes:
            charge(meter, (len(first) + len(second)) // 10)
            return first + second
        if kind is list:
            charge(meter, len(first) + len(second))
            return first + second
        if kind is int:
            return integer(first + second)
        if kind is float:
            return first + second
        if kind is UInt:
            return unsigned(int(first) + int(second))
        if kind is Duration:
            return Duration(integer(first.nanoseconds + second.nanoseconds))
    unknown = unknown_of(first, second)
    if unknown is not None:
        return unknown
    if kind is Timestamp and type(second) is Duration:
        return moment(first.nanoseconds + second.nanoseconds, first.offset)
    if kind is Duration and type(second) is Timestamp:
        return moment(first.nanoseconds + second.nanoseconds, second.offset)
    if kind in _ADDABLE:
        raise EvaluationError("no such overload")
    raise EvaluationError("no such overload: _+_")


_ADDABLE = frozenset({str, bytes, list, int, float, UInt, Duration, Timestamp})


def subtract(first: Any, second: Any) -> Any:
    """`first - second`."""
    kind = type(first)
    if kind is type(second):
        if kind is int:
            return integer(first - second)
        if kind is float:
            return first - second
        if kind is UInt:
            return unsigned(int(first) - int(second))
        if kind is Duration:
            return Duration(integer(first.nanoseconds - second.nanoseconds))
        if kind is Timestamp:
            return Duration(integer(first.nanoseconds - second.nanoseconds))
    unknown = unknown_of(first, second)
    if unknown is not None:
        return unknown
    if kind is Timestamp and type(second) is Duration:
        return moment(first.nanoseconds + integer(-second.nanoseconds), first.offset)
    if kind in {int, float, UInt, Duration, Timestamp}:
        raise EvaluationError("no such overload")
    raise no_overload(first, "_-_")


def _numbers(symbol: str, first: Any, second: Any, *, doubles: bool) -> Any:
    """None where two operands are numbers of one type, the unknown where one is; raises otherwise."""
    kind = type(first)
    if kind is type(second) and kind in NUMBERS and (doubles or kind is not float):
        return None
    unknown = unknown_of(first, second)
    if unknown is not None:
        return unknown
    if kind in NUMBERS and (doubles or kind is not float):
        raise EvaluationError("no such overload")
    raise no_overload(first, symbol)


def multiply(first: Any, second: Any) -> Any:
    """`first * second`."""
    unknown = _numbers("_*_", first, second, doubles=True)
    if unknown is not None:
        return unknown
    if type(first) is float:
        return first * second
    return integer(first * second) if type(first) is int else unsigned(int(first) * int(second))


def divide(first: Any, second: Any) -> Any:
    """`first / second`: integers towards zero, doubles by IEEE 754."""
    unknown = _numbers("_/_", first, second, doubles=True)
    if unknown is not None:
        return unknown
    if type(first) is float:
        return _divide_doubles(first, second)
    if second == 0:
        raise EvaluationError("division by zero")
    quotient = abs(int(first)) // abs(int(second))
    if type(first) is UInt:
        return UInt(quotient)
    return integer(quotient if (first < 0) == (second < 0) else -quotient)


def _divide_doubles(first: float, second: float) -> float:
    if second != 0:
        return first / second
    from math import copysign, inf, isnan, nan

    if first == 0 or isnan(first):
        return nan
    return copysign(inf, first) * copysign(1.0, second)


def modulo(first: Any, second: Any) -> Any:
    """`first % second`: the sign is the dividend's."""
    unknown = _numbers("_%_", first, second, doubles=False)
    if unknown is not None:
        return unknown
    if second == 0:
        raise EvaluationError("modulus by zero")
    if type(first) is UInt:
        return UInt(int(first) % int(second))
    if first == INT_MIN and second == -1:
        raise EvaluationError("integer overflow")
    rest = abs(first) % abs(second)
    return -rest if first < 0 else rest


def minus(value: Any) -> Any:
    """`-value`."""
    kind = type(value)
    if kind is int:
        return integer(-value)
    if kind is float:
        return -value
    if kind is Duration:
        return Duration(integer(-value.nanoseconds))
    if kind is Unknown:
        return value
    if kind is bool or kind is str or kind is Timestamp:
        raise EvaluationError("no such overload")
    raise EvaluationError("no such overload: -_")


def size(value: Any) -> Any:
    """`size(value)`: characters, bytes, elements or entries."""
    if type(value) in _SIZED or isinstance(value, dict):
        return len(value)
    if type(value) is Unknown:
        return value
    raise no_overload(value, "size")


_SIZED = frozenset({str, bytes, list, dict})
