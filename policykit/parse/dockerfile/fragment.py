"""Fragments: text read out of a source (continuations joined, escapes undone), with the way back to the source.

Every span of the Dockerfile and shell parsers comes from here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from policykit.document import Span

#: White space as BuildKit's `unicode.IsSpace` knows it (Python's `str.isspace` also takes U+001C to U+001F).
SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"


_TABBED_LINE = re.compile(r"\t*([^\n]*\n?)")


class LineIndex:
    """Turns offsets into a file's text into lines and columns. Only a line feed ends a line."""

    __slots__ = ("_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        starts = [0]
        at = text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = text.find("\n", at + 1)
        self._starts = starts

    def span(self, start: int, end: int) -> Span:
        """The range between two offsets."""
        starts = self._starts
        line = bisect_right(starts, start)
        end_line = line if line == len(starts) or end < starts[line] else bisect_right(starts, end)
        return Span(self.name, line, start - starts[line - 1] + 1, end_line, end - starts[end_line - 1] + 1)

    def fragment(self, start: int, end: int) -> Fragment:
        """A range of the text as it stands."""
        return Fragment(self.text[start:end], (Piece(0, start, end),), self)

    @property
    def count(self) -> int:
        """How many lines there are; a line feed at the very end begins no further one."""
        return len(self._starts) - (self._starts[-1] == len(self.text))

    def offset(self, line: int) -> int:
        """Where a line (counted from 1) begins."""
        return self._starts[line - 1]


class Piece(NamedTuple):
    """From offset `at` on, a fragment's text was read from `start:end` of the source.

    `whole`: the piece cannot be cut, because the text differs from the source (an undone escape, a variable's
    value): whatever touches it stands for all of it.
    """

    at: int
    start: int
    end: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Fragment:
    """A text and, for each of its characters, the place in the source that it was read from."""

    text: str
    pieces: tuple[Piece, ...]
    lines: LineIndex

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The source range that `text[start:end]` was read from."""
        pieces = self.pieces
        if len(pieces) == 1 and not pieces[0].whole:
            base = pieces[0].start
            return base + start, base + end
        first = pieces[self._index(start)]
        if first.whole:
            source_start = first.start if start < len(self.text) else first.end
        else:
            source_start = first.start + start - first.at
        if end <= start:
            return source_start, source_start
        last = pieces[self._index(end - 1)]
        return source_start, last.end if last.whole else last.start + end - last.at

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """The span of `text[start:end]` in the file."""
        return self.lines.span(*self.origin(start, len(self.text) if end is None else end))

    def slice(self, start: int, end: int) -> Fragment:
        """`text[start:end]` as a fragment of its own."""
        pieces = self.pieces
        if len(pieces) == 1 and not pieces[0].whole:
            base = pieces[0].start
            return Fragment(self.text[start:end], (Piece(0, base + start, base + end),), self.lines)
        if end <= start:
            at = self.origin(start, start)[0]
            return Fragment("", (Piece(0, at, at),), self.lines)
        cut = pieces[self._index(start) : self._index(end - 1) + 1]
        shifted = [
            Piece(max(p.at - start, 0), p.start if p.whole else p.start + max(start - p.at, 0), p.end, p.whole)
            for p in cut
        ]
        last = cut[-1]
        if not last.whole:
            shifted[-1] = shifted[-1]._replace(end=last.start + end - last.at)
        return Fragment(self.text[start:end], tuple(shifted), self.lines)

    def without_leading_tabs(self) -> Fragment:
        """The text without the tabs at the beginning of each line, as after `<<-`."""
        builder = FragmentBuilder(self)
        for match in _TABBED_LINE.finditer(self.text):
            builder.add(match[1], *match.span(1))
        return builder.build(0)

    def _index(self, offset: int) -> int:
        """The piece that holds the character at an offset (the last piece for the end of the text)."""
        return bisect_right(self.pieces, offset, key=_at) - 1


def _at(piece: Piece) -> int:
    return piece.at


class FragmentBuilder:
    """Collects pieces of text into a fragment; `inner` is the fragment that the offsets given to `add` refer to."""

    __slots__ = ("_inner", "_length", "_pieces", "_texts")

    def __init__(self, inner: Fragment) -> None:
        self._inner = inner
        self._texts: list[str] = []
        self._pieces: list[Piece] = []
        self._length = 0

    def add(self, text: str, start: int, end: int, *, whole: bool = False) -> None:
        """Appends `text`, read from `start:end` of the inner fragment."""
        if not text:
            return
        if whole or (len(self._inner.pieces) == 1 and not self._inner.pieces[0].whole):
            self._pieces.append(Piece(self._length, *self._inner.origin(start, end), whole))
        else:
            cut = self._inner.slice(start, end)
            self._pieces += [p._replace(at=p.at + self._length) for p in cut.pieces]
        self._texts.append(text)
        self._length += len(text)

    def build(self, at: int) -> Fragment:
        """The fragment; `at` is the place of an empty one."""
        if not self._pieces:
            return self._inner.slice(at, at)
        return Fragment("".join(self._texts), tuple(self._pieces), self._inner.lines)


def concatenate(*fragments: Fragment) -> Fragment:
    """One fragment of several, one after another; at least one."""
    pieces: list[Piece] = []
    length = 0
    for fragment in fragments:
        pieces += [piece._replace(at=piece.at + length) for piece in fragment.pieces if fragment.text]
        length += len(fragment.text)
    text = "".join(fragment.text for fragment in fragments)
    return Fragment(text, tuple(pieces) or fragments[0].pieces, fragments[0].lines)
