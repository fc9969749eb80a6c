"""A finding: one policy's verdict on one subject, with the place to blame. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from policykit.document import Span, Target

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
Verdict = Literal["fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Resource:
    """Which Kubernetes object a finding is about."""

    api_version: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule` is a policy id; `path` reads `spec.containers[0].image`; `help` says how to put it right."""

    rule: str
    severity: Severity
    verdict: Verdict
    message: str
    span: Span
    path: str
    target: Target
    resource: Resource | None
    help: str
