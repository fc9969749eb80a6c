"""Optional values (cel-go cel/library.go, OptionalTypes, since Kubernetes 1.28)."""

from __future__ import annotations

from typing import Any

from policykit.cel import syntax
from policykit.cel.errors import EvaluationError
from policykit.cel.library import function, member
from policykit.cel.operators import equal, known_list
from policykit.cel.types import BOOL, DYN, INT, STRING, ListType, MapType, OptionalType, Param
from policykit.cel.values import NONE, Duration, Optional

_K, _V = Param("K"), Param("V")
_OPTIONAL, _LIST, _MAP = OptionalType(_V), ListType(_V), MapType(_K, _V)


def of(value: Any) -> Optional:
    """`optional.of(value)`."""
    return Optional(value)


def of_non_zero_value(value: Any) -> Optional:
    """`optional.ofNonZeroValue(value)`: none for false, zero, empty and null."""
    zero = value is None or value == Duration(0) or (type(value) in _ZEROES and not value)
    return NONE if zero else Optional(value)


_ZEROES = (bool, int, float, str, bytes, list, dict)


def none() -> Optional:
    """`optional.none()`."""
    return NONE


def value(optional: Optional) -> Any:
    """`optional.value()`."""
    if optional is NONE:
        raise EvaluationError("optional.none() dereference")
    return optional.value


def has_value(optional: Optional) -> bool:
    """`optional.hasValue()`."""
    return optional is not NONE


def first(values: list[Any]) -> Optional:
    """`list.first()`."""
    return Optional(values[0]) if values else NONE


def last(values: list[Any]) -> Optional:
    """`list.last()`."""
    return Optional(values[-1]) if values else NONE


def unwrap(values: list[Any]) -> list[Any]:
    """`optional.unwrap(list)`: the values of those that have one."""
    for item in known_list(values):
        if type(item) is not Optional:
            from policykit.cel.operators import show

            raise EvaluationError(f"value {show(item)} is not optional")
    return [item.value for item in values if item is not NONE]


FUNCTIONS = (
    function("optional.of", (_V,), _OPTIONAL, of),
    function("optional.ofNonZeroValue", (_V,), _OPTIONAL, of_non_zero_value),
    function("optional.none", (), _OPTIONAL, none),
    member("value", (_OPTIONAL,), _V, value),
    member("hasValue", (_OPTIONAL,), BOOL, has_value),
    member("or", (_OPTIONAL, _OPTIONAL), _OPTIONAL, equal),
    member("orValue", (_OPTIONAL, _V), _V, equal),
    function(syntax.OPTIONAL_SELECT, (DYN, STRING), _OPTIONAL, equal),
    function(syntax.OPTIONAL_INDEX, (_LIST, INT), _OPTIONAL, equal),
    function(syntax.OPTIONAL_INDEX, (OptionalType(_LIST), INT), _OPTIONAL, equal),
    function(syntax.OPTIONAL_INDEX, (_MAP, _K), _OPTIONAL, equal),
    function(syntax.OPTIONAL_INDEX, (OptionalType(_MAP), _K), _OPTIONAL, equal),
    function(syntax.INDEX, (OptionalType(_LIST), INT), _OPTIONAL, equal),
    function(syntax.INDEX, (OptionalType(_MAP), _K), _OPTIONAL, equal),
    member("last", (_LIST,), _OPTIONAL, last),
    member("first", (_LIST,), _OPTIONAL, first),
    function("optional.unwrap", (ListType(_OPTIONAL),), _LIST, unwrap),
    member("unwrapOpt", (ListType(_OPTIONAL),), _LIST, unwrap),
)
TYPES = {"optional_type": _OPTIONAL}
