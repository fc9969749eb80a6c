"""Findings, and what people wrote to silence some, into findings that stay and findings that are suppressed.

Suppression is the engine's affair and never a rule's. What silences nothing, has expired or names no rule is a finding
of its own, so that no suppression outlives its reason unseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from policykit.finding import Suppressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from policykit.catalogue import Catalogue
    from policykit.document import Document, Source
    from policykit.finding import Finding, Judged
    from policykit.suppress.exceptions import PolicyException
    from policykit.suppress.suppression import Suppression

#: A text without any of these has no suppression in it.
_MENTIONS = ("policykit", "hadolint", "check", "checkov", "dclint", "trivy", "kube-", "polaris", "shellcheck")


class Given(NamedTuple):
    """All that decides about suppressions, beside the findings.

    `documents` and `sources` (by name) of the run; `active` gives the ids of the rules in force for a file; `today` as
    in `2027-01-31`; `inline` is false where comments and annotations are not to be honoured.
    """

    catalogue: Catalogue
    documents: Sequence[Document]
    sources: Mapping[str, Source]
    active: Callable[[str], Iterable[str]]
    today: str
    exceptions: Sequence[PolicyException] = ()
    inline: bool = True

    @property
    def any_suppression(self) -> bool:
        """Can there be one at all? Mostly not, and then nothing of what reads them needs to be imported."""
        texts = (source.text for source in self.sources.values()) if self.inline else ()
        return bool(self.exceptions) or any(word in text for text in texts for word in _MENTIONS)


def suppress(judged: Sequence[Judged], given: Given) -> tuple[list[Finding], list[Suppressed]]:
    """The findings that stay, with those about suppressions themselves, and the findings that somebody silenced."""
    if not given.any_suppression:
        return [item.finding for item in judged], []
    from policykit.suppress.collect import Collector
    from policykit.suppress.match import Findings

    collector = Collector(given)
    collector.collect(judged)
    findings = Findings(judged)
    silenced: dict[int, Suppression] = {}
    for suppression in collector.suppressions:
        for rule in sorted(suppression.rules):
            if not findings.meets(rule, suppression.scope):
                continue
            if not collector.names.is_suppressible(rule):
                suppression.refused.add(rule)
                continue
            suppression.used.add(rule)
            if not suppression.expires or suppression.expires >= given.today:
                silenced.update(dict.fromkeys(findings.take(rule, suppression.scope), suppression))
    kept = [item.finding for position, item in enumerate(judged) if position not in silenced]
    said = (suppression.finding(given.today) for suppression in collector.suppressions)
    return (
        [*kept, *collector.problems, *(finding for finding in said if finding is not None)],
        [Suppressed(judged[position].finding, by.by, by.reason) for position, by in sorted(silenced.items())],
    )
