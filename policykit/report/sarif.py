"""A run as SARIF 2.1.0 (OASIS): what code scanning services read. Section numbers are the specification's."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from policykit import __version__
from policykit.report.fingerprint import fingerprints
from policykit.suppress.own_rules import OWN_RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.document import Span
    from policykit.finding import Finding, Suppressed
    from policykit.policy import Policy
    from policykit.report import Report

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
#: What code scanning sorts by, 0 to 10.
_SECURITY_SEVERITIES = {"error": "7.0", "warning": "5.0", "info": "3.0"}
_ROOT = "SRCROOT"


def render(report: Report) -> str:
    run = report.run
    findings = [*run.findings, *(suppressed.finding for suppressed in run.suppressed)]
    rules = sorted({finding.rule for finding in findings})
    index = {rule: position for position, rule in enumerate(rules)}
    marks = fingerprints(findings, report.sources)
    how = [*(None for _ in run.findings), *run.suppressed]
    results = [
        _result(finding, index[finding.rule], mark, suppressed)
        for finding, mark, suppressed in zip(findings, marks, how, strict=True)
    ]
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if run.not_evaluated:
        invocation["toolExecutionNotifications"] = [
            {"level": "note", "message": {"text": item.reason}, "locations": [{"physicalLocation": _place(item.span)}]}
            for item in run.not_evaluated
        ]
    driver = {
        "name": "policykit",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(rule, report.policy(rule)) for rule in rules],
    }
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {_ROOT: {"description": {"text": "The directory that policykit ran in"}}},
                "invocations": [invocation],
                "results": results,
                "properties": {"bundle": run.bundle},
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(rule: str, policy: Policy | None) -> dict[str, Any]:
    if policy is None:
        own = OWN_RULES.get(rule)
        summary = own.summary if own else "File that cannot be read as what it is"
        return {"id": rule, "shortDescription": {"text": summary}}
    equivalents = [f"{peer}: {', '.join(ids)}" for peer, ids in sorted(policy.equivalents.items())]
    return {
        "id": policy.id,
        "shortDescription": {"text": policy.summary},
        "fullDescription": {"text": policy.rationale.strip() or policy.summary},
        "help": {
            "text": f"{policy.rationale.strip()}\n\nFix: {policy.fixes}".strip(),
            "markdown": _markdown(policy, equivalents),
        },
        "defaultConfiguration": {"level": _LEVELS[policy.severity], "enabled": policy.enabled},
        "properties": {
            "tags": [policy.category, *policy.targets],
            "precision": "high",
            "problem.severity": {"info": "recommendation"}.get(policy.severity, policy.severity),
            "security-severity": _SECURITY_SEVERITIES[policy.severity],
            "equivalents": {peer: list(ids) for peer, ids in sorted(policy.equivalents.items())},
        },
    }


def _markdown(policy: Policy, equivalents: Sequence[str]) -> str:
    parts = [policy.rationale.strip(), f"**Fix.** {policy.fixes}"]
    if policy.references:
        parts.append("\n".join(f"- <{reference}>" for reference in policy.references))
    if equivalents:
        parts.append(f"The same elsewhere: {'; '.join(equivalents)}.")
    return "\n\n".join(part for part in parts if part)


def _result(finding: Finding, index: int, fingerprint: str, suppressed: Suppressed | None) -> dict[str, Any]:
    # `kind` stays "fail" for unknown verdicts, too: with any other one the level would have to be "none" (3.27.10).
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [_location(finding)],
        "partialFingerprints": {"policykit/v1": fingerprint},
        "properties": {"verdict": finding.verdict, "target": finding.target, "help": finding.help.strip()},
    }
    if suppressed is not None:
        kind = "external" if suppressed.by == "exception" else "inSource"
        justification = f"{suppressed.by}: {suppressed.reason}" if suppressed.reason else suppressed.by
        result["suppressions"] = [{"kind": kind, "status": "accepted", "justification": justification}]
    return result


def _location(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": _place(finding.span)}
    resource = finding.resource
    address = "/".join(part for part in (resource.kind, resource.namespace, resource.name) if part) if resource else ""
    if name := f"{address}:{finding.path}".strip(":"):
        location["logicalLocations"] = [{"fullyQualifiedName": name}]
    return location


def _place(span: Span) -> dict[str, Any]:
    uri = quote(os.fsencode(span.file))
    artifact = {"uri": f"file://{uri}"} if span.file.startswith("/") else {"uri": uri, "uriBaseId": _ROOT}
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"artifactLocation": artifact, "region": region}
