"""A run as JUnit XML: one suite for each file with findings, one failed case for each finding."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.finding import Finding
    from policykit.report import Report

#: What XML 1.0 cannot carry, not even as a reference.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    findings = report.run.findings
    return "".join(
        f"{line}\n"
        for line in (
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<testsuites name="policykit" tests="{max(len(findings), 1)}" failures="{len(findings)}">',
            *_suites(findings),
            "</testsuites>",
        )
    )


def _suites(findings: tuple[Finding, ...]) -> Iterator[str]:
    if not findings:  # a suite without a case reads as "nothing ran"
        yield '  <testsuite name="policykit" tests="1" failures="0">'
        yield '    <testcase name="policykit" classname="policykit"/>'
        yield "  </testsuite>"
    for file, group in groupby(findings, key=lambda finding: finding.span.file):
        cases = list(group)
        yield f'  <testsuite name={_attribute(file)} tests="{len(cases)}" failures="{len(cases)}">'
        for finding in cases:
            place = f"{finding.span.line}:{finding.span.column}"
            yield f"    <testcase name={_attribute(f'{finding.rule} {place}')} classname={_attribute(file)}>"
            kind = f"{finding.severity} (unknown)" if finding.verdict == "unknown" else finding.severity
            message = f"<failure type={_attribute(kind)} message={_attribute(finding.message)}>"
            detail = f"{file}:{place}: {finding.message}\n{finding.help.strip()}"
            yield f"      {message}{escape(_xml(detail))}</failure>"
            yield "    </testcase>"
        yield "  </testsuite>"


def _attribute(text: str) -> str:
    return quoteattr(_xml(text))


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
