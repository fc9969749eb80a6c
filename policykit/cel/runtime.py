"""What generated code does beyond plain Python: logic with errors, iteration, literals, calls.

Conventions of the *exact* rendering, which all functions here keep: an error is an `EvaluationError` raised, an
unknown is an `Unknown` returned, and a function given an Unknown returns it. Messages are cel-go's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from policykit.cel.budget import Meter, charge
from policykit.cel.errors import BudgetError, EvaluationError
from policykit.cel.fields import MISSING
from policykit.cel.operators import UnknownOperand, show
from policykit.cel.values import NONE, MixedMap, Optional, UInt, type_name
from policykit.unknown import Unknown, merge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policykit.cel.library import Overload


class Bail(Exception):  # noqa: N818  not an error: the fast rendering gives up, the exact one answers
    """The fast rendering met what it does not handle."""


def bail(*_: Any) -> NoReturn:
    """Leave the fast rendering."""
    raise Bail


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


def elements(value: Any, meter: Meter, steps: int) -> Iterable[Any]:
    """What a comprehension of one variable goes over: elements of a list, keys of a map."""
    if type(value) is list or isinstance(value, dict):
        charge(meter, len(value) * steps)
        return value
    shown = _GO_NAMES.get(type(value)) or f"*types.{type(value).__name__}"
    raise EvaluationError(f"got '{shown}', expected iterable type")


def pairs(value: Any, meter: Meter, steps: int) -> Iterable[tuple[Any, Any]]:
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
