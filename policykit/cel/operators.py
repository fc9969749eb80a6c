"""The operators of CEL on values of any type: equality, order, arithmetic, membership.

Given an Unknown each returns it (both: merged). Overflow, division by zero and types that do not go together
raise `EvaluationError` with cel-go's message.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from policykit.cel.errors import COST_EXCEEDED, BudgetError, EvaluationError
from policykit.cel.values import INT_MAX, INT_MIN, NONE, UINT_MAX, Duration, MixedMap, Optional, Timestamp, TypeValue, UInt
from policykit.unknown import Unknown, merge

_NUMBERS = frozenset({int, UInt, float})
_DAY_ZERO = -62135596800 * 10**9
_LAST_DAY = 253402300800 * 10**9 - 1


def _unknown(first: Any, second: Any) -> Unknown | None:
    """The unknown that two operands make, where one is."""
    if type(first) is Unknown:
        return merge(first, second) if type(second) is Unknown else first
    return second if type(second) is Unknown else None


def show(value: Any) -> str:
    """A value as messages print it (Go's %v of a CEL value)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        from policykit.cel.numbers import shortest

        return shortest(value)
    if isinstance(value, int):
        return str(int(value))
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in value.items()) + "}"
    return value.name if isinstance(value, TypeValue) else str(value)


# equality


def equal(first: Any, second: Any) -> Any:
    """`first == second`: values of types that do not go together are not equal; unknown only where it matters."""
    unknown = _unknown(first, second)
    if unknown is not None:
        return unknown
    kind, other = type(first), type(second)
    if kind is other and kind not in _CONTAINERS:
        return bool(first == second)
    if kind in _NUMBERS and other in _NUMBERS:
        return _same_number(first, second)
    if kind is list and other is list:
        return len(first) == len(second) and _all_equal(zip(first, second, strict=True))
    if isinstance(first, dict) and isinstance(second, dict):
        return _same_map(first, second)
    if kind is not other:
        return False
    return _same_optional(first, second)


def _same_number(first: Any, second: Any) -> bool:
    """Equality across number types as cel-go compares: an integer is made a double, where one is."""
    if type(first) is float or type(second) is float:
        return float(first) == float(second)
    return int(first) == int(second)


def _same_optional(first: Optional, second: Optional) -> Any:
    if first is NONE or second is NONE:
        return first is second
    return equal(first.value, second.value)


def _all_equal(of: Any) -> Any:
    unknown: Unknown | None = None
    for first, second in of:
        same = equal(first, second)
        if same is False:
            return False
        if same is not True:
            unknown = same if unknown is None else merge(unknown, same)
    return True if unknown is None else unknown


def _same_map(first: dict[Any, Any], second: dict[Any, Any]) -> Any:
    if len(first) != len(second):
        return False
    found = [(value, lookup(second, key, _ABSENT)) for key, value in first.items()]
    if any(other is _ABSENT for _, other in found):
        return False
    return _all_equal(found)


_ABSENT = object()


#: Types whose own equality is not CEL's.
_CONTAINERS = frozenset({list, dict, Optional})


class UnknownOperand(Exception):  # noqa: N818  not an error: whoever calls a library function returns the unknown
    """A value that an implementation looked at is not known."""

    def __init__(self, unknown: Unknown) -> None:
        self.unknown = unknown
        super().__init__("unknown operand")


def known_equal(first: Any, second: Any) -> bool:
    """`equal`; raises `UnknownOperand` for an unknown."""
    same = equal(first, second)
    if type(same) is Unknown:
        raise UnknownOperand(same)
    return bool(same)


def known_list(values: list[Any]) -> list[Any]:
    """A list of which every element is known; raises `UnknownOperand`."""
    if Unknown in map(type, values):
        raise UnknownOperand(next(v for v in values if type(v) is Unknown))
    return values


def differs(value: Any) -> bool:
    """False for a value that is known; raises for an Unknown (fast rendering)."""
    if type(value) is Unknown:
        raise UnknownOperand(value)
    return False


def lookup(entries: dict[Any, Any], key: Any, default: Any) -> Any:
    """The value of a key in a map: numbers match across types, a bool matches only a bool."""
    if type(key) is str:
        return entries.get(key, default)
    if type(entries) is MixedMap:
        return entries.get(key, default)
    if type(key) is float and not key.is_integer():
        return default
    try:
        value = entries.get(key, default)
    except TypeError:  # a list or a map is no key of any map
        return default
    if value is default:
        return default
    # Python takes True for 1: only the key that is there can tell.
    there = next(k for k in entries if k == key)
    return value if (type(there) is bool) == (type(key) is bool) else default


def contains(container: Any, value: Any) -> Any:
    """`value in container`: an unknown member decides nothing, but a known one may."""
    if type(container) is Unknown or type(value) is Unknown:
        return _unknown(container, value)
    if isinstance(container, dict):
        return lookup(container, value, _ABSENT) is not _ABSENT
    if type(container) is not list and type(container) is not tuple:
        raise EvaluationError("no such overload")
    unknown: Unknown | None = None
    if type(value) is str:
        if value in container:
            return True
        if Unknown not in map(type, container):
            return False
    for member in container:
        same = equal(value, member)
        if same is True:
            return True
        if same is not False:
            unknown = same if unknown is None else merge(unknown, same)
    return False if unknown is None else unknown


def known_contains(container: Any, value: Any, meter: list[int] | None = None) -> bool:
    """`contains`; raises `UnknownOperand` for an unknown. With a meter, what is looked at is charged."""
    if meter is not None and type(container) is list:
        _room(meter, len(container))
    found = contains(container, value)
    if type(found) is Unknown:
        raise UnknownOperand(found)
    return bool(found)


# order

_COMPARABLE = frozenset({bool, int, UInt, float, str, bytes, Timestamp, Duration})
_RECEIVERS = frozenset({str, Timestamp, Duration})


def no_overload(first: Any, symbol: str) -> EvaluationError:
    """cel-go names the function only where the first operand's type knows no methods at all."""
    return EvaluationError("no such overload" if type(first) in _RECEIVERS else f"no such overload: {symbol}")


def _order(symbol: str, test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def compare(first: Any, second: Any) -> Any:
        unknown = _unknown(first, second)
        if unknown is not None:
            return unknown
        kind, other = type(first), type(second)
        if kind not in _COMPARABLE:
            raise no_overload(first, symbol)
        if kind is float and first != first:
            raise EvaluationError("NaN values cannot be ordered")
        if kind in _NUMBERS and other in _NUMBERS:
            if second != second:
                raise EvaluationError("NaN values cannot be ordered")
            if kind is float or other is float:
                return test(float(first), float(second))
            return test(int(first), int(second))
        if kind is not other:
            raise EvaluationError("no such overload")
        return test(first, second)

    return compare


def _known(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    """A comparison that raises `UnknownOperand` for an unknown."""

    def known(first: Any, second: Any) -> bool:
        result = compare(first, second)
        if type(result) is Unknown:
            raise UnknownOperand(result)
        return bool(result)

    return known


less = _order("_<_", lt)
less_equal = _order("_<=_", le)
greater = _order("_>_", gt)
greater_equal = _order("_>=_", ge)
known_less, known_less_equal = _known(less), _known(less_equal)
known_greater, known_greater_equal = _known(greater), _known(greater_equal)

# arithmetic


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


def add(first: Any, second: Any, meter: list[int]) -> Any:
    """`first + second`; what is put together is charged, so that memory is bounded."""
    kind = type(first)
    if kind is type(second):
        if kind is str or kind is bytes:
            _room(meter, (len(first) + len(second)) // 10)
            return first + second
        if kind is list:
            _room(meter, len(first) + len(second))
            return first + second
        if kind is int:
            return integer(first + second)
        if kind is float:
            return first + second
        if kind is UInt:
            return unsigned(int(first) + int(second))
        if kind is Duration:
            return Duration(integer(first.nanoseconds + second.nanoseconds))
    unknown = _unknown(first, second)
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


def _room(meter: list[int], steps: int) -> None:
    meter[0] -= steps
    if meter[0] < 0:
        raise BudgetError(COST_EXCEEDED)


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
    unknown = _unknown(first, second)
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
    if kind is type(second) and kind in _NUMBERS and (doubles or kind is not float):
        return None
    unknown = _unknown(first, second)
    if unknown is not None:
        return unknown
    if kind in _NUMBERS and (doubles or kind is not float):
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
