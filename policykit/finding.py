"""What a run says: findings (one policy's verdict on one subject, with the place to blame) and what became of them.

Values only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.document import Document, Span, Target

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
Verdict = Literal["fail", "unknown"]


class Resource(NamedTuple):
    """Which Kubernetes object a finding is about."""

    api_version: str
    kind: str
    namespace: str
    name: str


class Finding(NamedTuple):
    """`rule` is a policy id; `path` reads `spec.containers[0].image`; `help` says how to put it right.

    `target` is None where a file could not be read far enough to tell, and in policykit's own configuration.
    """

    rule: str
    severity: Severity
    verdict: Verdict
    message: str
    span: Span
    path: str
    target: Target | None
    resource: Resource | None
    help: str


class Judged(NamedTuple):
    """A finding with what decides whether somebody silenced it.

    `document` is the one that `finding.path` leads into, None where there is none (a file that cannot be read);
    `annotations` are those of the Kubernetes objects that the subject stands in.
    """

    finding: Finding
    document: Document | None = None
    annotations: tuple[Mapping[str, Any], ...] = ()


class Suppressed(NamedTuple):
    """A finding that somebody silenced: `by` says how (a comment, an annotation, an exception), `reason` why."""

    finding: Finding
    by: str
    reason: str


class NotEvaluated(NamedTuple):
    """A file or a part of one that was recognised but could not be judged, such as a Helm template."""

    span: Span
    reason: str


class Run(NamedTuple):
    """Everything one run found, in the order of files, lines, columns and rules.

    `bundle` is the digest of the policies and parameters in force; `files` counts those that were evaluated.
    """

    bundle: str
    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    files: int
