"""Reads simple commands: assignments, words, redirections and here-documents (POSIX shell, chapter 2.7 and 2.9.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from policykit.parse.dockerfile.ast import Word
from policykit.parse.shell_ast import Assignment, Command, Redirection, ShellWord
from policykit.parse.shell_words import MAX_NESTING, WordReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.document import Span
    from policykit.parse.dockerfile.fragment import Fragment
    from policykit.parse.shell_ast import Connective, Context

#: Shells that read the POSIX language, as far as rules can tell the difference.
POSIX_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "busybox"})

BLANK = re.compile(r"(?:[ \t\r\v\f]|\\\n)+")
LINE_END = re.compile(r"\n|#[^\n]*")
REDIRECTION = re.compile(r"([0-9]*)(<<<|<<-|<<|<>|<&|>&|>>|>\||<(?!\()|>(?!\())|(&>>|&>)")
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[^\]]*\])?\+?=")

W = TypeVar("W", bound=Word)


@dataclass(slots=True)
class Draft:
    """A simple command in the making."""

    fragment: Fragment
    start: int
    end: int
    connective: Connective
    pipeline: int
    position: int
    context: tuple[Context, ...]
    words: list[ShellWord] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)

    def command(self) -> Command:
        return Command(
            tuple(self.words),
            tuple(self.assignments),
            tuple(self.redirections),
            self.connective,
            self.pipeline,
            self.position,
            self.context,
            self.fragment.span(self.start, self.end),
        )


class Pending(NamedTuple):
    """A here-document whose body has not been reached."""

    draft: Draft
    redirection: int
    delimiter: str
    expands: bool
    chomps: bool


@dataclass(slots=True)
class Shared:
    """What the readers of one script have in common."""

    drafts: list[Draft] = field(default_factory=list)
    pipelines: int = 0
    incomplete: Span | None = None


class CommandReader(WordReader):
    """Reads simple commands; a subclass finds out where they begin and end."""

    def __init__(self, fragment: Fragment, at: int, depth: int, shared: Shared, outside: tuple[Context, ...]) -> None:
        super().__init__(fragment, at, depth)
        self.shared = shared
        self.outside = outside
        self.pending: list[Pending] = []
        self.draft: Draft | None = None
        self.begin_list()

    def context(self) -> tuple[Context, ...]:
        """What the next command stands in."""
        return self.outside

    def read_script(self, script: Fragment, context: tuple[Context, ...]) -> None:
        """Reads a script of its own, one level deeper."""
        raise NotImplementedError

    def begin_list(self) -> None:
        """What follows is the first command of a list."""
        self.connective: Connective = ""
        self.complete = False  # a command or construct has been read since the last operator
        self._begin_pipeline()

    def _begin_pipeline(self) -> None:
        self.shared.pipelines += 1
        self.pipeline, self.position = self.shared.pipelines, 0

    def finish(self, operator: Connective) -> None:
        """Ends a command at an operator; without a command before it (an empty line) nothing happens."""
        if self.draft is not None:
            self.shared.drafts.append(self.draft)
            draft, self.draft = self.draft, None
            self.complete = True
            self._script_argument(draft)
        if not self.complete:
            return
        self.complete = False
        self.connective = operator
        if operator in ("|", "|&"):
            self.position += 1
        else:
            self._begin_pipeline()

    def current(self) -> Draft:
        """The command that is being read; a new one where none is."""
        if self.draft is None:
            self.draft = self._new_draft(self.at)
        return self.draft

    def _new_draft(self, start: int) -> Draft:
        return Draft(self.fragment, start, start, self.connective, self.pipeline, self.position, self.context())

    def assignment(self, match: re.Match[str]) -> None:
        draft = self.current()
        word = self.read_word() or self.fail()
        length = len(match[0])
        if self.at == match.end() and self.text.startswith("(", self.at):
            self._array()
        text, start = word.text[length:], match.end()
        decoded = word.decoded and word.decoded.slice(length, len(word.text))
        value = ShellWord(text, self.fragment, start, self.at, decoded, word.dynamic, word.quoted)
        draft.assignments.append(Assignment(match[0].rstrip("+="), value, word))
        draft.end = self.at

    def _array(self) -> None:
        """The elements of `name=(...)` in bash: only their substitutions count."""
        start = self.at
        self.at += 1
        while not self.text.startswith(")", self.at):
            self.skip_lines()
            if self.read_word() is None and not self.text.startswith(")", self.at):
                self.fail(start)
        self.at += 1

    def redirect(self, match: re.Match[str]) -> None:
        """Reads a redirection; that of a whole construct (`done < file`) belongs to no simple command."""
        start = self.at
        self.at = match.end()
        self.skip_blanks()
        target = self.read_word() or self.fail(start)
        operator = match[2] or match[3]
        draft = self.draft or self._new_draft(start)
        if not self.complete:
            self.draft = draft
        draft.redirections.append(Redirection(match[1] or "", operator, target))
        draft.end = self.at
        if operator in ("<<", "<<-"):
            index = len(draft.redirections) - 1
            self.pending.append(Pending(draft, index, target.text, not target.quoted, operator == "<<-"))

    def read_bodies(self) -> None:
        """The here-documents that begin at this line."""
        pending, self.pending = self.pending, []
        for item in pending:
            start = self.at
            end = self._body_end(item)
            following = self.at
            body = self.fragment.slice(start, end)
            if item.chomps:
                body = body.without_leading_tabs()
            redirections = item.draft.redirections
            redirections[item.redirection] = replace(redirections[item.redirection], body=body)
            if _is_script_from_stdin(item.draft):
                self._inner_script(body, item.draft, "stdin")
            elif item.expands:
                self.at = start
                self.expansions_until(end)
            self.at = following

    def _body_end(self, item: Pending) -> int:
        """Where the body that begins at `at` ends; moves behind the line that closes it."""
        text = self.text
        while self.at < len(text):
            start = self.at
            newline = text.find("\n", start)
            end = len(text) if newline < 0 else newline
            self.at = min(end + 1, len(text))
            line = text[start:end].rstrip("\r")
            if (line.lstrip("\t") if item.chomps else line) == item.delimiter:
                return start
        return len(text)

    def _script_argument(self, draft: Draft) -> None:
        """The script of `sh -c`."""
        script = script_argument(draft.words)
        if script is not None:
            self._inner_script(script.fragment, draft, "argument")

    def _inner_script(self, script: Fragment, draft: Draft, context: Context) -> None:
        if self.depth >= MAX_NESTING:
            self.shared.incomplete = self.shared.incomplete or script.span()
            return
        self.read_script(script, (*draft.context, context))

    def skip_blanks(self) -> None:
        if match := BLANK.match(self.text, self.at):
            self.at = match.end()

    def skip_lines(self) -> None:
        """Skips blanks, line ends and comments."""
        while match := BLANK.match(self.text, self.at) or LINE_END.match(self.text, self.at):
            self.at = match.end()


def script_argument(words: Sequence[W]) -> W | None:
    """The word that `sh -c` takes for a script, if that is what the words of a command are."""
    if not words or not is_posix_shell(words[0].text):
        return None
    arguments = iter(words[1:])
    reads_argument = False
    for word in arguments:
        text = word.text
        if text[:1] not in ("-", "+") or text == "--":
            return (next(arguments, None) if text == "--" else word) if reads_argument else None
        if not text.startswith("--") and "c" in text[1:]:
            reads_argument = True
        if text.endswith("o") and not text.startswith("--"):
            next(arguments, None)  # -o pipefail
    return None


def is_posix_shell(name: str) -> bool:
    """Whether a program is a shell that reads the POSIX language: `sh`, `/bin/bash`."""
    return name.rpartition("/")[2] in POSIX_SHELLS


def _is_script_from_stdin(draft: Draft) -> bool:
    """`sh <<EOF`, `bash -e <<EOF`: no operand but perhaps the value of `-o`."""
    if not draft.words or not is_posix_shell(draft.words[0].text):
        return False
    texts = [word.text for word in draft.words[1:]]
    return all(
        text.startswith(("-", "+")) or previous == "-o" for previous, text in zip(["", *texts], texts, strict=False)
    )
