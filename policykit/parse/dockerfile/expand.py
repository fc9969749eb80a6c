"""Expands variables in a word as BuildKit does, into a text or an `Unknown`, with the place of every character.

Source of the rules: Dockerfile reference, "Environment replacement", and BuildKit's `frontend/dockerfile/shell`.
Where the values come from (ARG, ENV, base images) is not known here: see `scope`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from policykit.parse.dockerfile.fragment import SPACE, Fragment, FragmentBuilder
from policykit.parse.dockerfile.lexer import ExpansionError, Lexer, reasons_of
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from policykit.parse.dockerfile.lexer import Binding, Segment

_SPACES = re.compile(f"[{SPACE}]+")


class Expansion(NamedTuple):
    """What a word comes to.

    `fragment.text` is the value, or the pattern of the `Unknown`, with the place of each character: that of the
    reference for a variable's value. `undeclared`: the names used that nothing in the file sets, in order. `error`:
    why BuildKit refuses the word, "" if it does not; the value is then unknown.
    """

    value: str | Unknown
    fragment: Fragment
    undeclared: tuple[str, ...] = ()
    error: str = ""


def expand(word: Fragment, lookup: Callable[[str], Binding], escape: str = "\\") -> Expansion:
    """The value of one word (BuildKit's ProcessWord). Raises nothing: see `Expansion.error`."""
    if not _needs_work(word.text, escape):
        return Expansion(word.text, word)
    lexer = Lexer(word.text, lookup, escape)
    try:
        segments = lexer.run()
    except ExpansionError as error:
        message = str(error)
        return Expansion(Unknown((message,)), word, tuple(lexer.undeclared), message)
    return _expansion(word, segments, lexer.undeclared)


def expand_words(word: Fragment, lookup: Callable[[str], Binding], escape: str = "\\") -> tuple[Expansion, ...]:
    """The words that a text comes to, split after expansion (BuildKit's ProcessWords, used for EXPOSE)."""
    lexer = Lexer(word.text, lookup, escape)
    try:
        segments = lexer.run()
    except ExpansionError as error:
        message = str(error)
        return (Expansion(Unknown((message,)), word, tuple(lexer.undeclared), message),)
    return tuple(_expansion(word, group, lexer.undeclared) for group in split_segments(segments))


def split_segments(segments: list[Segment]) -> list[list[Segment]]:
    """Cuts at white space that stands in segments which split; empty words vanish."""
    words: list[list[Segment]] = [[]]
    for segment in segments:
        if not segment.splits:
            if segment.text:
                words[-1].append(segment)
            continue
        at = 0
        text = segment.text
        for gap in _SPACES.finditer(text):
            if gap.start() > at:
                words[-1].append(_cut(segment, at, gap.start()))
            words.append([])
            at = gap.end()
        if at < len(text):
            words[-1].append(_cut(segment, at, len(text)))
    return [word for word in words if word]


def _cut(segment: Segment, start: int, end: int) -> Segment:
    if segment.whole:
        return segment._replace(text=segment.text[start:end])
    return segment._replace(text=segment.text[start:end], start=segment.start + start, end=segment.start + end)


def _expansion(word: Fragment, segments: list[Segment], undeclared: list[str]) -> Expansion:
    builder = FragmentBuilder(word)
    for segment in segments:
        builder.add(segment.text, segment.start, segment.end, whole=segment.whole)
    fragment = builder.build(0)
    reasons = reasons_of(segments)
    value = Unknown(reasons, fragment.text) if reasons else fragment.text
    return Expansion(value, fragment, tuple(dict.fromkeys(undeclared)))


def _needs_work(text: str, escape: str) -> bool:
    return "$" in text or escape in text or "'" in text or '"' in text
