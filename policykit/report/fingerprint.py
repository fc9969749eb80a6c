"""Findings into fingerprints that stay the same while lines move."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policykit.document import Source, Span
    from policykit.finding import Finding

_INDEX = re.compile(r"\[\d+\]")
_LINE_END = re.compile(r"\r\n|\n|\r")


def fingerprints(findings: Iterable[Finding], sources: Mapping[str, Source]) -> list[str]:
    """One for each finding: rule, file, logical address and the text it points at, and which of its equals it is.

    The last keeps a second violation of the same kind from hiding behind the first one's baseline entry.
    """
    lines = {name: _LINE_END.split(source.text) for name, source in sources.items()}
    seen: Counter[str] = Counter()
    found = []
    for finding in findings:
        resource = finding.resource
        address = (resource.kind, resource.namespace, resource.name) if resource else ("", "", "")
        text = _text(lines.get(finding.span.file, []), finding.span)
        parts = (finding.rule, finding.span.file, *address, _INDEX.sub("[]", finding.path), " ".join(text.split()))
        key = "\0".join(parts)
        seen[key] += 1
        found.append(sha256(f"{key}\0{seen[key]}".encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return found


def _text(lines: list[str], span: Span) -> str:
    """What the span covers; of a span of several lines its first one says enough."""
    if not 1 <= span.line <= len(lines):
        return ""
    line = lines[span.line - 1]
    return line[span.column - 1 : span.end_column - 1 if span.end_line == span.line else None]
