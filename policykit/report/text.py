"""A run as people read it: findings by file, each with its line, and a summary."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from policykit.finding import SEVERITIES
from policykit.report.frame import frame, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.finding import Finding
    from policykit.report import Report

_COLOURS = {"error": "1;31", "warning": "1;33", "info": "1;34", "name": "1", "dim": "2", "mark": "1;31"}


def render(report: Report) -> str:
    """The report as text, with ANSI colours where it says so."""
    return "".join(f"{line}\n" for line in _Text(report).lines())


class _Text:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._run = report.run

    def lines(self) -> Iterator[str]:
        for file, findings in groupby(self._run.findings, key=lambda finding: finding.span.file):
            yield self._paint("name", visible(file))
            for finding in findings:
                yield from self._finding(finding)
            yield ""
        if self._report.statistics:
            yield from self._statistics()
        if not self._report.quiet:
            yield from self._not_evaluated()
            yield self._summary()

    def _finding(self, finding: Finding) -> Iterator[str]:
        place = f"{finding.span.line}:{finding.span.column}"
        doubt = " (unknown)" if finding.verdict == "unknown" else ""
        severity = self._paint(finding.severity, finding.severity)
        message = visible(" ".join(finding.message.split()))
        yield f"  {place} {severity} {self._paint('name', finding.rule)}{doubt}: {message}"
        source = self._report.sources.get(finding.span.file)
        shown = frame(source, finding.span) if source else None
        gutter = " " * len(str(finding.span.line))
        if shown and shown.text.strip():
            bar = self._paint("dim", "|")
            yield f"    {self._paint('dim', str(shown.line))} {bar} {shown.text}".rstrip()
            yield f"    {gutter} {bar} {' ' * shown.indent}{self._paint('mark', '^' * shown.width)}"
        if finding.help:
            yield f"    {gutter} {self._paint('dim', '= fix:')} {_first_sentence(finding.help)}"

    def _statistics(self) -> Iterator[str]:
        counted = Counter(finding.rule for finding in self._run.findings)
        width = len(str(max(counted.values(), default=0)))
        for rule, count in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
            policy = self._report.policy(rule)
            yield f"{count:>{width}} {self._paint('name', rule)}" + (f"  {policy.summary}" if policy else "")
        if counted:
            yield ""

    def _not_evaluated(self) -> Iterator[str]:
        for item in self._run.not_evaluated:
            place = f"{visible(item.span.file)}:{item.span.line}:{item.span.column}"
            yield f"{place}: not evaluated: {visible(item.reason)}"
        if self._run.not_evaluated:
            yield ""

    def _summary(self) -> str:
        run = self._run
        if not run.files and not run.findings and not run.not_evaluated:
            return "Nothing was checked"
        severities = Counter(finding.severity for finding in run.findings)
        counts = [
            self._paint(severity, _plural(severities[severity], severity))
            for severity in SEVERITIES
            if severities[severity]
        ]
        unknown = sum(finding.verdict == "unknown" for finding in run.findings)
        notes = [
            f"{count} {what}"
            for count, what in (
                (unknown, "of them unknown"),
                (len(run.suppressed), "suppressed"),
                (len(run.not_evaluated), "not evaluated"),
            )
            if count
        ]
        text = f"{', '.join(counts) or 'No findings'} in {_plural(run.files, 'file')}"
        return f"{text} ({', '.join(notes)})" if notes else text

    def _paint(self, kind: str, text: str) -> str:
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if self._report.colour else text


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 or noun == "info" else f"{count} {noun}s"


def _first_sentence(text: str) -> str:
    """What fits a line of a longer explanation: its first paragraph, up to the end of a sentence."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    sentence, stop, _ = paragraph.partition(". ")
    return sentence + stop.rstrip()
