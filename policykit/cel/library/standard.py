"""The standard library of CEL: operators, sizes, string tests, conversions (cel-go common/stdlib/standard.go).

Operators are declared here for the checker; generated code calls `policykit.cel.operators` for them.
"""

from __future__ import annotations

from typing import Any

from policykit.cel import arithmetic, operators, syntax
from policykit.cel.arithmetic import integer, moment, unsigned
from policykit.cel.errors import EvaluationError
from policykit.cel.library import Overload, function, member
from policykit.cel.numbers import parse_float, parse_int, shortest
from policykit.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    MapType,
    Param,
    Type,
    TypeType,
)
from policykit.cel.values import INT_MAX, INT_MIN, UINT_MAX, Duration, Timestamp, TypeValue, UInt, type_name

_A, _B = Param("A"), Param("B")
_LIST, _MAP = ListType(_A), MapType(_A, _B)


def _no_overload(*_: Any) -> Any:
    raise EvaluationError("no such overload")


def starts_with(text: Any, prefix: Any) -> bool:
    """`text.startsWith(prefix)`."""
    return text.startswith(prefix) if type(text) is type(prefix) is str else bool(_no_overload())


def ends_with(text: Any, suffix: Any) -> bool:
    """`text.endsWith(suffix)`."""
    return text.endswith(suffix) if type(text) is type(suffix) is str else bool(_no_overload())


def contains(text: Any, part: Any) -> bool:
    """`text.contains(part)`."""
    return part in text if type(text) is type(part) is str else bool(_no_overload())


def matches(text: Any, pattern: Any) -> bool:
    """`text.matches(pattern)`: whether an RE2 expression is found anywhere in the text."""
    if type(text) is not str or type(pattern) is not str:
        _no_overload()
    from policykit.cel import regex

    try:
        return bool(regex.compile(pattern).search(text))
    except regex.RegexError as error:
        raise EvaluationError(str(error)) from None


def type_of(value: Any) -> TypeValue:
    """`type(value)`."""
    return TypeValue(type_name(value))


def same(value: Any) -> Any:
    """The conversion of a value to the type it has."""
    return value


def _failed(source: str, target: str) -> EvaluationError:
    return EvaluationError(f"type conversion error from '{source}' to '{target}'")


_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def string_to_bool(text: str) -> bool:
    """`bool(text)`."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _failed("string", "bool")


def string_to_bytes(text: str) -> bytes:
    """`bytes(text)`."""
    return text.encode("utf-8", "replace")


def to_double(value: int) -> float:
    """`double(value)` of an int or uint."""
    return float(value)


def string_to_double(text: str) -> float:
    """`double(text)`."""
    try:
        return parse_float(text)
    except ValueError:
        raise _failed("string", "double") from None


def string_to_int(text: str) -> int:
    """`int(text)`."""
    try:
        value = parse_int(text)
    except ValueError:
        raise _failed("string", "int") from None
    if not INT_MIN <= value <= INT_MAX:
        raise _failed("string", "int")
    return value


def double_to_int(value: float) -> int:
    """`int(value)` of a double: towards zero; neither limit of 64 bits is a double that fits."""
    if not float(INT_MIN) < value < float(INT_MAX):
        raise EvaluationError("integer overflow")
    return int(value)


def uint_to_int(value: UInt) -> int:
    """`int(value)` of a uint."""
    return integer(int(value))


def duration_to_int(value: Duration) -> int:
    """`int(value)` of a duration: nanoseconds."""
    return value.nanoseconds


def timestamp_to_int(value: Timestamp) -> int:
    """`int(value)` of a timestamp: seconds since 1970."""
    return value.nanoseconds // 10**9


def int_to_uint(value: int) -> UInt:
    """`uint(value)` of an int."""
    return unsigned(value)


def double_to_uint(value: float) -> UInt:
    """`uint(value)` of a double: towards zero."""
    if not 0 <= value < 2.0**64:
        raise EvaluationError("unsigned integer overflow")
    return UInt(int(value))


def string_to_uint(text: str) -> UInt:
    """`uint(text)`."""
    try:
        value = parse_int(text)
    except ValueError:
        raise _failed("string", "uint") from None
    if not text[:1].isdigit() or value > UINT_MAX:
        raise _failed("string", "uint")
    return UInt(value)


def bool_to_string(value: bool) -> str:
    """`string(value)` of a bool."""
    return "true" if value else "false"


def bytes_to_string(value: bytes) -> str:
    """`string(value)` of bytes, which must be UTF-8."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None


def double_to_string(value: float) -> str:
    """`string(value)` of a double."""
    return shortest(value)


def int_to_string(value: int) -> str:
    """`string(value)` of an int or uint."""
    return str(int(value))


def duration_to_string(value: Duration) -> str:
    """`string(value)` of a duration."""
    from policykit.cel.library.times import duration_text

    return duration_text(value)


def timestamp_to_string(value: Timestamp) -> str:
    """`string(value)` of a timestamp."""
    from policykit.cel.library.times import timestamp_text

    return timestamp_text(value)


def int_to_timestamp(value: int) -> Timestamp:
    """`timestamp(value)`: seconds since 1970."""
    return moment(value * 10**9)


def string_to_timestamp(text: str) -> Timestamp:
    """`timestamp(text)`: RFC 3339."""
    from policykit.cel.library.times import parse_timestamp

    try:
        return parse_timestamp(text)
    except ValueError:
        raise _failed("string", "google.protobuf.Timestamp") from None


def int_to_duration(_: int) -> Duration:
    """`duration(value)`: nanoseconds; cel-go declares it and cannot do it."""
    raise _failed("int", "google.protobuf.Duration")


def string_to_duration(text: str) -> Duration:
    """`duration(text)`: `1h30m`, `1.5s`."""
    from policykit.cel.library.times import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        raise _failed("string", "google.protobuf.Duration") from None


def _operator(name: str, arguments: tuple[Type, ...], result: Type) -> Overload:
    # Numbers of two types can be compared since Kubernetes 1.28.
    mixed = name in _ORDER and arguments[0] != arguments[1]
    return function(name, arguments, result, operators.equal, since=(1, 28) if mixed else (1, 0))


_ORDER = ("_<_", "_<=_", "_>_", "_>=_")
_ORDERED = (
    (BOOL, BOOL),
    (INT, INT),
    (INT, DOUBLE),
    (INT, UINT),
    (UINT, UINT),
    (UINT, DOUBLE),
    (UINT, INT),
    (DOUBLE, DOUBLE),
    (DOUBLE, INT),
    (DOUBLE, UINT),
    (STRING, STRING),
    (BYTES, BYTES),
    (TIMESTAMP, TIMESTAMP),
    (DURATION, DURATION),
)
_CONVERSIONS: tuple[tuple[str, Type, tuple[tuple[Type, Any], ...]], ...] = (
    ("bool", BOOL, ((BOOL, same), (STRING, string_to_bool))),
    ("bytes", BYTES, ((BYTES, same), (STRING, string_to_bytes))),
    ("double", DOUBLE, ((DOUBLE, same), (INT, to_double), (STRING, string_to_double), (UINT, to_double))),
    ("duration", DURATION, ((DURATION, same), (INT, int_to_duration), (STRING, string_to_duration))),
    (
        "int",
        INT,
        (
            (INT, same),
            (DOUBLE, double_to_int),
            (DURATION, duration_to_int),
            (STRING, string_to_int),
            (TIMESTAMP, timestamp_to_int),
            (UINT, uint_to_int),
        ),
    ),
    (
        "string",
        STRING,
        (
            (STRING, same),
            (BOOL, bool_to_string),
            (BYTES, bytes_to_string),
            (DOUBLE, double_to_string),
            (DURATION, duration_to_string),
            (INT, int_to_string),
            (TIMESTAMP, timestamp_to_string),
            (UINT, int_to_string),
        ),
    ),
    ("timestamp", TIMESTAMP, ((TIMESTAMP, same), (INT, int_to_timestamp), (STRING, string_to_timestamp))),
    (
        "uint",
        UINT,
        ((UINT, same), (DOUBLE, double_to_uint), (INT, int_to_uint), (STRING, string_to_uint)),
    ),
)

#: Functions that the API server evaluates when it plans a program, where the argument is constant.
CONVERSIONS = frozenset({name for name, _, _ in _CONVERSIONS} | {"dyn", "type"})

OPERATORS = (
    _operator(syntax.CONDITIONAL, (BOOL, _A, _A), _A),
    _operator(syntax.AND, (BOOL, BOOL), BOOL),
    _operator(syntax.OR, (BOOL, BOOL), BOOL),
    _operator(syntax.NOT, (BOOL,), BOOL),
    _operator(syntax.NOT_STRICTLY_FALSE, (BOOL,), BOOL),
    _operator(syntax.EQUALS, (_A, _A), BOOL),
    _operator("_!=_", (_A, _A), BOOL),
    *(_operator(syntax.ADD, (t, t), t) for t in (BYTES, DOUBLE, DURATION)),
    _operator(syntax.ADD, (DURATION, TIMESTAMP), TIMESTAMP),
    _operator(syntax.ADD, (TIMESTAMP, DURATION), TIMESTAMP),
    _operator(syntax.ADD, (INT, INT), INT),
    _operator(syntax.ADD, (_LIST, _LIST), _LIST),
    *(_operator(syntax.ADD, (t, t), t) for t in (STRING, UINT)),
    *(_operator("_/_", (t, t), t) for t in (DOUBLE, INT, UINT)),
    *(_operator("_%_", (t, t), t) for t in (INT, UINT)),
    *(_operator("_*_", (t, t), t) for t in (DOUBLE, INT, UINT)),
    *(_operator(syntax.NEGATE, (t,), t) for t in (DOUBLE, INT)),
    *(_operator("_-_", (t, t), t) for t in (DOUBLE, DURATION, INT)),
    _operator("_-_", (TIMESTAMP, DURATION), TIMESTAMP),
    _operator("_-_", (TIMESTAMP, TIMESTAMP), DURATION),
    _operator("_-_", (UINT, UINT), UINT),
    *(_operator(name, pair, BOOL) for name in _ORDER for pair in _ORDERED),
    _operator(syntax.INDEX, (_LIST, INT), _A),
    _operator(syntax.INDEX, (_MAP, _A), _B),
    _operator(syntax.IN, (_A, _LIST), BOOL),
    _operator(syntax.IN, (_A, _MAP), BOOL),
)

FUNCTIONS = (
    *OPERATORS,
    *(f("size", (t,), INT, arithmetic.size) for t in (BYTES, _LIST, _MAP, STRING) for f in (function, member)),
    function("type", (_A,), TypeType(_A), type_of),
    function("dyn", (_A,), DYN, same),
    *(function(name, (t,), result, f) for name, result, sources in _CONVERSIONS for t, f in sources),
    member("contains", (STRING, STRING), BOOL, contains, linear=True, inexact=True),
    member("endsWith", (STRING, STRING), BOOL, ends_with, inexact=True),
    member("startsWith", (STRING, STRING), BOOL, starts_with, inexact=True),
    function("matches", (STRING, STRING), BOOL, matches, linear=True, inexact=True, regex=1),
    member("matches", (STRING, STRING), BOOL, matches, linear=True, inexact=True, regex=1),
)
TYPES = {
    t.name: t for t in (BOOL, BYTES, DOUBLE, DURATION, INT, _LIST, _MAP, NULL, STRING, TIMESTAMP, TypeType(), UINT)
}
