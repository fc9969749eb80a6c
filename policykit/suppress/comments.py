"""The text of a file into its comments, each with the lines it speaks of.

A `#` inside a scalar, a heredoc or a shell word is no comment. What a comment says is read elsewhere.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.document import Source
    from policykit.parse.dockerfile.ast import Dockerfile, Instruction

_YAML_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[^\r\n]*", re.MULTILINE)
_DOCUMENT_MARK = re.compile(r"---(?:\s|\Z)")
_SHELL_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*")
_LINE = re.compile(r"\r\n|\n|\r")


class Lines(NamedTuple):
    """A range of lines, both ends inclusive."""

    first: int
    last: int


class Comment(NamedTuple):
    """A comment from its `#` to the end of its line.

    `near`: the lines of what it stands at: the line or instruction it follows, the node or instruction below it.
    `next_line`: only the line it stands at or above. `document`: the lines of the YAML document or the Dockerfile.
    `leading`: nothing but comments stands above it.
    """

    text: str
    line: int
    column: int
    end_column: int
    near: Lines
    next_line: Lines
    document: Lines
    leading: bool


def dockerfile_comments(document: Dockerfile) -> Iterator[Comment]:
    """Comment lines, and comments at the end of shell commands."""
    lines = _LINE.split(document.source.text)
    whole = Lines(1, len(lines))
    first = document.instructions[0].first_line if document.instructions else len(lines) + 1
    for comment in document.comments:
        line, column = comment.span.line, comment.span.column
        near = _near_in_dockerfile(document.instructions, line)
        below = Lines(near.first, near.first)
        yield Comment(comment.text, line, column, comment.span.end_column, near, below, whole, line < first)
    own_lines = {comment.span.line for comment in document.comments}
    for instruction in document.instructions:
        if instruction.keyword == "run":
            yield from _shell_comments(instruction, lines, own_lines, whole)


def _near_in_dockerfile(instructions: tuple[Instruction, ...], line: int) -> Lines:
    """The next instruction, or what is left of the one whose continuation lines the comment stands between."""
    for instruction in instructions:
        if instruction.first_line > line:
            return Lines(instruction.first_line, instruction.last_line)
        if instruction.last_line > line:
            return Lines(line + 1, instruction.last_line)
    return Lines(line, line)


def _shell_comments(instruction: Instruction, lines: list[str], own_lines: set[int], whole: Lines) -> Iterator[Comment]:
    bodies = [Lines(heredoc.span.line, heredoc.span.end_line) for heredoc in instruction.heredocs]
    for line in range(instruction.first_line, min(instruction.last_line, len(lines)) + 1):
        match = _SHELL_COMMENT.search(lines[line - 1])
        if match is None or line in own_lines:
            continue
        here = Lines(line, line)
        if any(body.first <= line <= body.last for body in bodies):
            if not lines[line - 1][: match.start()].strip():
                here = Lines(line, line + 1)
            near = here
        else:
            near = Lines(instruction.first_line, instruction.last_line)
        text = match.group().lstrip("#").strip()
        yield Comment(text, line, match.start() + 1, match.end() + 1, near, here, whole, leading=False)


def yaml_comments(source: Source) -> Iterator[Comment]:
    """The comments of a YAML stream."""
    text = source.text
    lines = _LINE.split(text)
    starts = [0, *(match.end() for match in _LINE.finditer(text))]
    scalars = _scalars(text)
    scalar_starts = [start for start, _ in scalars]
    marks = [number for number, line in enumerate(lines, 1) if _DOCUMENT_MARK.match(line)]
    first_content = next((n for n, line in enumerate(lines, 1) if _is_content(line) and n not in marks), len(lines))
    for match in _YAML_COMMENT.finditer(text):
        scalar = bisect_right(scalar_starts, match.start()) - 1
        if scalar >= 0 and match.start() < scalars[scalar][1]:
            continue
        line = bisect_right(starts, match.start())
        column = match.start() - starts[line - 1] + 1
        trailing = _is_content(lines[line - 1][: column - 1])
        near = Lines(line, line) if trailing else _node_below(lines, line)
        yield Comment(
            match.group().lstrip("#").strip(),
            line,
            column,
            column + len(match.group().rstrip()),
            near,
            Lines(near.first, near.first),
            _document_around(marks, line, len(lines)),
            line < first_content,
        )


def _scalars(text: str) -> list[tuple[int, int]]:
    """Where the scalars of a stream are that may hold a `#`, as offsets; those before the first error."""
    found = []
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        for token in yaml.scan(text, Loader=loader):
            if not isinstance(token, yaml.ScalarToken):
                continue
            start, end = token.start_mark.index, token.end_mark.index
            if token.style in ("|", ">"):
                # A comment may follow the block scalar's header, and one may follow the block itself.
                start = header.end() if (header := _LINE.search(text, start, end)) else end
                body = text[start:end].rstrip()
                end = start + len(body)
            found.append((start, end))
    except yaml.YAMLError:
        pass
    return found


def _is_content(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#") and stripped != "---"


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _node_below(lines: list[str], line: int) -> Lines:
    """The key with its value, or the item of a sequence, that begins on the next line that is no comment."""
    first = next((number for number in range(line + 1, len(lines) + 1) if _is_content(lines[number - 1])), line)
    start = lines[first - 1]
    indentation = _indentation(start)
    is_item = start.lstrip(" ").startswith("- ") or start.strip() == "-"
    last = first
    for number in range(first + 1, len(lines) + 1):
        below = lines[number - 1]
        if not _is_content(below):
            if below.startswith("---"):
                break
            continue
        depth, text = _indentation(below), below.lstrip(" ")
        # A sequence may stand at the indentation of its key, and a flow collection may close there.
        inside = depth > indentation or (
            depth == indentation and (text[0] in "]}" or (not is_item and (text.startswith("- ") or text == "-")))
        )
        if not inside or _DOCUMENT_MARK.match(below):
            break
        last = number
    return Lines(first, last)


def _document_around(marks: list[int], line: int, count: int) -> Lines:
    """From one `---` to the next; a comment right above the first one belongs to what follows it."""
    position = bisect_right(marks, line)
    first = marks[position - 1] if position else 1
    last = marks[position] - 1 if position < len(marks) else count
    return Lines(first, last)
