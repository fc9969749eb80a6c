"""Turns a shell script into its simple commands, whatever they are wrapped in (POSIX shell, chapter 2.9 and 2.10).

It follows the grammar as far as it decides where commands begin and end; it does not refuse what a shell would refuse
later. One loop with a stack of open constructs; only substitutions are read by recursion, to a fixed depth.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast

from policykit.parse.shell_ast import Script
from policykit.parse.shell_commands import ASSIGNMENT, BLANK, REDIRECTION, CommandReader, Shared
from policykit.parse.shell_words import BLANKS, Incomplete

if TYPE_CHECKING:
    from policykit.parse.dockerfile.fragment import Fragment
    from policykit.parse.shell_ast import Connective, Context

_COMMENT = re.compile(r"#[^\n]*")
_OPERATOR = re.compile(r"\n|&&|\|\||;;&|;;|;&|\|&|[;&|]")
_EMPTY_PARENTHESES = re.compile(r"\([ \t]*\)")
_DELIMITED = rf"(?=[{BLANKS};|&<>()]|\Z)"
_IN = re.compile("in" + _DELIMITED)
_ESAC = re.compile("esac" + _DELIMITED)

_OPENERS: dict[str, tuple[Context, str]] = {
    "if": ("if", "fi"),
    "while": ("while", "done"),
    "until": ("until", "done"),
    "{": ("group", "}"),
}
_CLOSERS = ("fi", "done", "esac", "}")
_SEPARATORS = ("then", "else", "elif", "do")
_PREFIXES = ("!", "time", "coproc")
_RESERVED = re.compile(
    "(?:"
    + "|".join(
        map(re.escape, (*_OPENERS, *_CLOSERS, *_SEPARATORS, *_PREFIXES, "for", "select", "case", "function", "[["))
    )
    + ")"
    + _DELIMITED
)

#: Constructs may be open in one another to this depth.
_MAX_OPEN = 200


class _Open(NamedTuple):
    """A construct that is open: the word that closes it, and its own place in a pipeline."""

    context: Context
    closer: str
    pipeline: int
    position: int


def parse_script(text: Fragment) -> Script:
    """The commands of a script. Never raises: see `Script.incomplete`."""
    shared = Shared()
    _read_all(text, 0, shared, ())
    return Script(tuple(draft.command() for draft in shared.drafts), shared.incomplete)


def _read_all(text: Fragment, depth: int, shared: Shared, context: tuple[Context, ...]) -> None:
    reader = _Reader(text, 0, depth, shared, context)
    try:
        reader.run()
    except Incomplete as stop:
        reader.abandon()
        if shared.incomplete is None:
            shared.incomplete = text.span(stop.at, len(text.text))


class _Reader(CommandReader):
    """Reads commands up to the end of the text or, in a substitution, to `until`."""

    def __init__(
        self, fragment: Fragment, at: int, depth: int, shared: Shared, outside: tuple[Context, ...], until: str = ""
    ) -> None:
        super().__init__(fragment, at, depth, shared, outside)
        self.until = until
        self.stack: list[_Open] = []
        self.in_patterns = False  # of a case
        self.is_function = False  # what opens next is the body of a function

    def run(self) -> None:
        """Reads all commands. Raises `Incomplete`."""
        while self.at < len(self.text):
            if self.in_patterns:
                self._patterns()
            elif self._step():
                return
        self.finish(";")
        if self.stack or self.until:
            self.fail(len(self.text))

    def abandon(self) -> None:
        """Keeps the command that was being read."""
        if self.draft is not None:
            self.shared.drafts.append(self.draft)

    def context(self) -> tuple[Context, ...]:
        return (*self.outside, *(entry.context for entry in self.stack))

    def commands_until_parenthesis(self) -> None:
        inner = _Reader(self.fragment, self.at, self.depth + 1, self.shared, (*self.context(), "substitution"), ")")
        inner.run()
        self.at = inner.at
        self.pending += inner.pending

    def commands_in(self, script: Fragment) -> None:
        self.read_script(script, (*self.context(), "substitution"))

    def read_script(self, script: Fragment, context: tuple[Context, ...]) -> None:
        _read_all(script, self.depth + 1, self.shared, context)

    def _step(self) -> bool:
        """Reads one token; true at the end of a substitution."""
        text, at = self.text, self.at
        if match := BLANK.match(text, at) or _COMMENT.match(text, at):
            self.at = match.end()
        elif match := REDIRECTION.match(text, at):
            self.redirect(match)
        elif match := _OPERATOR.match(text, at):
            self.at = match.end()
            self._operator(match[0])
        elif text[at] == "(":
            self._open_parenthesis()
        elif text[at] == ")":
            return self._close_parenthesis()
        else:
            self._word()
        return False

    def _operator(self, operator: str) -> None:
        if operator in (";;", ";&", ";;&"):
            self.finish(";")
            if not self.stack or self.stack[-1].closer != "esac":
                self.fail()
            self.in_patterns = True
        elif operator == "\n":
            self.finish(";")
            self.read_bodies()
        else:
            self.finish(cast("Connective", operator))

    def _open(self, context: Context, closer: str) -> None:
        if len(self.stack) >= _MAX_OPEN:
            self.fail()
        if self.is_function:
            context, self.is_function = "function", False
        self.stack.append(_Open(context, closer, self.pipeline, self.position))
        self.begin_list()

    def _close(self, closer: str) -> None:
        self.finish(";")
        if not self.stack or self.stack[-1].closer != closer:
            self.fail()
        entry = self.stack.pop()
        self.pipeline, self.position = entry.pipeline, entry.position
        self.complete = True

    def _open_parenthesis(self) -> None:
        draft = self.draft
        if draft is None:
            if self.text.startswith("((", self.at) and (end := self._arithmetic_end(self.at)):
                self.at = end
                self.complete = True
                return
            self.at += 1
            self._open("subshell", ")")
            return
        match = _EMPTY_PARENTHESES.match(self.text, self.at)
        if match is None or len(draft.words) != 1 or draft.assignments or draft.redirections:
            self.fail()
        self.draft, self.is_function = None, True
        self.at = match.end()

    def _close_parenthesis(self) -> bool:
        if not self.stack and self.until:
            self.finish(";")
            self.at += 1
            return True
        self._close(")")
        self.at += 1
        return False

    def _word(self) -> None:
        start = self.at
        draft = self.draft
        if draft is None or not (draft.words or draft.redirections):
            if match := ASSIGNMENT.match(self.text, start):
                self.assignment(match)
                return
            if draft is None and self._reserved():
                return
        draft = self.current()
        word = self.read_word() or self.fail()
        draft.words.append(word)
        draft.end = self.at

    def _reserved(self) -> bool:
        """Reads a reserved word and what belongs to it; false where none stands at `at`."""
        match = _RESERVED.match(self.text, self.at)
        if match is None:
            return False
        word = match[0]
        if word in _CLOSERS:
            self._close(word)
        elif word in _SEPARATORS:
            self.finish(";")
            self.begin_list()
        elif word in ("for", "select", "case"):
            self.at = match.end()
            self._header(word)
            return True
        elif word == "function":
            self.at = match.end()
            self._function()
            return True
        elif word == "[[":
            self._condition()
            return True
        elif word in _OPENERS:
            self._open(*_OPENERS[word])
        self.at = match.end()
        return True

    def _header(self, word: str) -> None:
        """`for x in a b`, `for ((;;))`, `select x`, `case x in`."""
        self.skip_blanks()
        if word == "for" and self.text.startswith("((", self.at):
            self.at = self.balanced(self.at)
            self._open("for", "done")
            return
        if self.read_word() is None:
            self.fail()
        self.skip_lines()
        match = _IN.match(self.text, self.at)
        if word == "case":
            if match is None:
                self.fail()
            self.at = match.end()
            self._open("case", "esac")
            self.in_patterns = True
            return
        if match is not None:
            self.at = match.end()
            self.skip_blanks()
            while self.read_word() is not None:
                self.skip_blanks()
        self._open("for", "done")

    def _function(self) -> None:
        self.skip_blanks()
        if self.read_word() is None:
            self.fail()
        self.skip_blanks()
        if match := _EMPTY_PARENTHESES.match(self.text, self.at):
            self.at = match.end()
        self.is_function = True

    def _condition(self) -> None:
        """`[[ ... ]]`: the operators in it are its own."""
        draft, start = self.current(), self.at
        while self.at < len(self.text):
            self.skip_lines()
            word = self.read_word()
            if word is None:
                self.at += 1
                continue
            draft.words.append(word)
            draft.end = self.at
            if word.raw == "]]":
                return
        self.fail(start)

    def _patterns(self) -> None:
        """The patterns of one branch of a case, or its end."""
        self.skip_lines()
        if match := _ESAC.match(self.text, self.at):
            self.in_patterns = False
            self._close("esac")
            self.at = match.end()
            return
        if self.text.startswith("(", self.at):
            self.at += 1
        while True:
            self.skip_blanks()
            if self.read_word() is None:
                self.fail()
            self.skip_blanks()
            if self.text.startswith(")", self.at):
                break
            if not self.text.startswith("|", self.at):
                self.fail()
            self.at += 1
        self.at += 1
        self.in_patterns = False
        self.begin_list()
