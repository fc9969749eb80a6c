"""The patterns of a `.dockerignore` into an answer for a path: does the build context lack it?

Rules: Docker documentation, "Build context", `.dockerignore` files: Go's `filepath.Match` for each segment, `**` for
any number of them, `!` for exceptions; the last pattern that matches decides, and one that covers a directory covers
what is in it.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from policykit.document import Source

#: Stands for a file of an ordinary name, to ask whether the whole context is left out.
_ANY_FILE = "\x01"


#: A bracket that nothing closes stays as it is, so that the whole is no regular expression either.
_WILDCARDS = {"*": "[^/]*", "?": "[^/]", "[": "["}


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    exception: bool


class DockerIgnore:
    """The rules of one file."""

    def __init__(self, text: str) -> None:
        self._rules = [rule for line in text.splitlines() if (rule := _read(line)) is not None]

    def ignores(self, path: str) -> bool:
        """Whether a path of COPY or ADD, relative to the context, is left out of it.

        The context itself is left out only where nothing in it is let in.
        """
        cleaned = posixpath.normpath(path.replace("\\", "/")).lstrip("/") or "."
        if cleaned == ".":
            return not any(rule.exception for rule in self._rules) and self._matches(_ANY_FILE)
        return self._matches(cleaned)

    def _matches(self, path: str) -> bool:
        parts = path.split("/")
        prefixes = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        ignored = False
        for rule in self._rules:
            if rule.exception == ignored and any(rule.pattern.fullmatch(prefix) for prefix in prefixes):
                ignored = not rule.exception
        return ignored


@cache
def read_dockerignore(source: Source) -> DockerIgnore:
    """The rules in a file's text. Never raises."""
    return DockerIgnore(source.text)


def _read(line: str) -> _Rule | None:
    if line.startswith("#"):
        return None
    text = line.strip()
    exception = text.startswith("!")
    text = text[1:].strip() if exception else text
    if not text:
        return None
    cleaned = posixpath.normpath(text).lstrip("/")
    if cleaned in ("", "."):
        return None
    try:
        return _Rule(re.compile(_translate(cleaned), re.DOTALL), exception)
    except re.error:
        return None  # Docker refuses the file; nothing can be said of its paths


def _translate(pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*" and pattern.startswith("**", at):
            at += 2
            if pattern.startswith("/", at):
                at += 1
                out.append("(?:.*/)?")
            else:
                out.append(".*")
            continue
        if char == "[" and (end := pattern.find("]", at + 2)) > 0:
            inner = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[{inner}]")
            at = end
        elif char == "\\" and at + 1 < len(pattern):
            at += 1
            out.append(re.escape(pattern[at]))
        else:
            out.append(_WILDCARDS.get(char) or re.escape(char))
        at += 1
    return "".join(out)
