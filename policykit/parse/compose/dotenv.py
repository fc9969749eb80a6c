"""The text of a `.env` file into its variables, each with the span of its value.

Compose's dialect: `export`, `KEY: value`, quotes over several lines, escapes in double quotes, substitutions in all
but single ones.
"""

from __future__ import annotations

import re
from collections import ChainMap
from typing import TYPE_CHECKING, NamedTuple

from policykit.errors import ParseError
from policykit.parse.compose.interpolation import Environment, InterpolationError, interpolate
from policykit.parse.yaml_nodes import Lines

if TYPE_CHECKING:
    from policykit.document import Source, Span
    from policykit.unknown import Unknown

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_KEY = re.compile(r"(?:export[^\S\n]+)?([\w.\-\[\]]*)[^\S\n]*(=|:|\n|\Z)[^\S\n]*")
_UNQUOTED = re.compile(r"[^\n]*")
_ESCAPE = re.compile(r"\\([abcfnrtv$\"\\]|0[0-7]{0,3})")
_ESCAPED = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "$": "$$",
    '"': '"',
    "\\": "\\",
}


class Variable(NamedTuple):
    """A variable's value and where it was written."""

    value: str
    span: Span


def parse_dotenv(source: Source, environment: Environment) -> dict[str, Variable]:
    """The variables in order of first mention; ParseError at the first line that is no assignment.

    A substitution sees `environment` first, then the lines above; a key without `=` takes its value from
    `environment`. Variables that depend on something unknown are left out: they are unknown themselves.
    """
    lines = Lines(source)
    text = source.text
    found: dict[str, Variable] = {}
    values: dict[str, str] = {}
    scope = Environment(ChainMap(environment.variables, values), environment.is_complete)  # type: ignore[arg-type]
    position = _blank_end(text, 0)
    while position < len(text):
        match = _KEY.match(text, position)
        if match is None:
            raise ParseError("not an assignment, write NAME=value", *lines.position(position))
        name, separator = match.group(1), match.group(2)
        if separator in ("=", ":"):
            value, start, end = _value(text, match.end(), lines)
            expanded = _expanded(value, text[start : start + 1], scope, lines.position(start))
            if isinstance(expanded, str) and name:
                values[name] = expanded
                found[name] = Variable(expanded, lines.span(start, end))
        else:
            end = match.end(1)
            if name in environment.variables:
                found[name] = Variable(environment.variables[name], lines.span(*match.span(1)))
        position = _blank_end(text, end)
    return found


def _blank_end(text: str, start: int) -> int:
    match = _BLANK.match(text, start)
    return match.end() if match else start


def _value(text: str, start: int, lines: Lines) -> tuple[str, int, int]:
    """The raw value, its start, and the end of what it takes up."""
    quote = text[start : start + 1]
    if quote not in ("'", '"') or not quote:
        match = _UNQUOTED.match(text, start)
        raw = match.group() if match else ""
        value = raw.partition(" #")[0].rstrip()
        return value, start, start + len(raw)
    parts: list[str] = []
    position = start + 1
    while position < len(text) and text[position] != quote:
        step = 2 if text[position] == "\\" else 1
        piece = text[position : position + step]
        parts.append(quote if piece == f"\\{quote}" else piece)
        position += step
    if position >= len(text):
        raise ParseError("quoted value has no closing quote", *lines.position(start))
    return "".join(parts), start, position + 1


def _expanded(value: str, quote: str, scope: Environment, place: tuple[int, int]) -> str | Unknown:
    if quote == "'":
        return value
    if quote == '"':
        value = _ESCAPE.sub(_unescape, value)
    try:
        return interpolate(value, scope)
    except InterpolationError as error:
        raise ParseError(str(error), *place) from None


def _unescape(match: re.Match[str]) -> str:
    name = match.group(1)
    if name.startswith("0"):
        return chr(int(name, 8) & 0xFF) if len(name) == 4 else match.group()
    return _ESCAPED.get(name, match.group())
