"""Text functions (cel-go ext/strings.go, version 0; version 2 since Kubernetes 1.29). Positions count characters."""

from __future__ import annotations

from typing import Any

from policykit.cel.budget import bounded
from policykit.cel.errors import EvaluationError
from policykit.cel.library import function, member
from policykit.cel.operators import known_list, show
from policykit.cel.types import INT, STRING, ListType

#: What Go's unicode.IsSpace takes for white space: Python's str.strip() takes more.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


def _out_of_range(position: int) -> EvaluationError:
    return EvaluationError(f"index out of range: {position}")


def char_at(text: str, position: int) -> str:
    """`text.charAt(position)`; empty at the end."""
    if not 0 <= position <= len(text):
        raise _out_of_range(position)
    return text[position : position + 1]


def index_of(text: str, part: str) -> int:
    """`text.indexOf(part)`, -1 where it is not."""
    return text.find(part)


def index_of_from(text: str, part: str, start: int) -> int:
    """`text.indexOf(part, start)`."""
    if not part:
        return start
    if start < 0:
        raise _out_of_range(start)
    return text.find(part, start)


def last_index_of(text: str, part: str) -> int:
    """`text.lastIndexOf(part)`, -1 where it is not."""
    return text.rfind(part)


def last_index_of_from(text: str, part: str, start: int) -> int:
    """`text.lastIndexOf(part, start)`: the last one that begins at `start` or before."""
    if not part:
        return start
    if start < 0:
        raise _out_of_range(start)
    return -1 if start >= len(text) else text.rfind(part, 0, start + len(part))


def lower_ascii(text: str) -> str:
    """`text.lowerAscii()`."""
    return text.translate(_LOWER)


def upper_ascii(text: str) -> str:
    """`text.upperAscii()`."""
    return text.translate(_UPPER)


def replace(text: str, old: str, new: str) -> str:
    """`text.replace(old, new)`."""
    return replace_some(text, old, new, -1)


def replace_some(text: str, old: str, new: str, count: int) -> str:
    """`text.replace(old, new, count)`; a negative count replaces all."""
    found = text.count(old) if count < 0 else min(count, text.count(old))
    bounded(len(text) + found * (len(new) - len(old)))
    return text.replace(old, new, -1 if count < 0 else count)


def split(text: str, separator: str) -> list[str]:
    """`text.split(separator)`; the characters where it is empty."""
    return text.split(separator) if separator else list(text)


def split_some(text: str, separator: str, count: int) -> list[str]:
    """`text.split(separator, count)`: at most that many pieces, all for a negative count."""
    if count == 0:
        return []
    if count < 0:
        return split(text, separator)
    if separator:
        return text.split(separator, min(count - 1, len(text)))
    pieces = list(text[: count - 1])
    return [*pieces, text[count - 1 :]] if len(text) >= count else pieces


def substring(text: str, start: int) -> str:
    """`text.substring(start)`."""
    if not 0 <= start <= len(text):
        raise _out_of_range(start)
    return text[start:]


def substring_range(text: str, start: int, end: int) -> str:
    """`text.substring(start, end)`."""
    if start > end:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    for position in (start, end):
        if not 0 <= position <= len(text):
            raise _out_of_range(position)
    return text[start:end]


def trim(text: str) -> str:
    """`text.trim()`."""
    return text.strip(_SPACE)


def join(values: list[Any]) -> str:
    """`list.join()`."""
    return join_with(values, "")


def join_with(values: list[Any], separator: str) -> str:
    """`list.join(separator)`."""
    for value in known_list(values):
        if type(value) is not str:
            raise EvaluationError(f"join: invalid input: {show(value)}")
    bounded(sum(map(len, values)) + len(separator) * len(values))
    return separator.join(values)


_QUOTED = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)


def quote(text: str) -> str:
    """`strings.quote(text)`: in double quotes, escaped as CEL does it."""
    return f'"{text.translate(_QUOTED)}"'


FUNCTIONS = (
    member("charAt", (STRING, INT), STRING, char_at),
    member("indexOf", (STRING, STRING), INT, index_of, linear=True),
    member("indexOf", (STRING, STRING, INT), INT, index_of_from, linear=True),
    member("lastIndexOf", (STRING, STRING), INT, last_index_of, linear=True),
    member("lastIndexOf", (STRING, STRING, INT), INT, last_index_of_from, linear=True),
    member("lowerAscii", (STRING,), STRING, lower_ascii, linear=True),
    member("replace", (STRING, STRING, STRING), STRING, replace, linear=True),
    member("replace", (STRING, STRING, STRING, INT), STRING, replace_some, linear=True),
    member("split", (STRING, STRING), ListType(STRING), split, linear=True),
    member("split", (STRING, STRING, INT), ListType(STRING), split_some, linear=True),
    member("substring", (STRING, INT), STRING, substring, linear=True),
    member("substring", (STRING, INT, INT), STRING, substring_range, linear=True),
    member("trim", (STRING,), STRING, trim, linear=True),
    member("upperAscii", (STRING,), STRING, upper_ascii, linear=True),
    function("strings.quote", (STRING,), STRING, quote, since=(1, 29), linear=True),
    member("join", (ListType(STRING),), STRING, join, linear=True),
    member("join", (ListType(STRING), STRING), STRING, join_with, linear=True),
)
TYPES: dict[str, Any] = {}
