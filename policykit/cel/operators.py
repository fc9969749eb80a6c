"""Equality, membership and order of values of any type.

Given an Unknown each function returns it (both: merged), but where the answer does not depend on it.
"""

from __future__ import annotations

from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from policykit.cel.budget import Meter, charge
from policykit.cel.errors import EvaluationError
from policykit.cel.values import NONE, Duration, MixedMap, Optional, Timestamp, TypeValue, UInt
from policykit.unknown import Unknown, merge

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = frozenset({int, UInt, float})


def unknown_of(first: Any, second: Any) -> Unknown | None:
    """The unknown that two operands make, where one is."""
    if type(first) is Unknown:
        return merge(first, second) if type(second) is Unknown else first
    return second if type(second) is Unknown else None


class UnknownOperand(Exception):  # noqa: N818  not an error: whoever calls a library function returns the unknown
    """A value that an implementation looked at is not known."""

    def __init__(self, unknown: Unknown) -> None:
        self.unknown = unknown
        super().__init__("unknown operand")


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
    unknown = unknown_of(first, second)
    if unknown is not None:
        return unknown if _may_be_equal(first, second) else False
    kind, other = type(first), type(second)
    if kind is other and kind not in _CONTAINERS:
        return bool(first == second)
    if kind in NUMBERS and other in NUMBERS:
        return _same_number(first, second)
    if kind is list and other is list:
        return len(first) == len(second) and _all_equal(zip(first, second, strict=True))
    if isinstance(first, dict) and isinstance(second, dict):
        return _same_map(first, second)
    if kind is not other:
        return False
    return _same_optional(first, second)


def _may_be_equal(first: Any, second: Any) -> bool:
    """False for a text of which enough is known to tell that it is not the other one."""
    if type(first) is str:
        first, second = second, first
    return type(second) is not str or bool(first.can_be(second))


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


# membership


def contains(container: Any, value: Any) -> Any:
    """`value in container`: an unknown member decides nothing, but a known one may."""
    if type(container) is Unknown:
        return unknown_of(container, value)
    if type(value) is Unknown and isinstance(container, dict):
        container = list(container)
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


def known_contains(container: Any, value: Any, meter: Meter | None = None) -> bool:
    """`contains`; raises `UnknownOperand` for an unknown. With a meter, what is looked at is charged."""
    if meter is not None and type(container) is list:
        charge(meter, len(container))
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
        unknown = unknown_of(first, second)
        if unknown is not None:
            return unknown
        kind, other = type(first), type(second)
        if kind not in _COMPARABLE:
            raise no_overload(first, symbol)
        if kind is float and first != first:
            raise EvaluationError("NaN values cannot be ordered")
        if kind in NUMBERS and other in NUMBERS:
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
