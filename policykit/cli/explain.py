"""`policykit explain`: a rule's page in the terminal."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from policykit.cli.main import CLEAN
from policykit.cli.options import add_catalogue_arguments, cache_directory, policy_directories, split_names
from policykit.errors import Problem, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from policykit.policy import Example, Examples, Policy

_WIDTH = 88


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="a rule, or what another tool calls it (DL3007, latest-tag)")
    add_catalogue_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    from policykit.catalogue import load_catalogue
    from policykit.catalogue.examples import read_examples
    from policykit.config import Configs
    from policykit.policy import Examples
    from policykit.suppress.names import Names
    from policykit.suppress.own_rules import OWN_RULES

    if own := OWN_RULES.get(parsed.rule):
        sys.stdout.write(f"{parsed.rule} ({own.severity})\n{own.summary}\n\n{own.help}\n")
        return CLEAN
    configs = Configs(parsed.config, presets=split_names(parsed.preset))
    settings = configs.settings(Path())
    configs.check()
    directories = (*settings.policies, *policy_directories(parsed))
    catalogue = load_catalogue(directories, cache=cache_directory(parsed))
    rules = catalogue.resolve(parsed.rule)
    if not rules:
        hint = Names(catalogue).suggestion(parsed.rule)
        raise UsageError(Problem(f"no rule, category or equivalent is called `{parsed.rule}`", hint=hint))
    examples = {file.policy.id: file.examples for file in read_examples(directories)}
    policies = (policy for policy in catalogue.policies if policy.id in rules)
    pages = ("".join(f"{line}\n" for line in _page(policy, examples.get(policy.id, Examples()))) for policy in policies)
    sys.stdout.write(f"{'-' * _WIDTH}\n".join(pages))
    return CLEAN


def _page(policy: Policy, examples: Examples) -> Iterator[str]:
    state = policy.severity if policy.enabled else f"{policy.severity}, off by default"
    yield f"{policy.id} ({state})"
    yield f"{policy.summary}. For {', '.join(policy.targets)}; category {policy.category}."
    yield from _section("Why", policy.rationale)
    yield from _section("What to do", policy.fixes)
    if policy.parameters:
        yield from ("", "Parameters")
        for name, schema in policy.parameters.items():
            description = schema.get("description", "")
            yield f"  {name} (default: {schema['default']})" + (f": {description}" if description else "")
    yield from _example("Violates", examples.failing)
    yield from _example("Complies", examples.passing)
    if policy.equivalents:
        yield from ("", "Known elsewhere as")
        yield from (f"  {peer}: {', '.join(ids)}" for peer, ids in sorted(policy.equivalents.items()))
    if policy.references:
        yield from ("", "More")
        yield from (f"  {reference}" for reference in policy.references)


def _section(title: str, text: str) -> Iterator[str]:
    if not text:
        return
    yield from ("", title)
    for paragraph in text.strip().split("\n\n"):
        indented = textwrap.indent(paragraph, "  ")
        # A paragraph that is indented or a list is kept as it was written.
        is_prose = all(line[:1].strip() and line[:2] not in ("- ", "* ") for line in paragraph.split("\n"))
        yield (
            textwrap.fill(indented.strip(), _WIDTH, initial_indent="  ", subsequent_indent="  ")
            if is_prose
            else indented
        )


def _example(title: str, examples: Sequence[Example]) -> Iterator[str]:
    """The first one: they are written with the plainest in front."""
    for example in examples[:1]:
        yield from ("", f"{title}: {example.name}")
        if example.input:
            yield textwrap.indent(example.input.rstrip(), "    ")
        for name, text in example.files.items():
            yield f"  {name}"
            yield textwrap.indent(text.rstrip(), "    ")
