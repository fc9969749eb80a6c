"""JSON text into plain data at the speed of the standard library, and into the same tree of nodes as YAML's.

RFC 8259, less what neither YAML nor Kubernetes takes: no key twice, no NaN, no number beyond a float. A text may
hold several values one after the other, as kubectl reads it.
"""

from __future__ import annotations

import json
import math
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # undocumented, and what json itself uses
from typing import TYPE_CHECKING, Any

from policykit.errors import ParseError
from policykit.parse.yaml_nodes import MAX_DEPTH, Entry, Lines, Node, too_deep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.parse.yaml_scalars import Rules

_SPACE = re.compile(r"[ \t\r\n]*")
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_ATOM = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|-?Infinity|NaN|true|false|null")


def parse(text: str, rules: Rules, lines: Lines) -> Iterator[tuple[int, int, Any]]:
    """Each value of the text as (start, end, data); ParseError at the first thing that is not JSON."""
    _check_depth(text, lines)
    decoder = _decoder(rules)
    start = _skip_space(text, 0)
    while True:
        try:
            data, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise ParseError(f"not JSON: {error.msg}", *lines.position(error.pos)) from None
        except ValueError:
            compose(text, start, rules, lines)  # finds the same, and where
            raise
        yield start, end, data
        start = _skip_space(text, end)
        if start == len(text):
            return
        if text[start] not in "{[":
            raise ParseError("not JSON: something follows the value", *lines.position(start))


def compose(text: str, start: int, rules: Rules, lines: Lines) -> Node:
    """The tree of the JSON value at `start`; ParseError for a key that is there twice or a number out of range."""
    return _Composer(text, rules, lines).node(start)[0]


def _decoder(rules: Rules) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_mapping,
        parse_int=lambda digits: _integer(digits, rules),
        parse_float=_float,
        parse_constant=_constant,
    )


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("duplicate key")
    return mapping


def _integer(digits: str, rules: Rules) -> Any:
    return rules.number(int(digits)) if len(digits) < 30 else _float(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits:.20} is out of range")
    return number


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _skip_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _check_depth(text: str, lines: Lines) -> None:
    """ParseError for deep nesting, before anything recurses."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKET.finditer(text):
        first = match.group()[0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise too_deep(lines, match.start())
        elif first in "]}":
            depth -= 1


class _Composer:
    """Reads text that is known to be JSON in all but the values of its keys and numbers."""

    def __init__(self, text: str, rules: Rules, lines: Lines) -> None:
        self._text = text
        self._decoder = _decoder(rules)
        self._lines = lines

    def node(self, start: int) -> tuple[Node, int]:
        first = self._text[start]
        value: Any
        if first == "{":
            value, end = self._mapping(start)
        elif first == "[":
            value, end = self._sequence(start)
        elif first == '"':
            value, end = scanstring(self._text, start + 1, True)
        else:
            value, end = self._atom(start)
        return Node(value, self._lines.span(start, end)), end

    def _mapping(self, start: int) -> tuple[dict[str, Entry], int]:
        entries: dict[str, Entry] = {}
        end = _skip_space(self._text, start + 1)
        while self._text[end] != "}":
            begin = end
            key, end = scanstring(self._text, begin + 1, True)
            span = self._lines.span(begin, end)
            if first := entries.get(key):
                message = f"duplicate key `{key}`, first at {first.key.line}:{first.key.column}"
                raise ParseError(message, span.line, span.column)
            node, end = self.node(_skip_space(self._text, _skip_space(self._text, end) + 1))
            entries[key] = Entry(span, node)
            end = self._next(end)
        return entries, end + 1

    def _sequence(self, start: int) -> tuple[list[Node], int]:
        items: list[Node] = []
        end = _skip_space(self._text, start + 1)
        while self._text[end] != "]":
            node, end = self.node(end)
            items.append(node)
            end = self._next(end)
        return items, end + 1

    def _next(self, end: int) -> int:
        """Past the comma and the space around it, to the next item or the closing bracket."""
        end = _skip_space(self._text, end)
        return _skip_space(self._text, end + 1) if self._text[end] == "," else end

    def _atom(self, start: int) -> tuple[Any, int]:
        match = _ATOM.match(self._text, start)
        assert match is not None, "json has read this text before"
        try:
            return self._decoder.decode(match.group()), match.end()
        except ValueError as error:
            raise ParseError(f"not JSON: {error}", *self._lines.position(start)) from None
