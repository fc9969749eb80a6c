"""What generated code does beyond plain Python: fields, optionals, logic with errors, iteration, budgets.

Conventions of the *exact* rendering, which all functions here keep: an error is an `EvaluationError` raised, an
unknown is an `Unknown` returned, and a function given an Unknown returns it. Messages are cel-go's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from policykit.cel.errors import COST_EXCEEDED, BudgetError, EvaluationError
from policykit.cel.operators import UnknownOperand, lookup, show
from policykit.cel.values import INT_MAX, INT_MIN, NONE, MixedMap, Optional, UInt, type_name
from policykit.unknown import Unknown, merge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policykit.cel.library import Overload

#: Steps of one evaluation: Kubernetes' cost limit of one expression.
BUDGET: Final = 1_000_000
#: What a lookup gives for nothing.
MISSING: Final = object()


class Bail(Exception):  # noqa: N818  not an error: the fast rendering gives up, the exact one answers
    """The fast rendering met what it does not handle."""


def bail(*_: Any) -> NoReturn:
    """Leave the fast rendering."""
    raise Bail


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


#: The longest text that a function may make, in characters.
LONGEST: Final = 10_000_000


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


# fields


def variable(bindings: Any, name: str) -> Any:
    """The value that a global name is bound to."""
    try:
        return bindings[name]
    except KeyError:
        raise EvaluationError(f"no such attribute(s): {name}") from None


def select(operand: Any, field: str) -> Any:
    """`operand.field`."""
    if isinstance(operand, dict):
        try:
            return operand[field]
        except KeyError:
            raise EvaluationError(f"no such key: {field}") from None
    if type(operand) is Unknown:
        return operand
    if type(operand) is Optional:
        return optional_select(operand, field)
    if type(operand) is list:
        raise EvaluationError("unsupported index type 'string' in list")
    raise EvaluationError(f"no such key: {field}")


def has(operand: Any, field: str) -> Any:
    """`has(operand.field)`: false where the operand has no fields at all; unknown where the field's value is."""
    if type(operand) is Optional:
        if operand is NONE:
            return False
        operand = operand.value
    if isinstance(operand, dict):
        value = operand.get(field, MISSING)
        return value if type(value) is Unknown else value is not MISSING
    if type(operand) is Unknown:
        return operand
    if type(operand) is list:
        raise EvaluationError("unsupported index type 'string' in list")
    return False


def known_has(operand: Any, field: str) -> bool:
    """`has` for the fast rendering: leaves it for an unknown."""
    value = has(operand, field)
    if type(value) is Unknown:
        raise Bail
    return bool(value)


def index(operand: Any, key: Any) -> Any:
    """`operand[key]`."""
    if type(operand) is Unknown:
        return merge(operand, key) if type(key) is Unknown else operand
    if type(operand) is Optional:
        return optional_index(operand, key)
    value = _find(operand, key)
    if type(key) is Unknown:
        return key
    if value is MISSING:
        raise EvaluationError(f"{'index out of bounds' if type(operand) is list else 'no such key'}: {show(key)}")
    return value


def _find(operand: Any, key: Any) -> Any:
    """The element or entry at `key`, or `MISSING`; raises where the key can be no key."""
    kind = type(key)
    if kind is Unknown:
        return key
    if kind not in _KEYS:
        raise EvaluationError(f"invalid qualifier type: {_GO_TYPES.get(kind, type_name(key))}")
    if isinstance(operand, dict):
        return lookup(operand, key, MISSING)
    if type(operand) is not list:
        return MISSING
    if kind is str or kind is bool:
        raise EvaluationError(f"unsupported index type '{type_name(key)}' in list")
    if (kind is float and not key.is_integer()) or not INT_MIN <= key <= INT_MAX:
        raise EvaluationError(f"unsupported index value {show(key)} in list")
    position = int(key)
    return operand[position] if 0 <= position < len(operand) else MISSING


_KEYS = frozenset({str, int, UInt, bool, float, Unknown})
#: What Go calls the types of data; keys that are literals fail when the program is planned.
_GO_TYPES = {type(None): "<nil>", bytes: "types.Bytes", list: "[]interface {}", dict: "map[string]interface {}"}

# optionals


def optional_select(operand: Any, field: str) -> Any:
    """`operand.?field`, and `operand.field` of an optional."""
    if type(operand) is Optional:
        if operand is NONE:
            return NONE
        operand = operand.value
    value = reach(operand, field)
    if value is MISSING:
        return NONE
    return value if type(value) is Unknown else Optional(value)


def optional_index(operand: Any, key: Any) -> Any:
    """`operand[?key]`, and `operand[key]` of an optional."""
    if type(operand) is Optional:
        if operand is NONE:
            return NONE
        operand = operand.value
    if type(operand) is Unknown:
        return operand
    value = _find(operand, key)
    if value is MISSING:
        return NONE
    return value if type(value) is Unknown else Optional(value)


def reach(operand: Any, *fields: str) -> Any:
    """The value down a path of fields of which any may be absent, `MISSING` where one is."""
    for field in fields:
        if isinstance(operand, dict):
            operand = operand.get(field, MISSING)
            if operand is MISSING:
                return MISSING
        elif type(operand) is Unknown:
            return operand
        elif type(operand) is list:
            raise EvaluationError("unsupported index type 'string' in list")
        elif type(operand) is Optional:
            # Only a value inside of data can be one here, and data has none.
            raise EvaluationError(f"no such key: {field}")
        else:
            return MISSING
    return operand


# logic: an accumulator is True, False, an Unknown, or the first error


def absorb(error: EvaluationError) -> EvaluationError:
    """An error as a value, for the operators that can decide without it; a budget's end is for no one to absorb."""
    if isinstance(error, BudgetError):
        raise error
    return error


def also(so_far: Any, value: Any) -> Any:
    """`so_far && value`, where either may be an error or an unknown."""
    if value is False or so_far is False:
        return False
    return so_far if value is True else _worse(so_far, value)


def either(so_far: Any, value: Any) -> Any:
    """`so_far || value`, where either may be an error or an unknown."""
    if value is True or so_far is True:
        return True
    return so_far if value is False else _worse(so_far, value)


def _worse(so_far: Any, value: Any) -> Any:
    """Of two operands that do not decide: an unknown before an error, the first error before a later one."""
    if type(value) is Unknown:
        return merge(so_far, value) if type(so_far) is Unknown else value
    if type(so_far) is Unknown or isinstance(so_far, EvaluationError):
        return so_far
    return value if isinstance(value, EvaluationError) else EvaluationError("no such overload")


def settle(value: Any) -> Any:
    """The value of an accumulator; raises where it is an error."""
    if isinstance(value, EvaluationError):
        raise value
    return value


def condition(value: Any) -> Any:
    """The condition of `?:`: a bool or an unknown; raises for anything else."""
    if value is True or value is False or type(value) is Unknown:
        return value
    raise EvaluationError("no such overload")


def negate(value: Any) -> Any:
    """`!value`."""
    if value is True or value is False:
        return not value
    if type(value) is Unknown:
        return value
    raise EvaluationError("no such overload")


def despite(error: EvaluationError, *before: Any) -> Unknown:
    """What a strict function gives where an argument is an error: an unknown argument before it, or the error."""
    for value in before:
        if type(value) is Unknown:
            absorb(error)
            return value
    raise error


# comprehensions


def elements(value: Any, meter: list[int], steps: int) -> Iterable[Any]:
    """What a comprehension of one variable goes over: elements of a list, keys of a map."""
    if type(value) is list or isinstance(value, dict):
        charge(meter, len(value) * steps)
        return value
    shown = _GO_NAMES.get(type(value)) or f"*types.{type(value).__name__}"
    raise EvaluationError(f"got '{shown}', expected iterable type")


def pairs(value: Any, meter: list[int], steps: int) -> Iterable[tuple[Any, Any]]:
    """What a comprehension of two variables goes over: indexes and elements, or keys and values."""
    if type(value) is list:
        charge(meter, len(value) * steps)
        return enumerate(value)
    if isinstance(value, dict):
        charge(meter, len(value) * steps)
        return value.items()
    shown = _GO_NAMES.get(type(value)) or f"*types.{type(value).__name__}"
    raise EvaluationError(f"unsupported comprehension range type: {shown}")


_GO_NAMES: dict[type, str] = {
    bool: "types.Bool",
    int: "types.Int",
    UInt: "types.Uint",
    float: "types.Double",
    str: "types.String",
    bytes: "types.Bytes",
    type(None): "types.Null",
}


def no_condition(value: Any) -> Any:
    """What a predicate that is neither true nor false makes of the whole comprehension."""
    return value if type(value) is Unknown else EvaluationError("no such overload")


def insert(into: dict[Any, Any], key: Any, value: Any) -> None:
    """Add an entry to the map that a comprehension builds."""
    try:
        there = key in into
    except TypeError:
        raise EvaluationError(f"unsupported key type: {type_name(key)}") from None
    if there:
        raise EvaluationError(f"insert failed: key {show(key)} already exists")
    into[key] = value


def insert_all(into: dict[Any, Any], entries: Any) -> None:
    """Add the entries of a map to the map that a comprehension builds."""
    if not isinstance(entries, dict):
        raise EvaluationError("no such overload")
    for key, value in entries.items():
        insert(into, key, value)


# literals


def some(value: Any) -> tuple[Any, ...]:
    """The elements that `?value` adds to a list."""
    if type(value) is Optional:
        return () if value is NONE else (value.value,)
    if type(value) is Unknown:
        return (value,)
    raise EvaluationError(f"cannot initialize optional list element from non-optional value {show(value)}")


def map_of(entries: tuple[tuple[Any, Any, bool], ...]) -> Any:
    """A map of keys, values, and whether the value is marked with `?`."""
    kept: list[tuple[Any, Any]] = []
    for key, value, optional in entries:
        if type(key) is Unknown:
            return key
        if optional and type(value) is not Unknown:
            if type(value) is not Optional:
                shown = f"'{show(key)}' from non-optional value {show(value)}"
                raise EvaluationError(f"cannot initialize optional entry {shown}")
            value = MISSING if value is NONE else value.value
        kept.append((key, value))
    return _map(kept)


def _map(entries: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """A map of entries, of which a later one replaces an earlier one; `MISSING` only removes."""
    if len({type(key) for key, _ in entries} & _CONFUSED) > 1:
        mixed = MixedMap()
        for key, value in entries:
            mixed.discard(key)
            if value is not MISSING:
                mixed.add(key, value)
        return mixed
    made: dict[Any, Any] = {}
    for key, value in entries:
        try:
            made[key] = value
        except TypeError:
            raise EvaluationError(f"unsupported key type: {type_name(key)}") from None
    return {key: value for key, value in made.items() if value is not MISSING}


#: Types of keys of which Python takes one for the other.
_CONFUSED = frozenset({int, UInt, bool, float})


# calls of library functions


def call(overload: Overload, *arguments: Any) -> Any:
    """Call a library function with arguments of whatever type."""
    return call_any(overload.name, (overload,), *arguments)


def call_compiled(overload: Overload, *arguments: Any) -> Any:
    """Call a library function whose regular expression is constant: it names no types where they do not fit."""
    if Unknown not in map(type, arguments) and not overload.accepts(arguments):
        raise EvaluationError("no such overload")
    return call(overload, *arguments)


def call_any(name: str, overloads: tuple[Overload, ...], *arguments: Any) -> Any:
    """Call the overload that fits the arguments, unknown if an argument is."""
    unknown: Unknown | None = None
    for argument in arguments:
        if type(argument) is Unknown:
            unknown = argument if unknown is None else merge(unknown, argument)
    if unknown is not None:
        return unknown
    for overload in overloads:
        if overload.accepts(arguments):
            try:
                return overload.implementation(*arguments)
            except UnknownOperand as met:
                return met.unknown
    shown = ", ".join(map(type_name, arguments))
    raise EvaluationError(f"no such overload: {name}({shown})")
