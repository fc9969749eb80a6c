"""`policykit rules`: the catalogue, as it is in force for the working directory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from policykit.cli.main import CLEAN
from policykit.cli.options import add_catalogue_arguments, cache_directory, policy_directories, split_names

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from typing import Any

    from policykit.finding import Severity
    from policykit.policy import Policy


class RuleV1(TypedDict):
    """A rule in the JSON output. `parameters` are JSON Schemas by name, each with its default."""

    id: str
    category: str
    summary: str
    severity: Severity
    enabled: bool
    targets: Sequence[str]
    parameters: Mapping[str, Any]
    equivalents: Mapping[str, Sequence[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")
    add_catalogue_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    from policykit.catalogue import load_catalogue
    from policykit.config import Choice, Configs

    configs = Configs(parsed.config, presets=split_names(parsed.preset))
    settings = configs.settings(Path())
    configs.check()
    directories = (*settings.policies, *policy_directories(parsed))
    catalogue = load_catalogue(directories, cache=cache_directory(parsed))
    in_force = settings.in_force(catalogue, Choice()).rules
    rows = [
        _row(policy, in_force[policy.id].severity if policy.id in in_force else policy.severity, policy.id in in_force)
        for policy in catalogue.policies
    ]
    sys.stdout.write(_json(rows) if parsed.format == "json" else _text(rows))
    return CLEAN


def _row(policy: Policy, severity: Severity, enabled: bool) -> RuleV1:
    return {
        "id": policy.id,
        "category": policy.category,
        "summary": policy.summary,
        "severity": severity,
        "enabled": enabled,
        "targets": policy.targets,
        "parameters": policy.parameters,
        "equivalents": policy.equivalents,
    }


def _json(rows: Sequence[RuleV1]) -> str:
    import json

    return json.dumps({"version": 1, "rules": rows}, indent=2) + "\n"


def _text(rows: Sequence[RuleV1]) -> str:
    width = max(len(row["id"]) for row in rows)
    lines = []
    category = ""
    for row in sorted(rows, key=lambda row: (row["category"], row["id"])):
        if row["category"] != category:
            category = row["category"]
            lines.append(f"{category}\n")
        severity = row["severity"] if row["enabled"] else "off"
        targets = ", ".join(row["targets"])
        lines.append(f"  {row['id']:<{width}}  {severity:<7}  {row['summary']} ({targets})\n")
    return "".join(lines)
