"""Findings, and what people wrote to silence some, into findings that stay and findings that are suppressed.

Suppression is the engine's affair and never a rule's. What silences nothing, has expired or names no rule is a finding
of its own, so that no suppression outlives its reason unseen.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from policykit.finding import Suppressed
from policykit.suppress.collect import Collector, Given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.finding import Finding, Judged
    from policykit.suppress.suppression import Suppression

__all__ = ["Given", "suppress"]


def suppress(judged: Sequence[Judged], given: Given) -> tuple[list[Finding], list[Suppressed]]:
    """The findings that stay, with those about suppressions themselves, and the findings that somebody silenced."""
    collector = Collector(given)
    collector.collect(judged)
    by_rule: dict[str, list[Suppression]] = defaultdict(list)
    for suppression in collector.suppressions:
        for rule in suppression.rules:
            by_rule[rule].append(suppression)
    kept: list[Finding] = []
    silenced: list[Suppressed] = []
    for item in judged:
        covering = [suppression for suppression in by_rule.get(item.finding.rule, ()) if suppression.covers(item)]
        working = _working(covering, item.finding.rule, collector, given.today)
        if working is None:
            kept.append(item.finding)
        else:
            silenced.append(Suppressed(item.finding, working.by, working.reason))
    said = (suppression.finding(given.today) for suppression in collector.suppressions)
    return [*kept, *collector.problems, *(finding for finding in said if finding is not None)], silenced


def _working(covering: list[Suppression], rule: str, collector: Collector, today: str) -> Suppression | None:
    """The first one that silences a finding of `rule`; all of them have met it."""
    suppressible = collector.names.is_suppressible(rule)
    for suppression in covering:
        (suppression.used if suppressible else suppression.refused).add(rule)
    if not suppressible:
        return None
    return next((s for s in covering if not s.expires or s.expires >= today), None)
