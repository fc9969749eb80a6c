"""Reads parser directives (`# escape=`, `# syntax=`, `# check=`) from the top of a Dockerfile.

Rules: Dockerfile reference, "Parser directives". They end at the first line that is not one; each may stand once; a
`#!` line at the very top is skipped when looking for `syntax` and `check`, but then `escape` has no effect.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from policykit.parse.dockerfile.ast import Directive, ParseProblem
from policykit.parse.dockerfile.fragment import SPACE, LineIndex

_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*\Z")
_KNOWN = frozenset({"escape", "syntax", "check"})
_ESCAPES = ("\\", "`")


class Header(NamedTuple):
    """What the top of the file says; `escape` is the escape character in force. The directives stand in the lines from
    `start` on, up to but not including `end`."""

    directives: tuple[Directive, ...]
    escape: str
    start: int
    end: int
    problems: tuple[ParseProblem, ...]


def read_header(lines: LineIndex) -> Header:
    """The directives of a Dockerfile, and what is wrong with them."""
    shebang = lines.text.startswith("#!")
    directives: list[Directive] = []
    problems: list[ParseProblem] = []
    escape = _ESCAPES[0]
    number = first = 2 if shebang else 1
    for directive in _leading(lines, "#", first):
        number += 1
        if any(d.name == directive.name for d in directives):
            problems.append(ParseProblem(f"parser directive given twice: {directive.name}", directive.span))
            continue
        directives.append(directive)
        if directive.name != "escape" or shebang:
            continue
        if directive.value in _ESCAPES:
            escape = directive.value
        else:
            message = f"escape is \\ or `, not {directive.value!r}"
            problems.append(ParseProblem(message, directive.value_span))
    return Header(tuple(directives), escape, first, number, tuple(problems))


def detect_syntax(lines: LineIndex) -> str:
    """The frontend image that the file asks for, "" for none: from `# syntax=`, `// syntax=` or a JSON `"syntax"` key,
    as BuildKit looks for it before it takes the file for a Dockerfile at all."""
    first = 2 if lines.text.startswith("#!") else 1
    for prefix in ("#", "//"):
        for directive in _leading(lines, prefix, first):
            if directive.name == "syntax":
                return directive.value.partition(" ")[0]
    text = lines.text if first == 1 else lines.text.partition("\n")[2]
    if not text.lstrip(" \t\r\n").startswith("{"):
        return ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    syntax = value.get("syntax") if isinstance(value, dict) else None
    return syntax if isinstance(syntax, str) else ""


def _leading(lines: LineIndex, prefix: str, number: int) -> list[Directive]:
    found = []
    while (line := _line(lines, number)) is not None:
        start, text = line
        body = text.lstrip(SPACE)
        if not body.startswith(prefix):
            break
        content = body[len(prefix) :].lstrip(SPACE)
        match = _DIRECTIVE.match(content)
        if match is None or match[1].lower() not in _KNOWN:
            break
        at = start + len(text) - len(content)
        found.append(
            Directive(
                match[1].lower(),
                match[2],
                lines.span(start + len(text) - len(body), at + match.end(2)),
                lines.span(at + match.start(2), at + match.end(2)),
            )
        )
        number += 1
    return found


def _line(lines: LineIndex, number: int) -> tuple[int, str] | None:
    """Where a line starts, and its text without the line end; None after the last."""
    if number > lines.count:
        return None
    start = lines.offset(number)
    end = lines.text.find("\n", start)
    return start, lines.text[start : end if end >= 0 else None].rstrip("\r")
