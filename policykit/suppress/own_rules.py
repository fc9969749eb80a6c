"""The rules that no policy file says: those about suppressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from policykit.finding import Severity

UNUSED = "unused-suppression"
INVALID = "invalid-suppression"
EXPIRED = "expired-suppression"


class OwnRule(NamedTuple):
    """What a policy file would say."""

    summary: str
    severity: Severity
    help: str


OWN_RULES = {
    UNUSED: OwnRule("Suppression that silences nothing", "info", "Remove it."),
    INVALID: OwnRule("Suppression that cannot work", "warning", "Correct it, or remove it."),
    EXPIRED: OwnRule("Suppression whose last day has passed", "warning", "Mend what it covers, or give it a new date."),
}
