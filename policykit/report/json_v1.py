"""A run as JSON, version 1. The types below are the contract; nothing else of the program is written out."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from policykit.finding import Finding, NotEvaluated, Resource, Run, Severity, Suppressed, Verdict
    from policykit.report import Report


class ResourceV1(TypedDict):
    apiVersion: str
    kind: str
    namespace: str
    name: str


class FindingV1(TypedDict):
    """Lines and columns count from 1, columns in characters; the end is exclusive."""

    rule: str
    severity: Severity
    verdict: Verdict
    message: str
    file: str
    line: int
    column: int
    endLine: int
    endColumn: int
    path: str
    target: str | None
    resource: ResourceV1 | None
    help: str


class SuppressedV1(FindingV1):
    by: str
    reason: str


class NotEvaluatedV1(TypedDict):
    file: str
    line: int
    column: int
    reason: str


class SummaryV1(TypedDict):
    """`unknown` counts the findings of that verdict, which are among the others, too."""

    files: int
    error: int
    warning: int
    info: int
    unknown: int
    suppressed: int
    notEvaluated: list[NotEvaluatedV1]


class ReportV1(TypedDict):
    version: int
    bundle: str
    findings: list[FindingV1]
    suppressed: list[SuppressedV1]
    summary: SummaryV1


def render(report: Report) -> str:
    return json.dumps(_report(report.run), indent=2) + "\n"


def _report(run: Run) -> ReportV1:
    return {
        "version": 1,
        "bundle": run.bundle,
        "findings": [_finding(finding) for finding in run.findings],
        "suppressed": [_suppressed(suppressed) for suppressed in run.suppressed],
        "summary": _summary(run),
    }


def _finding(finding: Finding) -> FindingV1:
    span, resource = finding.span, finding.resource
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "verdict": finding.verdict,
        "message": finding.message,
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "path": finding.path,
        "target": finding.target,
        "resource": _resource(resource) if resource else None,
        "help": finding.help.strip(),
    }


def _resource(resource: Resource) -> ResourceV1:
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "namespace": resource.namespace,
        "name": resource.name,
    }


def _suppressed(suppressed: Suppressed) -> SuppressedV1:
    return {**_finding(suppressed.finding), "by": suppressed.by, "reason": suppressed.reason}


def _not_evaluated(item: NotEvaluated) -> NotEvaluatedV1:
    return {"file": item.span.file, "line": item.span.line, "column": item.span.column, "reason": item.reason}


def _summary(run: Run) -> SummaryV1:
    severities = Counter(finding.severity for finding in run.findings)
    return {
        "files": run.files,
        "error": severities["error"],
        "warning": severities["warning"],
        "info": severities["info"],
        "unknown": sum(finding.verdict == "unknown" for finding in run.findings),
        "suppressed": len(run.suppressed),
        "notEvaluated": [_not_evaluated(item) for item in run.not_evaluated],
    }
