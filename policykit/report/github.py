"""A run as workflow commands, which GitHub Actions turns into annotations on the lines of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policykit.document import Span
    from policykit.report import Report

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(report: Report) -> str:
    lines = []
    for finding in report.run.findings:
        doubt = " (unknown)" if finding.verdict == "unknown" else ""
        message = f"{finding.message}\n{finding.help.strip()}".strip()
        lines.append(_command(_COMMANDS[finding.severity], finding.span, f"{finding.rule}{doubt}", message))
    for item in report.run.not_evaluated:
        lines.append(_command("notice", item.span, "not evaluated", item.reason))
    return "".join(lines)


def _command(name: str, span: Span, title: str, message: str) -> str:
    properties = {"file": span.file, "line": span.line, "endLine": span.end_line}
    if span.line == span.end_line:  # GitHub refuses columns in a range of several lines
        properties |= {"col": span.column, "endColumn": span.end_column}
    properties["title"] = title
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {given}::{_data(message)}\n"


def _data(text: str) -> str:
    """As `escapeData` of the Actions toolkit."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """As `escapeProperty` of the Actions toolkit."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
