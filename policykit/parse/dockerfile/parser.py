"""Turns the text of a Dockerfile into its syntax tree, as BuildKit reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.document import Source
from policykit.errors import ParseError
from policykit.parse.dockerfile.ast import Dockerfile, Instruction, ParseProblem, Stage
from policykit.parse.dockerfile.checks import check_instruction
from policykit.parse.dockerfile.directives import read_header
from policykit.parse.dockerfile.fragment import LineIndex
from policykit.parse.dockerfile.heredoc import find_markers, read_bodies
from policykit.parse.dockerfile.instructions import KEYWORDS, finish, read_draft
from policykit.parse.dockerfile.lines import LineReader

if TYPE_CHECKING:
    from policykit.parse.dockerfile.ast import Heredoc
    from policykit.parse.dockerfile.instructions import Draft

_WITH_HEREDOCS = frozenset({"add", "copy", "run"})


def parse_dockerfile(source: Source) -> Dockerfile:
    """The syntax tree of a Dockerfile or of a fragment without FROM.

    What BuildKit would refuse is listed in `problems`, each with its place, and the rest is parsed all the same.
    Raises `ParseError` only for a text that is no Dockerfile at all (it holds NUL characters).
    """
    text = source.text.removeprefix("\ufeff")
    if "\0" in text:
        line, column = LineIndex(source.name, text).span(text.index("\0"), text.index("\0"))[1:3]
        raise ParseError("not a text file: it holds a NUL character", line, column)
    lines = LineIndex(source.name, text)
    header = read_header(lines)
    reader = LineReader(lines, header)
    instructions: list[Instruction] = []
    problems = list(header.problems)
    while (logical := reader.next_logical()) is not None:
        draft = read_draft(logical.fragment, 0, len(logical.fragment.text), header.escape)
        heredocs: tuple[Heredoc, ...] = ()
        unterminated = None
        if _takes_heredocs(draft):
            heredocs, unterminated = read_bodies(reader, find_markers(logical.fragment))
        last = max(logical.last, reader.number)
        instruction = finish(draft, logical, last, heredocs, len(instructions))
        instructions.append(instruction)
        refused = [problem for problem in (draft.problem, unterminated) if problem is not None]
        problems += refused or check_instruction(instruction)
    if not instructions:
        problems.append(ParseProblem("file with no instructions", lines.span(0, 0)))
    global_args, stages, misplaced = _split_stages(instructions)
    problems += reader.problems + misplaced
    return Dockerfile(
        source=source if text is source.text else Source(source.name, text),
        escape=header.escape,
        directives=header.directives,
        comments=tuple(reader.comments),
        instructions=tuple(instructions),
        global_args=global_args,
        stages=stages,
        problems=tuple(sorted(problems, key=lambda problem: problem.span[1:])),
        whole=lines.span(0, len(text)),
    )


def _takes_heredocs(draft: Draft) -> bool:
    inner = draft.onbuild or draft
    return inner.keyword in _WITH_HEREDOCS and inner.form == "shell" and draft.problem is None


def _split_stages(
    instructions: list[Instruction],
) -> tuple[tuple[Instruction, ...], tuple[Stage, ...], list[ParseProblem]]:
    """The ARGs before the first FROM, the stages, and a problem for anything else before the first FROM."""
    starts = [i for i, instruction in enumerate(instructions) if instruction.keyword == "from"]
    if not starts:
        return (), (Stage(0, "", None, None, None, None, tuple(instructions)),), []
    before = instructions[: starts[0]]
    misplaced = [
        ParseProblem("only ARG may stand before the first FROM", i.span, "instruction")
        for i in before
        if i.keyword != "arg" and i.keyword in KEYWORDS
    ]
    ends = [*starts[1:], len(instructions)]
    stages = tuple(
        _stage(index, instructions[start], tuple(instructions[start + 1 : end]))
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    )
    return tuple(i for i in before if i.keyword == "arg"), stages, misplaced


def _stage(index: int, start: Instruction, instructions: tuple[Instruction, ...]) -> Stage:
    words = start.words
    named = len(words) >= 3 and words[1].text.lower() == "as"
    platform = start.flag("platform")
    return Stage(
        index=index,
        name=words[2].text.lower() if named else "",
        name_word=words[2] if named else None,
        base=words[0] if words else None,
        platform=None if platform is None else platform.value,
        start=start,
        instructions=instructions,
    )
