"""A span of a source into the line it is on, as a terminal shows it, with a caret below."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from policykit.document import Source, Span

_LINE_END = re.compile(r"\r\n|\n|\r")
#: What a terminal obeys instead of showing it, and what turns the direction of a text. A tab is widened instead.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TAB = "    "
_WIDTH = 100


class Frame(NamedTuple):
    """`text` is the line (or the part of it around the span), `indent` and `width` place the caret in cells."""

    line: int
    text: str
    indent: int
    width: int


def visible(text: str) -> str:
    """`text` with a picture of each character that would steer the terminal."""
    return _CONTROL.sub(_picture, text) if not text.isprintable() else text


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def frame(source: Source, span: Span) -> Frame | None:
    """The line where `span` begins; None if the source has no such line."""
    lines = _lines(source.text)
    if not 1 <= span.line <= len(lines):
        return None
    line = lines[span.line - 1]
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    end = min(max(end, start), len(line))
    before, marked, after = _shown(line[:start]), _shown(line[start:end]), _shown(line[end:])
    before = _cut(before, _WIDTH // 2, at_start=True)
    marked = _cut(marked, _WIDTH, at_start=False)
    after = _cut(after, max(_WIDTH - len(before) - len(marked), 0), at_start=False)
    return Frame(span.line, before + marked + after, _cells(before), max(_cells(marked), 1))


@lru_cache(maxsize=1)
def _lines(text: str) -> list[str]:
    """Findings come file by file."""
    return _LINE_END.split(text)


def _shown(text: str) -> str:
    return visible(text.replace("\t", _TAB))


def _cut(text: str, length: int, *, at_start: bool) -> str:
    """At most about `length` characters, from the end that is nearer to the span."""
    if len(text) <= length:
        return text
    return f"…{text[len(text) - length :]}" if at_start else f"{text[:length]}…"


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
