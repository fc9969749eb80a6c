"""Turns the exec form, a JSON array of strings (RFC 8259), into words with positions."""

from __future__ import annotations

import json
import re
from typing import Literal

from policykit.parse.dockerfile.ast import Word
from policykit.parse.dockerfile.fragment import Fragment, FragmentBuilder

_STRING = re.compile(r'"([^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+)"')
_SPACE = re.compile(r"[ \t\r\n]*")
_PART = re.compile(r"[^\\]+|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")
_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<punctuation>[\[\]{},:])|(?P<string>" + _STRING.pattern + r")|"
    r"(?P<other>true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?))"
)


def parse_string_array(line: Fragment, start: int, end: int) -> tuple[Word, ...] | Literal["not strings", "not json"]:
    """The elements of the JSON array that `line.text[start:end]` is.

    "not json": it is not an array (BuildKit then reads the shell form); "not strings": an array with other elements,
    which BuildKit refuses.
    """
    text = line.text
    words: list[Word] = []
    at = _SPACE.match(text, start + 1, end).end()  # type: ignore[union-attr]  # matches the empty text too
    if text.startswith("]", at) and not text[at + 1 : end].strip(" \t\r\n"):
        return ()
    while match := _STRING.match(text, at, end):
        words.append(_element(line, match))
        at = _SPACE.match(text, match.end(), end).end()  # type: ignore[union-attr]
        if text.startswith("]", at, end):
            return tuple(words) if not text[at + 1 : end].strip(" \t\r\n") else "not json"
        if not text.startswith(",", at, end):
            return "not json"
        at = _SPACE.match(text, at + 1, end).end()  # type: ignore[union-attr]
    return "not strings" if _is_json(text, start, end) else "not json"


def _element(line: Fragment, match: re.Match[str]) -> Word:
    start, end = match.span(1)
    if "\\" not in match[1]:
        return Word(match[1], line, start - 1, end + 1, line.slice(start, end))
    builder = FragmentBuilder(line)
    for part in _PART.finditer(line.text, start, end):
        if part[0][0] != "\\":
            builder.add(part[0], *part.span())
            continue
        character = json.loads(f'"{part[0]}"')
        if "\ud800" <= character <= "\udfff":
            character = "\ufffd"  # what Go makes of half a surrogate pair
        builder.add(character, *part.span(), whole=True)
    decoded = builder.build(start)
    return Word(decoded.text, line, start - 1, end + 1, decoded)


def _is_json(text: str, start: int, end: int) -> bool:
    """Whether a text that begins with `[` is a JSON array. A loop, not `json.loads`: any depth of nesting is read."""
    stack: list[str] = []
    expect = "value"  # or: "value or end", "key or end", "key", "colon", "comma"
    at = start
    while match := _TOKEN.match(text, at, end):
        at = match.end()
        symbol = match["punctuation"]
        if symbol in ("]", "}"):
            if not stack or stack[-1] != symbol or expect not in ("comma", "value or end", "key or end"):
                return False
            stack.pop()
            expect = "comma"
        elif symbol == ",":
            if expect != "comma":
                return False
            expect = "value" if stack[-1] == "]" else "key"
        elif symbol == ":":
            if expect != "colon":
                return False
            expect = "value"
        elif expect in ("key", "key or end") and match["string"] is not None:
            expect = "colon"
        elif expect not in ("value", "value or end"):
            return False
        elif symbol is None:
            expect = "comma"
        else:
            stack.append("]" if symbol == "[" else "}")
            expect = "value or end" if symbol == "[" else "key or end"
        if not stack:
            return not text[at:end].strip(" \t\r\n")
    return False
