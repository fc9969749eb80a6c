"""Exceptions written in a configuration: which findings they cover, and until when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from policykit.document import Span
    from policykit.finding import Finding, Judged

_CONTAINER_LIST = re.compile(r"^(.*?\b(?:containers|initContainers|ephemeralContainers))\[(\d+)\]")
_SERVICE = re.compile(r'^services(?:\.([^.\[]+)|\["((?:[^"\\]|\\.)*)"\])')
_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """Globs for a Kubernetes object; `*` where nothing is said."""

    kind: str = "*"
    namespace: str = "*"
    name: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyException:
    """One accepted violation. `span` is where it is written.

    `covers_file` says whether it speaks of a file; `scope_is_complete`: everything it may speak of is part of the run,
    so that it can be called unused. `container` is a glob, `expires` the last day it holds (`2027-01-31`) or empty.
    """

    rule: str
    reason: str
    span: Span
    covers_file: Callable[[str], bool]
    resource: ResourcePattern | None = None
    container: str = ""
    expires: str = ""
    scope_is_complete: bool = False

    def covers(self, judged: Judged) -> bool:
        """Does it speak of this finding, its rule and expiry left aside?"""
        finding = judged.finding
        return (
            self.covers_file(finding.span.file)
            and (self.resource is None or _matches(self.resource, finding))
            and (not self.container or fnmatchcase(container_name(judged), self.container))
        )


def _matches(pattern: ResourcePattern, finding: Finding) -> bool:
    resource = finding.resource
    return (
        resource is not None
        and fnmatchcase(resource.kind, pattern.kind)
        and fnmatchcase(resource.namespace, pattern.namespace)
        and fnmatchcase(resource.name, pattern.name)
    )


def container_name(judged: Judged) -> str:
    """The name of the container or the Compose service that a finding is about; empty if it is about none."""
    path = judged.finding.path
    if judged.finding.target == "compose" and (match := _SERVICE.match(path)):
        return match[1] or _unescape(match[2])
    if judged.document is not None and (match := _CONTAINER_LIST.match(path)):
        container = _value_at(judged.document.data, match.group())
        name = container.get("name") if isinstance(container, dict) else None
        return name if isinstance(name, str) else ""
    return ""


def _value_at(data: Any, path: str) -> Any:
    """What stands at a path as `route_text` writes it, None where nothing does."""
    for name, index, quoted in _STEP.findall(path):
        if isinstance(data, list) and index:
            data = data[int(index)] if int(index) < len(data) else None
        elif isinstance(data, dict):
            data = data.get(name or _unescape(quoted))
        else:
            return None
    return data


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
