"""The names people write in suppressions into ids of rules: our own, a category, a peer's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policykit.suppress import codes

if TYPE_CHECKING:
    from policykit.catalogue import Catalogue

#: The peers whose lists of ids hold ShellCheck's codes; neither has a list of none that means all.
_WITH_CODES = frozenset({"hadolint", "shellcheck"})
_TRIVY = re.compile(r"(?:AVD-)?([A-Z]+)-?0*(\d+)")


class Names:
    """Looks names up in a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._peers: dict[str, dict[str, set[str]]] = {}
        for policy in catalogue.policies:
            for peer, ids in policy.equivalents.items():
                known = self._peers.setdefault(peer, {})
                for name in ids:
                    known.setdefault(_normal(peer, name), set()).add(policy.id)

    def ours(self, name: str) -> tuple[str, ...]:
        """The ids that `name` stands for; empty if it is no name of anything."""
        return self._catalogue.resolve(name) or codes.of_name(name if name.upper().startswith("SC") else "")

    def of_peer(self, peer: str, names: tuple[str, ...]) -> frozenset[str]:
        """Our equivalents of a peer's ids, of all its ids where none is given."""
        known = self._peers.get(peer, {})
        if peer not in _WITH_CODES:
            wanted = (_normal(peer, name) for name in names) if names else known
            return frozenset(rule for name in wanted for rule in known.get(name, ()))
        return frozenset(rule for name in names for rule in codes.of_name(name) or known.get(_normal(peer, name), ()))

    def suggestion(self, name: str) -> str:
        """A hint with the nearest name, or one that says where all of them are."""
        from difflib import get_close_matches

        near = get_close_matches(name, [policy.id for policy in self._catalogue.policies], 1)
        return f"Did you mean `{near[0]}`?" if near else "`policykit rules` lists what there is."

    def is_suppressible(self, rule: str) -> bool:
        policy = self._catalogue.get(codes.rule_of(rule))
        return policy is None or policy.suppressible


def _normal(peer: str, name: str) -> str:
    """One form for the ways a peer's id is written: trivy's `AVD-DS-0002`, `DS002` and `ds-0002` are one check."""
    upper = name.upper()
    if peer == "trivy" and (match := _TRIVY.fullmatch(upper)):
        return f"{match[1]}{match[2]}"
    return upper
