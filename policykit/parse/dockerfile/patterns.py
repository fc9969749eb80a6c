"""Applies the patterns of `${x#p}`, `${x%p}` and `${x/p/r}` to a value, in time linear in the value for each `*`.

Patterns know `*`, `?` and backslash escapes, no brackets (BuildKit, `frontend/dockerfile/shell`). A `*` is matched by
leftmost or rightmost search of the text that follows it, so no input makes it backtrack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_STAR = ""  # in a token list; any other token is a regular expression for one character
_TOKEN = re.compile(r"\\(?s:.)?|(?s:.)")
_GROUP = re.compile(r"\$(\$|[0-9A-Za-z_]+|\{[0-9A-Za-z_]+\})")


class PatternError(ValueError):
    """A pattern that BuildKit refuses."""


def remove_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """`${x#pattern}`, with `longest` `${x##pattern}`."""
    end = _prefix_end(value, _tokens(pattern), longest=longest)
    return value if end is None else value[end:]


def remove_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """`${x%pattern}`, with `longest` `${x%%pattern}`."""
    end = _prefix_end(value[::-1], _tokens(pattern)[::-1], longest=longest)
    return value if end is None else value[: len(value) - end]


def replace(value: str, pattern: str, replacement: str, *, everywhere: bool) -> str:
    """`${x/pattern/replacement}`, with `everywhere` `${x//pattern/replacement}`: leftmost, longest matches.

    As in BuildKit, `everywhere` expands `$1` in the replacement as the group of a regular expression (always empty).
    """
    tokens = _tokens(pattern)
    if not everywhere:
        found = _search(value, tokens, 0)
        return value if found is None else value[: found[0]] + replacement + value[found[1] :]
    replacement = _GROUP.sub(lambda m: "$" if m[1] == "$" else "", replacement)
    out: list[str] = []
    at = copied = 0
    while at <= len(value) and (found := _search(value, tokens, at)):
        start, end = found
        if end > start or not out or start > copied:
            out += (value[copied:start], replacement)
            copied = end
        at = end if end > start else end + 1
    return "".join((*out, value[copied:]))


def _tokens(pattern: str) -> list[str]:
    tokens = []
    for match in _TOKEN.finditer(pattern):
        part = match[0]
        if part == "*":
            tokens.append(_STAR)
        elif part == "?":
            tokens.append(".")
        elif part[0] != "\\":
            tokens.append(re.escape(part))
        elif part[1:] in ("}", "/", "*", "?", "\\"):
            tokens.append(re.escape(part[1]))
        else:
            raise PatternError(f"`{part}` escapes nothing")
    return tokens


def _runs(tokens: Sequence[str]) -> list[re.Pattern[str]]:
    """The texts between the stars; an empty one for a star at either end."""
    runs: list[list[str]] = [[]]
    for token in tokens:
        if token == _STAR:
            runs.append([])
        else:
            runs[-1].append(token)
    return [re.compile("".join(run)) for run in runs]


def _prefix_end(value: str, tokens: Sequence[str], *, longest: bool) -> int | None:
    runs = _runs(tokens)
    match = runs[0].match(value)
    return None if match is None else _rest_end(value, runs, match.end(), longest=longest)


def _search(value: str, tokens: Sequence[str], at: int) -> tuple[int, int] | None:
    runs = _runs(tokens)
    match = runs[0].search(value, at)
    end = None if match is None else _rest_end(value, runs, match.end(), longest=True)
    return None if match is None or end is None else (match.start(), end)


def _rest_end(value: str, runs: list[re.Pattern[str]], at: int, *, longest: bool) -> int | None:
    """Where a match ends whose first run ends at `at`."""
    if len(runs) == 1:
        return at
    for run in runs[1:-1]:
        match = run.search(value, at)
        if match is None:
            return None
        at = match.end()
    last = runs[-1]
    match = last.search(value, at)
    if match is None or not longest:
        return None if match is None else match.end()
    if not last.pattern:
        return len(value)
    for start in range(len(value), match.start(), -1):
        if later := last.match(value, start):
            return later.end()
    return match.end()
