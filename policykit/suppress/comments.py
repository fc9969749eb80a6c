"""The text of a file into its comments, each with the lines it speaks of.

A `#` inside a scalar, a heredoc or a shell word is no comment. What a comment says is read elsewhere.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
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


#: Whether the text of a comment is worth the work of finding out where it stands.
Wanted = Callable[[str], object]


class Lines(NamedTuple):
    """A range of lines, both ends inclusive."""

    first: int
    last: int


class Comment(NamedTuple):
    """A comment from its `#` to the end of its line.

    `near`: the lines of what it stands at: the line or instruction it follows, the node or instruction below it.
    `next_line`: only the line it stands at or above. `document`: the lines of the YAML document or the Dockerfile.
    `leading`: nothing but comments stands above it. `stage`: from it to the end of the build stage of what is below it;
    None where there are no stages.
    """

    text: str
    line: int
    column: int
    end_column: int
    near: Lines
    next_line: Lines
    document: Lines
    leading: bool
    stage: Lines | None = None


def dockerfile_comments(document: Dockerfile, wanted: Wanted) -> Iterator[Comment]:
    """Comment lines, and comments at the end of shell commands, whose text is `wanted`."""
    lines = _LINE.split(document.source.text)
    whole = Lines(1, len(lines))
    instructions = document.instructions
    first = instructions[0].first_line if instructions else len(lines) + 1
    ends = [instruction.last_line for instruction in instructions]
    for comment in document.comments:
        if wanted(comment.text):
            line, column = comment.span.line, comment.span.column
            below = bisect_right(ends, line)
            near = _near_in_dockerfile(instructions[below], line) if below < len(ends) else Lines(line, line)
            next_line = Lines(near.first, near.first)
            stage = Lines(line, _end_of_stage(instructions, below, len(lines)))
            end = comment.span.end_column
            yield Comment(comment.text, line, column, end, near, next_line, whole, line < first, stage)
    own_lines = {comment.span.line for comment in document.comments}
    for instruction in instructions:
        if instruction.keyword == "run":
            yield from _shell_comments(instruction, lines, own_lines, wanted)


def _end_of_stage(instructions: tuple[Instruction, ...], index: int, last: int) -> int:
    """The last line of the stage that an instruction belongs to, or begins."""
    following = (i.first_line for i in instructions[index + 1 :] if i.keyword == "from")
    return next(following, last + 1) - 1


def _near_in_dockerfile(instruction: Instruction, line: int) -> Lines:
    """The instruction below, or what is left of the one whose continuation lines a comment stands between."""
    return Lines(max(instruction.first_line, line + 1), instruction.last_line)


def _shell_comments(
    instruction: Instruction, lines: list[str], own_lines: set[int], wanted: Wanted
) -> Iterator[Comment]:
    bodies = [Lines(heredoc.span.line, heredoc.span.end_line) for heredoc in instruction.heredocs]
    for line in range(instruction.first_line, min(instruction.last_line, len(lines)) + 1):
        match = _SHELL_COMMENT.search(lines[line - 1])
        if match is None or line in own_lines or not wanted(match.group()):
            continue
        here = Lines(line, line)
        if any(body.first <= line <= body.last for body in bodies):
            if not lines[line - 1][: match.start()].strip():
                here = Lines(line, line + 1)
            near = here
        else:
            near = Lines(instruction.first_line, instruction.last_line)
        text = match.group().lstrip("#").strip()
        whole = Lines(1, len(lines))
        yield Comment(text, line, match.start() + 1, match.end() + 1, near, here, whole, leading=False)


def yaml_comments(source: Source, wanted: Wanted) -> Iterator[Comment]:
    """The comments of a YAML stream whose text is `wanted`."""
    text = source.text
    candidates = [match for match in _YAML_COMMENT.finditer(text) if wanted(match.group())]
    if not candidates:
        return
    lines = _LINE.split(text)
    starts = [0, *(match.end() for match in _LINE.finditer(text))]
    scalars = _scalars(text)
    scalar_starts = [start for start, _ in scalars]
    marks = [number for number, line in enumerate(lines, 1) if _DOCUMENT_MARK.match(line)]
    content = [number for number, line in enumerate(lines, 1) if _is_content(line)]
    ends = _ends_of_nodes(lines, content, marks)
    for match in candidates:
        scalar = bisect_right(scalar_starts, match.start()) - 1
        if scalar >= 0 and match.start() < scalars[scalar][1]:
            continue
        line = bisect_right(starts, match.start())
        column = match.start() - starts[line - 1] + 1
        below = bisect_right(content, line)
        if _is_content(lines[line - 1][: column - 1]) or below == len(content):
            near = Lines(line, line)
        else:
            near = Lines(content[below], ends[below])
        yield Comment(
            match.group().lstrip("#").strip(),
            line,
            column,
            column + len(match.group().rstrip()),
            near,
            Lines(near.first, near.first),
            _document_around(marks, line, len(lines)),
            leading=below == 0,
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


def _ends_of_nodes(lines: list[str], content: list[int], marks: list[int]) -> list[int]:
    """For each line with content the last line of the key (with its value) or the item that begins on it.

    A line belongs to all nodes above it that it is deeper than, up to the next line that is not, in its document.
    """
    ends = content.copy()
    open_nodes: list[tuple[int, int]] = []
    document = 0
    for index, number in enumerate(content):
        depth = _depth(lines[number - 1])
        begins_document = bisect_right(marks, number) != document
        document = bisect_right(marks, number)
        while open_nodes and (begins_document or open_nodes[-1][0] >= depth):
            ends[open_nodes.pop()[1]] = content[index - 1]
        open_nodes.append((depth, index))
    for _, opened in open_nodes:
        ends[opened] = content[-1]
    return ends


def _depth(line: str) -> int:
    """How deep a line stands: an item is deeper than a key at its indentation, a bracket that closes deeper still."""
    text = line.lstrip(" ")
    indentation = len(line) - len(text)
    if text.startswith(("]", "}")):
        return 2 * indentation + 2
    return 2 * indentation + (1 if text.startswith("- ") or text.rstrip() == "-" else 0)


def _document_around(marks: list[int], line: int, count: int) -> Lines:
    """From one `---` to the next; a comment right above the first one belongs to what follows it."""
    position = bisect_right(marks, line)
    first = marks[position - 1] if position else 1
    last = marks[position] - 1 if position < len(marks) else count
    return Lines(first, last)
