"""Cuts a Dockerfile into logical lines: continuations joined, comments taken out.

Rules: Dockerfile reference, "Format" and "escape", and BuildKit's scanner where the reference is silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from policykit.parse.dockerfile.ast import Comment, ParseProblem
from policykit.parse.dockerfile.fragment import SPACE, Fragment, LineIndex, Piece

if TYPE_CHECKING:
    from policykit.parse.dockerfile.directives import Header

#: The longest line, in bytes, that BuildKit's scanner takes.
MAX_LINE = 65535


class LogicalLine(NamedTuple):
    """An instruction as one text; `first` and `last` count the file's lines, `blanks` are empty lines in between."""

    fragment: Fragment
    first: int
    last: int
    blanks: tuple[int, ...]
    comments: tuple[Comment, ...]


class BodyLine(NamedTuple):
    """A line of a heredoc: where it starts and ends in the source (line end excluded), and where the next starts."""

    start: int
    end: int
    next: int


class LineReader:
    """Reads the source once, from top to bottom."""

    def __init__(self, lines: LineIndex, header: Header) -> None:
        self.lines = lines
        self.comments: list[Comment] = []
        self.problems: list[ParseProblem] = []
        self.number = 0  # of the line read last
        self._texts = lines.text.split("\n")
        if not self._texts[-1]:
            self._texts.pop()
        self._header = header
        self._start = 0  # of the line to read next
        self._block: list[Comment] = []

    @property
    def position(self) -> int:
        """Where the line to be read next starts."""
        return self._start

    def next_logical(self) -> LogicalLine | None:
        """The next instruction's text, or None at the end of the file."""
        while (read := self._read()) is not None:
            start, text = read
            body = text.lstrip(SPACE)
            if body.startswith("#"):
                self._comment(start + len(text) - len(body), body)
                continue
            if not body:
                self._block.clear()
                continue
            return self._logical(start + len(text) - len(body), body)
        return None

    def next_body(self) -> BodyLine | None:
        """The next line as it stands, for a heredoc; None at the end of the file."""
        read = self._read()
        if read is None:
            return None
        start, text = read
        return BodyLine(start, start + len(text), self._start)

    def _read(self) -> tuple[int, str] | None:
        """Where the next line starts, and its text without the line end."""
        if self.number >= len(self._texts):
            return None
        start, text = self._start, self._texts[self.number]
        self.number += 1
        self._start += len(text) + 1
        if len(text) * 4 > MAX_LINE and len(text.encode(errors="replace")) > MAX_LINE:
            span = self.lines.span(start, start + len(text))
            self.problems.append(ParseProblem(f"a line longer than the bytes that BuildKit reads: {MAX_LINE}", span))
        return start, text.rstrip("\r")

    def _comment(self, start: int, body: str) -> None:
        if self._header.start <= self.number < self._header.end:
            return
        comment = Comment(body[1:].strip(SPACE), self.lines.span(start, start + len(body)))
        self.comments.append(comment)
        if comment.text:
            self._block.append(comment)
        else:
            self._block.clear()

    def _logical(self, start: int, body: str) -> LogicalLine:
        first = self.number
        comments = tuple(self._block)
        self._block.clear()
        text, continues = self._cut(body)
        if not continues:
            return LogicalLine(self.lines.fragment(start, start + len(text)), first, first, (), comments)
        texts, pieces, blanks = [text], [Piece(0, start, start + len(text))], []
        length = len(text)
        while continues and (read := self._read()) is not None:
            start, text = read
            body = text.lstrip(SPACE)
            if not body:
                blanks.append(self.number)
            elif body.startswith("#"):
                span = self.lines.span(start + len(text) - len(body), start + len(text))
                self.comments.append(Comment(body[1:].strip(SPACE), span))
            else:
                text, continues = self._cut(text)
                texts.append(text)
                pieces.append(Piece(length, start, start + len(text)))
                length += len(text)
        kept = tuple(p for p in pieces if p.end > p.start) or (pieces[0],)
        return LogicalLine(Fragment("".join(texts), kept, self.lines), first, self.number, tuple(blanks), comments)

    def _cut(self, text: str) -> tuple[str, bool]:
        """The text without a continuation character, and whether there was one. A doubled one does not continue."""
        escape = self._header.escape
        trimmed = text.rstrip(" \t")
        if trimmed.endswith(escape) and not trimmed.endswith(escape * 2):
            return trimmed[:-1], True
        return text, False
