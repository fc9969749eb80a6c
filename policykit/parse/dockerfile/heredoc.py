"""Finds the heredocs that an instruction announces (`<<EOF`, `<<-"EOF"`, `3<<EOF`) and reads their bodies.

Rules: Dockerfile reference, "Here-Documents". As in BuildKit, a line with an open quote or substitution
has none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from policykit.parse.dockerfile.ast import Heredoc, ParseProblem, Word
from policykit.parse.dockerfile.expand import split_segments
from policykit.parse.dockerfile.lexer import UNSET, ExpansionError, Lexer

if TYPE_CHECKING:
    from policykit.parse.dockerfile.fragment import Fragment
    from policykit.parse.dockerfile.lexer import Binding, Segment
    from policykit.parse.dockerfile.lines import LineReader

_MARKER = re.compile(r"(\d*)<<(-?)\s*([^<]*)\Z", re.ASCII)


class Marker(NamedTuple):
    """An announced heredoc, its body not yet read."""

    name: str
    word: Word
    expand: bool
    chomp: bool
    descriptor: int


def find_markers(line: Fragment) -> list[Marker]:
    """The heredocs that a logical line announces, in order. Backslash escapes here, whatever the directive says."""
    if "<<" not in line.text:
        return []
    try:
        segments = Lexer(line.text, _unset, "\\", raw=True).run()
    except ExpansionError:
        return []
    found = (_marker(line, word) for word in split_segments(segments))
    return [marker for marker in found if marker is not None]


def _unset(_name: str) -> Binding:
    return UNSET


def _marker(line: Fragment, segments: list[Segment]) -> Marker | None:
    text = "".join(segment.text for segment in segments)
    match = _MARKER.match(text)
    if match is None or not match[3]:
        return None
    quoted, plain = _delimiter(match[3], raw=True), _delimiter(match[3], raw=False)
    if plain is None:
        return None
    word = Word(text, line, segments[0].start, segments[-1].end)
    expand = quoted is not None and _quotes(quoted) == _quotes(plain)
    descriptor = int(match[1]) if match[1] and len(match[1]) < 10 else 0
    return Marker(plain, word, expand, match[2] == "-", descriptor)


def _delimiter(text: str, *, raw: bool) -> str | None:
    """The closing word, with (`raw`) or without its quotes; None unless it is one word. Escapes are undone."""
    lexer = Lexer(text, _unset, "\\", raw=raw)
    lexer.keep_escapes = False
    lexer.keep_unset = True
    try:
        words = split_segments(lexer.run())
    except ExpansionError:
        return None
    return "".join(segment.text for segment in words[0]) if len(words) == 1 else None


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')


def read_bodies(reader: LineReader, markers: list[Marker]) -> tuple[tuple[Heredoc, ...], ParseProblem | None]:
    """The bodies that follow the line, one after another; a problem where the file ends before a closing word."""
    heredocs: list[Heredoc] = []
    lines = reader.lines
    for marker in markers:
        begin = end = min(reader.position, len(lines.text))
        closing: Fragment | None = None
        while closing is None and (body := reader.next_body()) is not None:
            text = lines.text[body.start : body.end]
            kept = text.lstrip("\t") if marker.chomp else text
            if kept == marker.name:
                closing = lines.fragment(body.end - len(kept), body.end)
            else:
                end = min(body.next, len(lines.text))
        terminator = closing or lines.fragment(end, end)
        word = Word(terminator.text, terminator, 0, len(terminator.text))
        content = lines.fragment(begin, end)
        heredocs.append(
            Heredoc(marker.name, marker.word, content, word, marker.expand, marker.chomp, marker.descriptor)
        )
        if closing is None:
            message = f"unterminated heredoc: no line reads {marker.name!r}"
            return tuple(heredocs), ParseProblem(message, marker.word.span)
    return tuple(heredocs), None
