"""What a comment says into a directive: whose rules it silences, which ones, where, and why.

The peers' own ways of writing it are here, so that their files need no change. Which of our rules a peer's id stands
for is decided elsewhere (`names`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.document import Target
    from policykit.parse.dockerfile.ast import Directive as ParserDirective
    from policykit.suppress.comments import Comment

Scope = Literal["near", "next line", "stage", "document", "file"]

OURS = ""
USAGE = "write `# policykit: ignore=RULE[,RULE] reason`, or `ignore-file=` for the whole file"

#: A text without any of these has no directive; a fast no for nearly all files.
MENTIONS = re.compile(
    r"policykit\s*:|hadolint\s+(?:(?:global|stage)\s+)?ignore|check\s*=|checkov:skip|dclint\s+disable|trivy:ignore|shellcheck\s.*disable="
)

_LIST = r"[\w./*-]+(?:\s*,\s*[\w./*-]+)*"
_OURS = re.compile(rf"policykit\s*:\s*(ignore-file|ignore)\s*(?:=\s*({_LIST}))?(?:\s+|\Z)(.*)")
_HADOLINT_LIST = r"[A-Za-z]+[0-9]+(?:\s*,\s*[A-Za-z]+[0-9]+)*"  # anything else and hadolint takes no notice
_HADOLINT = re.compile(rf"hadolint\s+(?:(global|stage)\s+)?ignore\s*=\s*({_HADOLINT_LIST})(.*)")
_SHELLCHECK = re.compile(r"shellcheck\s+(?:\w+=\S+\s+)*disable=(\S+)(.*)")
_CHECKOV = re.compile(r"checkov:skip=\s*([\w,]+)(?::\s*(.*))?")
_DCLINT = re.compile(r"dclint\s+(disable-line|disable)\b(.*)")
_TRIVY = re.compile(r"trivy:ignore:([\w*-]+)((?::\w+:[\w.-]+)*)")
_TRIVY_EXPIRY = re.compile(r":exp:([\d-]+)")
_HADOLINT_SCOPES: dict[str | None, Scope] = {None: "near", "stage": "stage", "global": "file"}
_CHECK = re.compile(r"check\s*=\s*(.*)")
_BUILDKIT = re.compile(rf"(?:^|;)\s*skip\s*=\s*({_LIST})")


class Directive(NamedTuple):
    """`peer` is a key of `Policy.equivalents`, empty for our own; no `names` stands for all rules (of that peer).

    `problem`: why it silences nothing, empty if it does. `expires`: the last day it holds, empty if for ever.
    """

    peer: str
    names: tuple[str, ...]
    scope: Scope
    reason: str = ""
    problem: str = ""
    expires: str = ""


def read_comment(comment: Comment, target: Target) -> Iterator[Directive]:
    """The directives in a comment: mostly none."""
    text = comment.text
    if text.startswith("policykit"):
        yield from _ours(text)
    elif target == "dockerfile" and (match := _HADOLINT.match(text)):
        yield Directive("hadolint", _names(match[2]), _HADOLINT_SCOPES[match[1]], match[3].strip())
    elif target == "dockerfile" and (match := _SHELLCHECK.match(text)):
        yield Directive("shellcheck", _names(match[1]), "near", match[2].strip(" #"))
    elif target == "dockerfile" and (match := _CHECK.match(text)):
        yield from _buildkit(match[1], "near")
    elif target == "compose" and (match := _DCLINT.match(text)):
        if match[1] == "disable-line":
            yield Directive("dclint", tuple(match[2].split()), "next line")
        elif comment.leading:
            yield Directive("dclint", tuple(match[2].split()), "file")
    for match in _CHECKOV.finditer(text):
        scope: Scope = "file" if target == "dockerfile" else "document"
        yield Directive("checkov", _names(match[1]), scope, (match[2] or "").strip())
    for match in _TRIVY.finditer(text):
        expiry = _TRIVY_EXPIRY.search(match[2])
        names = () if match[1] == "*" else (match[1],)
        yield Directive("trivy", names, "near", expires=expiry[1] if expiry else "")


def read_parser_directive(directive: ParserDirective) -> Iterator[Directive]:
    """`# check=skip=...` at the top of a Dockerfile."""
    if directive.name == "check":
        yield from _buildkit(directive.value, "file")


def _buildkit(configuration: str, scope: Scope) -> Iterator[Directive]:
    match = _BUILDKIT.search(configuration)
    if match is not None:
        names = _names(match[1])
        yield Directive("buildkit", () if "all" in (name.lower() for name in names) else names, scope)


def _ours(text: str) -> Iterator[Directive]:
    match = _OURS.match(text)
    if match is None:
        if re.match(r"policykit\s*:", text):
            yield Directive(OURS, (), "near", problem=f"not a suppression: {USAGE}")
        return
    verb, names, reason = match.groups()
    if verb == "ignore" and not names:
        yield Directive(OURS, (), "near", problem=f"names no rule: {USAGE}")
        return
    yield Directive(OURS, _names(names or ""), "file" if verb == "ignore-file" else "near", reason.strip())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in re.split(r"\s*,\s*", text) if name)
