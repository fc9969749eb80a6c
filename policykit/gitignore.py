"""Lines of an ignore file into patterns that say of a path whether git ignores it (gitignore(5)).

A pattern is asked about one path at a time; that nothing below an ignored directory comes back is up to whoever walks.
No file is read here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPACES = re.compile(r"(?<!\\)[ \t]+\Z")
#: A `]` that comes first is a member.
_CLASS = re.compile(r"\[([!^]?)((?:\]|\\.|\[:[a-z]+:\]|[^\]\\])(?:\\.|\[:[a-z]+:\]|[^\]\\])*)\]", re.DOTALL)
_NAMED = {"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s"}


class Pattern(NamedTuple):
    """One line: what it matches, whether it ignores (or brings back), and whether directories only."""

    regex: re.Pattern[str]
    ignores: bool
    directories_only: bool


class Ignore:
    """The patterns of one file, for paths relative to its directory, with `/` between components."""

    def __init__(self, lines: Iterable[str]) -> None:
        """A line that is no pattern is left out, as git does."""
        self.patterns = tuple(pattern for line in lines if (pattern := _pattern(line)) is not None)

    def verdict(self, path: str, *, is_directory: bool) -> bool | None:
        """Whether the path itself is ignored; the last pattern that matches decides, None where none does."""
        for pattern in reversed(self.patterns):
            if (is_directory or not pattern.directories_only) and pattern.regex.fullmatch(path):
                return pattern.ignores
        return None

    def covers(self, path: str) -> bool:
        """Whether a file is ignored, or a directory that it lies in."""
        parts = path.split("/")
        return any(
            self.verdict("/".join(parts[:depth]), is_directory=depth < len(parts)) for depth in range(1, len(parts) + 1)
        )


def _pattern(line: str) -> Pattern | None:
    text = _SPACES.sub("", line.rstrip("\r\n"))
    ignores = not text.startswith("!")
    text = text.removeprefix("!") if not ignores else text
    if not text or (ignores and text.startswith("#")):
        return None
    directories_only = text.endswith("/")
    text = text.removesuffix("/")
    anchored = "/" in text
    text = text.removeprefix("/")
    if not text:
        return None
    try:
        regex = re.compile(("" if anchored else "(?:.*/)?") + _translate(text), re.DOTALL)
    except (re.error, ValueError):
        return None
    return Pattern(regex, ignores, directories_only)


def _translate(text: str) -> str:
    """The pattern as a regular expression. ValueError for a class without an end, which matches nothing."""
    out = []
    at = 0
    while at < len(text):
        rest = text[at:]
        if rest.startswith("**/") and (at == 0 or text[at - 1] == "/"):
            out.append("(?:.*/)?")
            at += 3
        elif rest == "**" and at and text[at - 1] == "/":
            out.append(".+")
            at += 2
        elif rest[0] == "*":
            stars = len(rest) - len(rest.lstrip("*"))
            out.append("[^/]*")
            at += stars
        elif rest[0] == "?":
            out.append("[^/]")
            at += 1
        elif rest[0] == "[":
            found = _CLASS.match(rest)
            if found is None:
                raise ValueError(text)
            out.append(_members(found[1], found[2]))
            at += found.end()
        else:
            taken = rest[1:2] if rest[0] == "\\" else rest[0]
            if not taken:
                raise ValueError(text)  # nothing can follow a last backslash
            out.append(re.escape(taken))
            at += 2 if rest[0] == "\\" else 1
    return "".join(out)


def _members(negation: str, members: str) -> str:
    """A class of characters; `/` is in none."""
    named = re.sub(r"\[:([a-z]+):\]", lambda match: _NAMED.get(match[1], ""), members)
    inner = re.sub(r"\\(.)|([\[\]^&~|])", lambda match: re.escape(match[1] or match[2]), named)
    return f"(?!/)[{'^' if negation else ''}{inner}]"
