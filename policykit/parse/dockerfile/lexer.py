"""Reads a word of a Dockerfile: quotes, escapes and variables, into segments that know where they were written.

The grammar is that of BuildKit's `frontend/dockerfile/shell` (Dockerfile reference, "Environment replacement").
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from policykit.parse.dockerfile.patterns import PatternError, remove_prefix, remove_suffix, replace
from policykit.unknown import HOLE, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

#: `${a:-${b:-...}}` may be nested this deep; BuildKit has no limit but its stack.
MAX_NESTING = 100

_DIGITS = re.compile(r"\d+")
_NAME = re.compile(r"\w+")
_HEREDOC = re.compile(r"<<[ \t\r]*|<")
_SINGLE = re.compile(r"'[^']*'")
_SPECIAL = "@*#?-$!0"


class ExpansionError(ValueError):
    """BuildKit refuses the word: an open quote, a bad substitution, `${x:?}` of a variable that is not set."""


class Binding(NamedTuple):
    """What a name stands for.

    `is_set` and `is_empty` answer `${x-...}` and `${x:-...}`; None: cannot be known. An unknown value that is not set
    is an ARG without a default: a plain `$x` waits for a build argument, `${x:-y}` is `y` as long as there is none.
    """

    value: str | Unknown
    is_set: bool | None = True
    is_empty: bool | None = False


UNSET = Binding("", is_set=False, is_empty=True)


def bind(value: str | Unknown) -> Binding:
    """A name that is set to a value."""
    if isinstance(value, Unknown):
        return Binding(value, is_empty=None if not value.pattern.strip(HOLE) else False)
    return Binding(value, is_empty=not value)


class Segment(NamedTuple):
    """A piece of the result and the range of the word it comes from; `splits`: white space in it ends a word."""

    text: str
    start: int
    end: int
    whole: bool
    splits: bool
    reasons: tuple[str, ...] = ()


@lru_cache(maxsize=32)
def _plain(escape: str, stop: str) -> re.Pattern[str]:
    return re.compile(f"[^'\"$<{re.escape(escape + stop)}]+")


@lru_cache(maxsize=2)
def _plain_quoted(escape: str) -> re.Pattern[str]:
    return re.compile(f'[^"${re.escape(escape)}]+')


class Lexer:
    """Reads one word. `raw` keeps quotes, escapes and unset variables as they are, to look for heredocs."""

    def __init__(self, text: str, lookup: Callable[[str], Binding], escape: str, *, raw: bool = False) -> None:
        self.text = text
        self.lookup = lookup
        self.escape = escape
        self.keep_quotes = raw
        self.keep_escapes = raw
        self.keep_unset = raw
        self.undeclared: list[str] = []
        self.at = 0
        self.depth = 0

    def run(self) -> list[Segment]:
        """The segments of the whole word. Raises `ExpansionError`."""
        return self._until("", keep_escapes=self.keep_escapes)

    def _until(self, stop: str, *, keep_escapes: bool) -> list[Segment]:
        outer, self.keep_escapes = self.keep_escapes, keep_escapes
        text, plain = self.text, _plain(self.escape, stop)
        out: list[Segment] = []
        while self.at < len(text):
            if match := plain.match(text, self.at):
                out.append(Segment(match[0], *match.span(), whole=False, splits=True))
                self.at = match.end()
                continue
            character = text[self.at]
            if character == stop:
                self.at += 1
                self.keep_escapes = outer
                return out
            if character == "$":
                out += [segment._replace(splits=True) for segment in self._dollar()]
            elif character == "'":
                out += self._single_quoted()
            elif character == '"':
                out += self._double_quoted()
            elif character == "<":
                out.append(self._less())
            else:
                out += self._escaped()
        if stop:
            raise ExpansionError(f"a `${{` is not closed: no {stop!r} follows")
        self.keep_escapes = outer
        return out

    def _less(self) -> Segment:
        """`<<` keeps the blanks behind it, so that `<< EOF` is one word."""
        match = _HEREDOC.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return Segment(match[0], *match.span(), whole=False, splits=False)

    def _escaped(self) -> list[Segment]:
        start = self.at
        out = []
        if self.keep_escapes:
            out.append(Segment(self.escape, start, start + 1, whole=False, splits=False))
        self.at = min(start + 2, len(self.text))
        if character := self.text[start + 1 : start + 2]:
            begin = start + 1 if self.keep_escapes else start
            out.append(Segment(character, begin, start + 2, whole=not self.keep_escapes, splits=False))
        return out

    def _single_quoted(self) -> list[Segment]:
        match = _SINGLE.match(self.text, self.at)
        if match is None:
            raise ExpansionError("a single quote is not closed")
        self.at = match.end()
        inset = 0 if self.keep_quotes else 1
        start, end = match.start() + inset, match.end() - inset
        return [Segment(self.text[start:end], start, end, whole=False, splits=False)]

    def _double_quoted(self) -> list[Segment]:
        text, plain = self.text, _plain_quoted(self.escape)
        out = [Segment('"', self.at, self.at + 1, whole=False, splits=False)] if self.keep_quotes else []
        self.at += 1
        while self.at < len(text):
            start = self.at
            if match := plain.match(text, start):
                self.at = match.end()
                out.append(Segment(match[0], start, self.at, whole=False, splits=False))
            elif text[start] == "$":
                out += [segment._replace(splits=False) for segment in self._dollar()]
            elif text[start] == '"':
                self.at += 1
                if self.keep_quotes:
                    out.append(Segment('"', start, self.at, whole=False, splits=False))
                return out
            else:
                out += self._escaped_in_quotes()
        raise ExpansionError("a double quote is not closed")

    def _escaped_in_quotes(self) -> list[Segment]:
        """Only `"`, `$` and the escape character itself can be escaped; before others it stands for itself."""
        start = self.at
        kept = [Segment(self.escape, start, start + 1, whole=False, splits=False)] if self.keep_escapes else []
        following = self.text[start + 1 : start + 2]
        self.at += 1
        if not following:
            return kept
        if following in ('"', "$", self.escape):
            self.at += 1
            begin = start + 1 if self.keep_escapes else start
            return [*kept, Segment(following, begin, start + 2, whole=not self.keep_escapes, splits=False)]
        return [*kept, Segment(self.escape, start, start + 1, whole=False, splits=False)]

    def _dollar(self) -> list[Segment]:
        start = self.at
        self.at += 1
        if not self.text.startswith("{", self.at):
            name = self._name()
            if not name:
                return [self._segment("$", start)]
            return self._value(name, start, f"${name}")
        self.at += 1
        if self.at >= len(self.text):
            raise ExpansionError("a `${` is not closed: no '}' follows")
        if self.text[self.at] in "{}:":
            raise ExpansionError("`${` is followed by no name")
        name = self._name()
        modifier = self._next()
        if modifier == "}":
            return self._value(name, start, f"${{{name}}}")
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise ExpansionError(f"more than {MAX_NESTING} nested substitutions")
        colon = modifier == ":"
        if colon:
            modifier = self._next()
        if colon or (modifier and modifier in "+-?#%"):
            result = self._modified(name, modifier, start, colon=colon)
        elif modifier == "/":
            result = self._replaced(name, start)
        else:
            raise ExpansionError(f"no such substitution: `{modifier}` after `{name}`")
        self.depth -= 1
        return result

    def _modified(self, name: str, modifier: str, start: int, *, colon: bool) -> list[Segment]:
        inner = self._until("}", keep_escapes=modifier in ("#", "%"))
        word = _text(inner)
        binding = self._get(name)
        if self.keep_unset and not binding.is_set:
            return [self._segment(f"${{{name}{':' if colon else ''}{modifier}{word}}}", start)]
        if modifier in ("#", "%"):
            return [self._trimmed(binding, modifier, inner, start)]
        if modifier not in ("+", "-", "?"):
            raise ExpansionError(f"no such substitution: `:{modifier}` after `{name}`")
        missing = _missing(binding, colon=colon)
        if modifier == "?":
            if missing and not isinstance(binding.value, Unknown):
                problem = "empty" if binding.is_set else "unset"
                raise ExpansionError(f"{name}: {word or f'the variable must not be {problem}'}")
            return [self._of(binding.value, start)]
        if missing is None:
            return [self._hole(binding, (), start)]
        if modifier == "+":
            return [] if missing else inner
        return inner if missing else [self._of(binding.value, start)]

    def _trimmed(self, binding: Binding, modifier: str, inner: list[Segment], start: int) -> Segment:
        reasons = reasons_of(inner)
        if reasons or isinstance(binding.value, Unknown):
            return self._hole(binding, reasons, start)
        pattern = _text(inner)
        longest = pattern.startswith(modifier)
        remove = remove_prefix if modifier == "#" else remove_suffix
        try:
            return self._segment(remove(binding.value, pattern[longest:], longest=longest), start)
        except PatternError as error:
            raise ExpansionError(f"bad pattern `{pattern}`: {error}") from None

    def _replaced(self, name: str, start: int) -> list[Segment]:
        everywhere = self.text.startswith("/", self.at)
        self.at += everywhere
        pattern = self._until("/", keep_escapes=True)
        replacement = self._until("}", keep_escapes=True)
        binding = self._get(name)
        if self.keep_unset and not binding.is_set:
            return [self._segment(f"${{{name}/{_text(pattern)}/{_text(replacement)}}}", start)]
        reasons = reasons_of([*pattern, *replacement])
        if reasons or isinstance(binding.value, Unknown):
            return [self._hole(binding, reasons, start)]
        try:
            value = replace(binding.value, _text(pattern), _text(replacement), everywhere=everywhere)
        except PatternError as error:
            raise ExpansionError(f"bad pattern `{_text(pattern)}`: {error}") from None
        return [self._segment(value, start)]

    def _name(self) -> str:
        """A name, a run of digits, or one special parameter; "" where none of them stands."""
        text, start = self.text, self.at
        if match := _DIGITS.match(text, start):
            self.at = match.end()
        elif start < len(text) and text[start] in _SPECIAL:
            self.at += 1
        elif match := _NAME.match(text, start):
            name = match[0]
            if not name.isascii():
                length = next(
                    (i for i, c in enumerate(name) if not (c.isalpha() or c.isdecimal() or c == "_")), len(name)
                )
                name = name[:length]
            self.at += len(name)
        return text[start : self.at]

    def _next(self) -> str:
        character = self.text[self.at : self.at + 1]
        self.at += 1
        return character

    def _get(self, name: str) -> Binding:
        binding = self.lookup(name)
        if binding.is_set is None or not (binding.is_set or isinstance(binding.value, Unknown)):
            self.undeclared.append(name)
        return binding

    def _value(self, name: str, start: int, written: str) -> list[Segment]:
        binding = self._get(name)
        if self.keep_unset and not binding.is_set:
            return [self._segment(written, start)]
        return [self._of(binding.value, start)]

    def _of(self, value: str | Unknown, start: int) -> Segment:
        if isinstance(value, Unknown):
            return self._segment(value.pattern, start, value.reasons)
        return self._segment(value, start)

    def _hole(self, binding: Binding, reasons: tuple[str, ...], start: int) -> Segment:
        own = binding.value.reasons if isinstance(binding.value, Unknown) else ()
        return self._segment(HOLE, start, own + reasons)

    def _segment(self, text: str, start: int, reasons: tuple[str, ...] = ()) -> Segment:
        return Segment(text, start, self.at, whole=True, splits=True, reasons=reasons)


def _missing(binding: Binding, *, colon: bool) -> bool | None:
    """Whether a default takes effect; None: cannot be known."""
    if binding.is_set is None:
        return None
    if not binding.is_set:
        return True
    return binding.is_empty if colon else False


def _text(segments: list[Segment]) -> str:
    return "".join(segment.text for segment in segments)


def reasons_of(segments: list[Segment]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reason for segment in segments for reason in segment.reasons))
