"""What one policy says of one subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.finding import Severity, Verdict
    from policykit.policy import Policy
    from policykit.views.project import Project
    from policykit.views.view import Subject


class Outcome(NamedTuple):
    """A verdict with its message; `at` names the part to blame. `severity` is None where the rule's settings decide."""

    verdict: Verdict
    message: str
    at: str
    severity: Severity | None = None


class Check(Protocol):
    """Something that judges subjects of the view `policy.for_each`."""

    @property
    def policy(self) -> Policy: ...

    def judge(self, subject: Subject, project: Project, parameters: Mapping[str, Any]) -> list[Outcome]:
        """What is wrong with a subject, or cannot be known; nothing where it complies. Never raises."""
        ...
