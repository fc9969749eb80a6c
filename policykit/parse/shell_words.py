"""Reads the words of a shell script: quotes, escapes, expansions (POSIX shell, chapter 2.2 to 2.6, and bash)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from policykit.parse.dockerfile.fragment import FragmentBuilder
from policykit.parse.shell_ast import ShellWord

if TYPE_CHECKING:
    from policykit.parse.dockerfile.fragment import Fragment

#: Substitutions and `sh -c` scripts may be nested this deep.
MAX_NESTING = 50

#: What ends a word, besides operators. Other white space of Unicode is as good as a letter.
BLANKS = r" \t\n\r\v\f"

_PLAIN = re.compile(rf"[^{BLANKS}'\"\\$`|&;<>()]+")
_PLAIN_QUOTED = re.compile(r'[^"\\$`]+')
_PLAIN_BRACED = re.compile(r"[^}'\"\\$`]+")
_SINGLE = re.compile(r"'[^']*+'")
_ANSI_C = re.compile(r"\$'([^'\\]*+(?:\\(?s:.)[^'\\]*+)*+)'")
_ANSI_C_ESCAPE = re.compile(r"\\(?s:.)")
_ANSI_C_VALUES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}
_BACKTICKS = re.compile(r"`([^`\\]*+(?:\\(?s:.)[^`\\]*+)*+)`")
_BACKTICKS_ESCAPE = re.compile(r"\\([$`\\])")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!_-]")
_ARITHMETIC = re.compile(r"[^()'\"\\]+|'[^']*+'|\"(?:[^\"\\]|\\(?s:.))*+\"|\\(?s:.)?|[()]")


class Incomplete(Exception):  # noqa: N818  # no error: it ends the reading of a script and is always caught
    """The script cannot be read beyond this offset."""

    def __init__(self, at: int) -> None:
        self.at = at
        super().__init__(at)


class WordReader:
    """Reads words from `fragment`, at the offset `at`. A subclass says what to do with substitutions."""

    def __init__(self, fragment: Fragment, at: int, depth: int) -> None:
        self.fragment = fragment
        self.text = fragment.text
        self.at = at
        self.depth = depth
        self._builder = FragmentBuilder(fragment)
        self._dynamic = False
        self._quoted = False

    def commands_until_parenthesis(self) -> None:
        """Reads the commands of `$(...)` from `at` on, and the closing parenthesis."""
        raise NotImplementedError

    def commands_in(self, script: Fragment) -> None:
        """Reads the commands of a script of its own: that between backticks."""
        raise NotImplementedError

    def fail(self, at: int | None = None) -> NoReturn:
        """Gives up, at the offset where reading began to go wrong."""
        raise Incomplete(self.at if at is None else at)

    def read_word(self) -> ShellWord | None:
        """The word at `at`; None where none begins there."""
        text, start = self.text, self.at
        match = _PLAIN.match(text, start)
        if match is not None:
            self.at = match.end()
            if self.at == len(text) or text[self.at] in " \t\n;|&)":
                return ShellWord(match[0], self.fragment, start, self.at)
            self.at = start
        outer = self._builder, self._dynamic, self._quoted
        self._builder, self._dynamic, self._quoted = FragmentBuilder(self.fragment), False, False
        while self.at < len(text) and self._part(start):
            pass
        decoded = self._builder.build(start)
        word = ShellWord(decoded.text, self.fragment, start, self.at, decoded, self._dynamic, self._quoted)
        self._builder, self._dynamic, self._quoted = outer
        return word if self.at > start else None

    def _part(self, start: int) -> bool:
        """Reads one part of a word; false where the word ends."""
        text, at = self.text, self.at
        character = text[at]
        if match := _PLAIN.match(text, at):
            self._keep(match.end())
        elif character == "\\":
            self._escape()
        elif character == "'":
            match = _SINGLE.match(text, at) or self.fail()
            self._builder.add(match[0][1:-1], at + 1, match.end() - 1)
            self._quoted = True
            self.at = match.end()
        elif character == '"':
            self._double_quoted()
        elif character == "$":
            self._dollar(in_quotes=False)
        elif character == "`":
            self._backticks()
        elif character == "(" and at > start and text[at - 1] in "?*+@!" and at - 1 >= start:
            self._keep(self.balanced(at))  # an extended pattern of bash: @(a|b)
        elif character in "<>" and text.startswith("(", at + 1) and at == start:
            self._process_substitution()
        else:
            return False
        return True

    def _keep(self, end: int) -> None:
        self._builder.add(self.text[self.at : end], self.at, end)
        self.at = end

    def _escape(self) -> None:
        character = self.text[self.at + 1 : self.at + 2]
        if character != "\n":
            self._quoted = True
            self._builder.add(character or "\\", self.at, self.at + 1 + len(character), whole=True)
        self.at += 1 + len(character)

    def _double_quoted(self) -> None:
        text, start = self.text, self.at
        self._quoted = True
        self.at += 1
        while self.at < len(text):
            if match := _PLAIN_QUOTED.match(text, self.at):
                self._keep(match.end())
            elif text[self.at] == '"':
                self.at += 1
                return
            else:
                self._special_in_quotes()
        self.fail(start)

    def _special_in_quotes(self) -> None:
        text = self.text
        if text[self.at] == "$":
            self._dollar(in_quotes=True)
        elif text[self.at] == "`":
            self._backticks()
        elif text[self.at + 1 : self.at + 2] in ("$", "`", '"', "\\", "\n"):
            self._escape()
        else:
            self._keep(self.at + 1)

    def expansions_until(self, end: int) -> None:
        """Reads the substitutions in an unquoted here-document that ends there; its text is not a word."""
        while self.at < end:
            match = _PLAIN_QUOTED.match(self.text, self.at, end)
            if match is not None:
                self.at = match.end()
            elif self.text[self.at] == '"':
                self.at += 1
            else:
                self._special_in_quotes()

    def _dollar(self, *, in_quotes: bool) -> None:
        text, start = self.text, self.at
        following = text[start + 1 : start + 2]
        if following == "(":
            self._dynamic = True
            if text.startswith("((", start + 1) and (end := self._arithmetic_end(start + 1)):
                self._keep(end)
                return
            self.at += 2
            self._nested(start)
        elif following == "{":
            self._dynamic = True
            self._braces(in_quotes=in_quotes)
        elif following == "'" and not in_quotes:
            self._ansi_c()
        elif following == '"' and not in_quotes:
            self.at += 1
            self._double_quoted()
        elif match := _PARAMETER.match(text, start + 1):
            self._dynamic = True
            self._keep(match.end())
        else:
            self._keep(start + 1)

    def _nested(self, start: int) -> None:
        """The commands of a substitution that opened at `start`; its text stays in the word as written."""
        if self.depth >= MAX_NESTING:
            self.fail(start)
        self.commands_until_parenthesis()
        end, self.at = self.at, start
        self._keep(end)

    def _process_substitution(self) -> None:
        start = self.at
        self._dynamic = True
        self.at += 2
        self._nested(start)

    def _braces(self, *, in_quotes: bool) -> None:
        """`${...}`: kept as written, but the substitutions in it are read. A loop: braces nest to any depth."""
        text, start = self.text, self.at
        outer, self._builder = self._builder, FragmentBuilder(self.fragment)
        depth = 1
        self.at += 2
        while depth:
            if self.at >= len(text):
                self.fail(start)
            if match := _PLAIN_BRACED.match(text, self.at):
                self.at = match.end()
            elif text[self.at] == "}":
                depth -= 1
                self.at += 1
            elif text.startswith("${", self.at):
                depth += 1
                self.at += 2
            elif text[self.at] == "'" and not in_quotes:
                match = _SINGLE.match(text, self.at) or self.fail()
                self.at = match.end()
            elif text[self.at] == '"' and not in_quotes:
                self._double_quoted()
            elif text[self.at] in "'\"":
                self.at += 1
            else:
                self._special_in_quotes()
        self._builder = outer
        end, self.at = self.at, start
        self._keep(end)

    def _ansi_c(self) -> None:
        match = _ANSI_C.match(self.text, self.at) or self.fail()
        self._quoted = True
        at = match.start(1)
        for escape in _ANSI_C_ESCAPE.finditer(self.text, *match.span(1)):
            self._builder.add(self.text[at : escape.start()], at, escape.start())
            value = _ANSI_C_VALUES.get(escape[0][1], escape[0][1])
            self._builder.add(value, *escape.span(), whole=True)
            at = escape.end()
        self._builder.add(self.text[at : match.end(1)], at, match.end(1))
        self.at = match.end()

    def _backticks(self) -> None:
        match = _BACKTICKS.match(self.text, self.at) or self.fail()
        if self.depth >= MAX_NESTING:
            self.fail()
        self._dynamic = True
        script = FragmentBuilder(self.fragment)
        at = match.start(1)
        for escape in _BACKTICKS_ESCAPE.finditer(self.text, *match.span(1)):
            script.add(self.text[at : escape.start()], at, escape.start())
            script.add(escape[1], *escape.span(), whole=True)
            at = escape.end()
        script.add(self.text[at : match.end(1)], at, match.end(1))
        self._keep(match.end())
        self.commands_in(script.build(match.start(1)))

    def _arithmetic_end(self, start: int) -> int:
        """Where the `((...))` that begins there ends; 0 where it is a subshell in a substitution after all."""
        end = self.balanced(start)
        return end if self.balanced(start + 1) == end - 1 else 0

    def balanced(self, start: int) -> int:
        """Where the parenthesis that opens there is closed."""
        depth = 0
        for match in _ARITHMETIC.finditer(self.text, start):
            depth += (match[0] == "(") - (match[0] == ")")
            if not depth:
                return match.end()
        return self.fail(start)
