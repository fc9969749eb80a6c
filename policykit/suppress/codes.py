"""ShellCheck's codes into names of parts of one rule: `SC2086` is what the rule `shellcheck` passes on under it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policykit.finding import Finding

_RULE = "shellcheck"
_CODE = re.compile(r"(?:SC)?(\d{4,5})", re.IGNORECASE)
_RANGE = re.compile(r"(?:SC)?(\d{4,5})-(?:SC)?(\d{4,5})", re.IGNORECASE)
_IN_MESSAGE = re.compile(r"SC\d+(?=: )")


def of_name(name: str) -> tuple[str, ...]:
    """The parts that a code, a range of codes or `all` means in `shellcheck disable=`; none for other names."""
    if name == "all":
        return (_RULE,)
    if match := _CODE.fullmatch(name):
        return (_part(match[1]),)
    if match := _RANGE.fullmatch(name):
        return tuple(_part(number) for number in range(int(match[1]), min(int(match[2]), int(match[1]) + 9999) + 1))
    return ()


def of_finding(finding: Finding) -> str:
    """The part that a finding belongs to, "" for one of another rule."""
    match = _IN_MESSAGE.match(finding.message) if finding.rule == _RULE else None
    return _part(match[0].removeprefix("SC")) if match else ""


def rule_of(name: str) -> str:
    """The rule that a part belongs to; a rule is its own."""
    return name.partition(":")[0]


def _part(number: str | int) -> str:
    return f"{_RULE}:SC{number}"
