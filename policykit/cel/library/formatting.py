"""`text.format(list)` (cel-go ext/formatting.go, since Kubernetes 1.29): evaluation, and the check of literal calls.

Doubles come out as Go's text printer writes American English: groups of three, `1.5×10⁰³`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.budget import bounded
from policykit.cel.errors import EvaluationError
from policykit.cel.library import member
from policykit.cel.operators import known_list
from policykit.cel.runtime import call_any
from policykit.cel.types import DYN, STRING, ListType
from policykit.cel.values import Duration, Timestamp, TypeValue, UInt, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from policykit.cel.syntax import Call, Node

_ACCEPTED: dict[str, tuple[str, frozenset[str]]] = {
    "s": (
        "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and "
        "timestamps, was given ",
        frozenset(
            [
                "list",
                "map",
                "int",
                "uint",
                "double",
                "bool",
                "string",
                "google.protobuf.Timestamp",
                "bytes",
                "google.protobuf.Duration",
                "type",
                "null_type",
            ]
        ),
    ),
    "d": ("decimal clause can only be used on integers, was given ", frozenset({"int", "uint"})),
    "f": ("fixed-point clause can only be used on doubles, was given ", frozenset({"double", "string"})),
    "e": ("scientific clause can only be used on doubles, was given ", frozenset({"double", "string"})),
    "b": ("only integers and bools can be formatted as binary, was given ", frozenset({"int", "uint", "bool"})),
    "x": (
        "only integers, byte buffers, and strings can be formatted as hex, was given ",
        frozenset({"int", "uint", "string", "bytes"}),
    ),
    "o": ("octal clause can only be used on integers, was given ", frozenset({"int", "uint"})),
}
_SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class _FormatError(Exception):
    """A format is wrong. `clause` is the position of the argument to blame, None where it is the call."""

    def __init__(self, message: str, clause: int | None = None) -> None:
        self.clause = clause
        super().__init__(message)


def _formatted(text: str, size: int, write: Callable[[str, int | None, int], str]) -> tuple[str, int]:
    """The text with each clause replaced by what `write(clause, precision, position)` gives, and the clauses met."""
    out: list[str] = []
    position = 0
    count = 0
    while (found := text.find("%", position)) >= 0:
        out.append(text[position:found])
        if text[found + 1 : found + 2] == "%":
            out.append("%")
            position = found + 2
            continue
        if count >= size:
            raise _FormatError(f"index {count} out of range")
        if found + 1 >= len(text):
            raise _FormatError("unexpected end of string")
        clause, precision, position = _clause(text, found + 1)
        out.append(write(clause, precision, count))
        bounded(sum(map(len, out)))
        count += 1
    out.append(text[position:])
    return "".join(out), count


def _clause(text: str, position: int) -> tuple[str, int | None, int]:
    """The clause at a position: its letter, its precision, and where the text goes on."""
    prefix = "could not parse formatting clause: "
    precision: int | None = None
    if text[position] == ".":
        end = position + 1
        while text[end : end + 1].isascii() and text[end : end + 1].isdigit():
            end += 1
        if end >= len(text):
            raise _FormatError(f"{prefix}error while parsing precision: could not find end of precision specifier")
        digits = text[position + 1 : end]
        if not digits or len(digits.lstrip("0")) > 18:
            reason = "value out of range" if digits else "invalid syntax"
            problem = f'error while converting precision to integer: strconv.Atoi: parsing "{digits}": {reason}'
            raise _FormatError(f"{prefix}error while parsing precision: {problem}")
        precision, position = int(digits), end
    letter = text[position]
    if letter.lower() not in _ACCEPTED or (letter.isupper() and letter != "X"):
        raise _FormatError(f'{prefix}unrecognized formatting clause "{letter}"')
    return letter, precision, position + 1


def _refused(clause: str, given: str, position: int | None) -> _FormatError:
    return _FormatError(f"error during formatting: {_ACCEPTED[clause.lower()][0]}{given}", position)


# evaluation


def format_text(text: str, values: list[Any]) -> str:
    """`text.format(values)`."""
    known_list(values)

    def write(clause: str, precision: int | None, position: int) -> str:
        return _value(clause, precision, values[position])

    try:
        return _formatted(text, len(values), write)[0]
    except _FormatError as error:
        raise EvaluationError(str(error)) from None


def _value(clause: str, precision: int | None, value: Any) -> str:
    given = type_name(value)
    if given not in _ACCEPTED[clause.lower()][1]:
        raise _refused(clause, given, None)
    if clause == "s":
        return _string(value)
    if clause == "d":
        return str(int(value))
    if clause in {"f", "e"}:
        if type(value) is str and value not in _SPECIAL:
            raise _refused(clause, given, None)
        number = _SPECIAL[value] if type(value) is str else value
        return _fixed(number, precision) if clause == "f" else _scientific(number, precision)
    if clause in {"x", "X"}:
        return _hexadecimal(clause, value)
    return format(int(value), clause)


def _hexadecimal(clause: str, value: Any) -> str:
    if type(value) is str:
        value = value.encode("utf-8", "replace")
    text = value.hex() if type(value) is bytes else format(int(value), "x")
    return text.upper() if clause == "X" else text


def _fixed(value: float, precision: int | None) -> str:
    from policykit.cel.numbers import special

    places = 6 if precision is None else precision
    bounded(places)
    return special(value).replace("+Inf", "∞").replace("-Inf", "-∞") or f"{value:,.{places}f}"


def _scientific(value: float, precision: int | None) -> str:
    """Six digits always: Go's text printer takes the precision for a width."""
    from policykit.cel.numbers import special

    width = 6 if precision is None else precision
    bounded(width)
    text = special(value).replace("+Inf", "∞").replace("-Inf", "-∞")
    if not text:
        mantissa, _, exponent = f"{value:.6e}".partition("e")
        text = f"{mantissa}×10{exponent.lstrip('+').translate(_SUPERSCRIPT)}"
    return text.rjust(width)


def _string(value: Any) -> str:
    """The `%s` of a value."""
    if value is None:
        return "null"
    if isinstance(value, TypeValue):
        return value.name
    if isinstance(value, list):
        return f"[{', '.join(map(_member, known_list(value)))}]"
    if isinstance(value, dict):
        known_list(list(value.values()))
        return f"{{{', '.join(sorted((f'{_key(k)}:{_member(v)}' for k, v in value.items()), key=_before_colon))}}}"
    from policykit.cel.table import load

    try:
        conversions = tuple(o for o in load("standard") if o.name == "string")
        return str(call_any("string", conversions, value))
    except EvaluationError as error:
        message = f'error during formatting: could not convert argument "{error}" to string'
        raise EvaluationError(message) from None


def _before_colon(pair: str) -> str:
    return pair


def _key(key: Any) -> str:
    if type(key) not in {str, bool, int, UInt}:
        raise _FormatError(f"error during formatting: no formatting function for map key of type {type_name(key)}")
    return _member(key)


def _member(value: Any) -> str:
    """A value within a list or a map: as a literal."""
    from policykit.cel.quoting import quote

    if isinstance(value, float):
        from policykit.cel.numbers import special

        text = special(value)
        return f'"{text}"' if text else f"{value:.6f}"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bytes):
        return f"b{quote(_string(value))}"
    if isinstance(value, Timestamp):
        return f'timestamp("{_string(value)}")'
    if isinstance(value, Duration):
        return f'duration("{_string(value)}")'
    if type_name(value) not in _ACCEPTED["s"][1]:
        raise _FormatError(f"error during formatting: no formatting function for {type_name(value)}")
    return _string(value)


# the check of literals


def validate_format(call: Call, text: str, elements: list[Node]) -> list[tuple[str, int]]:
    """Problems of a call whose format and list of arguments are literals, as messages and offsets."""

    def write(clause: str, _: int | None, position: int) -> str:
        return _check(clause, elements[position])

    try:
        _, count = _formatted(text, len(elements), write)
    except _FormatError as error:
        return [(str(error), call.offset if error.clause is None else error.clause)]
    if len(elements) > count:
        message = f"too many arguments supplied to string.format (expected {count}, got {len(elements)})"
        return [(message, call.offset)]
    return []


def _check(clause: str, element: Node) -> str:
    from policykit.cel.syntax import ListLiteral, MapLiteral

    waiting = [element]
    while waiting:
        node = waiting.pop()
        name = node.type.name
        if node.type.kind != "dyn" and name not in _ACCEPTED[clause.lower()][1]:
            raise _refused(clause, name, node.offset)
        if clause == "s" and isinstance(node, ListLiteral):
            waiting += reversed(node.elements)
        elif clause == "s" and isinstance(node, MapLiteral):
            waiting += [part for entry in reversed(node.entries) for part in (entry.value, entry.key)]
    return ""


FUNCTIONS = (member("format", (STRING, ListType(DYN)), STRING, format_text, since=(1, 29), linear=True),)
TYPES: dict[str, Any] = {}
