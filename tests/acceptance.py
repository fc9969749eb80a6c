"""Helpers of acceptance tests: texts in, findings of the built-in rules out, as one line each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from policykit.catalogue import Catalogue, load_catalogue
from policykit.catalogue.rules import RuleSettings, default_settings, rule_set
from policykit.document import Source
from policykit.engine import evaluate
from policykit.views.project import Facts
from policykit.views.read import read_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.finding import Finding


@cache
def catalogue() -> Catalogue:
    return load_catalogue()


def findings(
    files: Mapping[str, str],
    *rules: str,
    parameters: Mapping[str, Any] | None = None,
    facts: Facts = Facts(),  # noqa: B008  a frozen value
) -> list[Finding]:
    """What the named rules (all enabled ones, if none) find in files by name; every file is part of the run."""
    policies = [p for p in catalogue().policies if (p.id in rules if rules else p.enabled)]
    settings = {p.id: default_settings(p) for p in policies}
    if parameters:
        settings = {
            rule: RuleSettings(s.severity, s.on_unknown, {**s.parameters, **parameters}) for rule, s in settings.items()
        }
    in_force = rule_set(catalogue(), settings)
    sources = {name: Source(name, text) for name, text in files.items()}
    project = read_project(sources.values(), facts, sources.get)
    return [judged.finding for judged in evaluate(project, catalogue(), lambda _name: in_force)]


def lines(found: list[Finding]) -> list[str]:
    """`file:line:column verdict rule` of each finding."""
    return [f"{f.span.file}:{f.span.line}:{f.span.column} {f.verdict} {f.rule}" for f in found]
