"""Turns one logical line into an `Instruction`, by the rules of its keyword (BuildKit's line parsers)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policykit.parse.dockerfile.ast import Instruction, ParseProblem, Word
from policykit.parse.dockerfile.fragment import SPACE
from policykit.parse.dockerfile.json_array import parse_string_array
from policykit.parse.dockerfile.words import (
    split_fields,
    split_flags,
    split_keyword,
    split_pair,
    split_pairs,
    split_words,
    trim,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from policykit.parse.dockerfile.ast import Flag, Form, Heredoc, Pair
    from policykit.parse.dockerfile.fragment import Fragment
    from policykit.parse.dockerfile.lines import LogicalLine

_TYPE = re.compile(f"[^{SPACE}]+")


@dataclass(slots=True)
class Draft:
    """An instruction in the making: `start:end` of `line` are the arguments, flags taken off."""

    line: Fragment
    start: int
    end: int
    escape: str
    keyword: str
    name: Word
    flags: tuple[Flag, ...] = ()
    words: tuple[Word, ...] = ()
    form: Form = "shell"
    pairs: tuple[Pair, ...] = ()
    onbuild: Draft | None = None
    problem: ParseProblem | None = None

    @property
    def rest(self) -> Word:
        return Word(self.line.text[self.start : self.end], self.line, self.start, self.end)

    def refuse(self, message: str, word: Word) -> None:
        self.problem = ParseProblem(message, word.span)


def read_draft(line: Fragment, start: int, end: int, escape: str) -> Draft:
    """Keyword, flags and arguments of `line.text[start:end]`."""
    name, start, end = split_keyword(line, start, end)
    flags, start = split_flags(line, start, end)
    start, end = trim(line.text, start, end)
    draft = Draft(line, start, end, escape, name.text.lower(), name, flags)
    if start < end:
        _ARGUMENTS.get(draft.keyword, _fields)(draft)
    return draft


def finish(draft: Draft, line: LogicalLine, last: int, heredocs: tuple[Heredoc, ...], index: int) -> Instruction:
    """The instruction, its heredocs read; `last` is the file's line it ends in."""
    inner = None if draft.onbuild is None else finish(draft.onbuild, line, last, heredocs, index)
    start, end = trim(draft.line.text, draft.name.start, len(draft.line.text))
    span = draft.line.span(start, end)
    if heredocs:
        closing = heredocs[-1].terminator.span
        span = span._replace(end_line=closing.end_line, end_column=closing.end_column)
    return Instruction(
        keyword=draft.keyword,
        name=draft.name,
        flags=draft.flags,
        words=draft.words,
        form=draft.form,
        pairs=draft.pairs,
        heredocs=heredocs,
        onbuild=inner,
        comments=line.comments,
        line=draft.line,
        span=span,
        first_line=line.first,
        last_line=last,
        blank_lines=line.blanks,
        index=index,
    )


def _text(draft: Draft) -> None:
    draft.words = (draft.rest,)


def _fields(draft: Draft) -> None:
    draft.words = split_fields(draft.line, draft.start, draft.end)


def _is_exec(draft: Draft) -> bool:
    """Reads the arguments as a JSON array, if that is what they are."""
    if not draft.line.text.startswith("[", draft.start):
        return False
    elements = parse_string_array(draft.line, draft.start, draft.end)
    if elements == "not strings":
        draft.refuse("a JSON array of arguments holds strings only", draft.rest)
    if isinstance(elements, str):
        return False
    draft.words, draft.form = elements, "exec"
    return True


def _command(draft: Draft) -> None:
    if not _is_exec(draft):
        _text(draft)


def _paths(draft: Draft) -> None:
    if not _is_exec(draft):
        _fields(draft)


def _healthcheck(draft: Draft) -> None:
    match = _TYPE.match(draft.line.text, draft.start, draft.end)
    assert match is not None  # the arguments begin with no white space
    draft.start, draft.end = trim(draft.line.text, match.end(), draft.end)
    if draft.start < draft.end:
        _command(draft)
    draft.words = (Word(match[0], draft.line, *match.span()), *draft.words)


def _assignments(draft: Draft) -> None:
    keyword = draft.keyword.upper()
    draft.words, draft.pairs, wrong = split_pairs(draft.line, draft.start, draft.end, draft.escape, keyword)
    if wrong is not None:
        draft.refuse(*wrong)


def _arguments(draft: Draft) -> None:
    draft.words = split_words(draft.line, draft.start, draft.end, draft.escape)
    draft.pairs = tuple(split_pair(word) for word in draft.words)


def _onbuild(draft: Draft) -> None:
    """The instruction within is read too, but not one within that: BuildKit refuses a chain of them later on."""
    name, start, end = split_keyword(draft.line, draft.start, draft.end)
    if name.text.lower() != "onbuild":
        draft.onbuild = read_draft(draft.line, draft.start, draft.end, draft.escape)
        draft.problem = draft.onbuild.problem
        return
    start, end = trim(draft.line.text, start, end)
    draft.onbuild = Draft(draft.line, start, end, draft.escape, "onbuild", name)
    if start < end:
        _text(draft.onbuild)


_ARGUMENTS: dict[str, Callable[[Draft], None]] = {
    "add": _paths,
    "arg": _arguments,
    "cmd": _command,
    "copy": _paths,
    "entrypoint": _command,
    "env": _assignments,
    "expose": _fields,
    "from": _fields,
    "healthcheck": _healthcheck,
    "label": _assignments,
    "maintainer": _text,
    "onbuild": _onbuild,
    "run": _command,
    "shell": _command,
    "stopsignal": _text,
    "user": _text,
    "volume": _paths,
    "workdir": _text,
}
KEYWORDS = frozenset(_ARGUMENTS)
