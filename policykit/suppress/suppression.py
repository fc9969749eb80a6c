"""One suppression at work, whatever it was written as, and what is reported about those that do not work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from policykit.finding import Finding
from policykit.suppress.own_rules import EXPIRED, INVALID, OWN_RULES, UNUSED

if TYPE_CHECKING:
    from policykit.document import Span, Target
    from policykit.suppress.match import Scope


class Place(NamedTuple):
    """Where a suppression is written; no target in a configuration."""

    span: Span
    target: Target | None


@dataclass(slots=True)
class Suppression:
    """`by` and `reason` are for reports; `rules` are the ids it names, `expires` the last day it holds, if any.

    `watched`: it is ours and nothing about it is left out of the run, so that it must not be unused. `used` and
    `refused` (by policies that forbid it) are the rules it met.
    """

    by: str
    reason: str
    rules: frozenset[str]
    place: Place
    scope: Scope
    watched: bool = False
    expires: str = ""
    used: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def finding(self, today: str) -> Finding | None:
        """What is to be said about it once it has met all findings."""
        if self.refused:
            return report(INVALID, f"{_listed(self.refused)} cannot be suppressed: the policy forbids it", self.place)
        if self.expires and self.expires < today:
            if self.used or self.watched:
                return report(EXPIRED, f"this expired on {self.expires}", self.place)
        elif self.watched and not self.used:
            return report(UNUSED, f"nothing to suppress here for {_listed(self.rules)}", self.place)
        return None


def report(rule: str, message: str, place: Place, hint: str = "") -> Finding:
    """A finding about a suppression; `hint` in place of the rule's usual help."""
    own = OWN_RULES[rule]
    return Finding(rule, own.severity, "fail", message, place.span, "", place.target, None, hint or own.help)


def _listed(rules: set[str] | frozenset[str]) -> str:
    names = sorted(rules)
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
