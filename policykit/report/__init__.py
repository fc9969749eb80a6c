"""A run into text for people and programs. A format never changes the verdict."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from policykit.document import Source
    from policykit.finding import Run
    from policykit.policy import Policy

#: The name of a format and the module that renders it, imported when it is asked for.
FORMATS: Mapping[str, str] = {
    "text": "text",
    "json": "json_v1",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "junit": "junit",
}


class Report(NamedTuple):
    """A run and what a format may show of it.

    `sources` are the files by name, `policy` looks a rule up (None for a rule that is no policy). The rest is for the
    text format: `colour`, `quiet` (findings and nothing else), `statistics` (how often each rule was broken).
    """

    run: Run
    sources: Mapping[str, Source] = MappingProxyType({})
    policy: Callable[[str], Policy | None] = lambda _: None
    colour: bool = False
    quiet: bool = False
    statistics: bool = False


def render(name: str, report: Report) -> str:
    """The report in the format of that name, with a newline at its end unless it is empty."""
    module = import_module(f"policykit.report.{FORMATS[name]}")
    text: str = module.render(report)
    return text
