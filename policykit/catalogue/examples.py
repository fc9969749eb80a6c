"""A policy's examples into tests: each is judged by its policy alone, and its findings are where it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit import extras, shellcheck
from policykit.catalogue.folder import builtin_folder, policy_files
from policykit.catalogue.rules import RuleSettings, rule_set
from policykit.catalogue.schema import is_policy_text, read_policy
from policykit.document import Source
from policykit.engine import evaluate
from policykit.errors import Problem, UsageError
from policykit.views.project import Facts
from policykit.views.read import read_project
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from policykit.catalogue import Catalogue
    from policykit.catalogue.schema import PolicyFile
    from policykit.document import Target
    from policykit.finding import Finding, Verdict
    from policykit.policy import Example, Policy

_FILE_NAMES: dict[Target, str] = {
    "dockerfile": "Dockerfile",
    "compose": "compose.yaml",
    "kubernetes": "manifest.yaml",
}


def read_examples(directories: Sequence[Path] = ()) -> list[PolicyFile]:
    """Every policy with its examples, of the built-in folder and of `directories`. UsageError with all problems.

    Policies of Kubernetes and of other engines have no examples and are left out.
    """
    files: list[PolicyFile] = []
    problems: list[Problem] = []
    for folder in (builtin_folder(), *directories):
        for path, content, category in policy_files(folder):
            source = Source(str(path), content.decode("utf-8-sig"))
            if not is_policy_text(source):
                continue
            file, wrong = read_policy(source, path.stem, category)
            problems += wrong
            if file is not None:
                files.append(file)
    if problems:
        raise UsageError(*problems)
    return files


def missing_examples(file: PolicyFile) -> Iterator[Problem]:
    """The targets of a policy that have no passing or no failing example."""
    for target in file.policy.targets:
        for which, examples in (("pass", file.examples.passing), ("fail", file.examples.failing)):
            if all(example.target != target for example in examples):
                message = f"no `{which}` example for the target `{target}`"
                yield Problem(message, f"{file.policy.id}: spec.examples.{which}", "add one")


def missing_extra(policy: Policy) -> str:
    """The part of the installation that a policy's examples need and that is not there, "" for none."""
    extra = VIEWS[policy.for_each].extra
    return extra if extra and not extras.is_installed(extra) else ""


def run_examples(file: PolicyFile, catalogue: Catalogue) -> Iterator[Problem]:
    """What the examples of a policy show to be otherwise than they say; nothing where all hold."""
    examples = file.examples
    for which, group in (("pass", examples.passing), ("fail", examples.failing), ("unknown", examples.unknown)):
        verdict: Verdict = "unknown" if which == "unknown" else "fail"
        for example in group:
            found = example_findings(file.policy, example, catalogue)
            where = f"{file.policy.id}: {which} example `{example.name}`"
            places = sorted(_place(finding, example) for finding in found)
            if places != sorted(example.at):
                wanted = ", ".join(sorted(example.at)) or "nothing"
                said = "; ".join(f"{_place(f, example)} {f.message}" for f in found) or "nothing"
                yield Problem(f"expected findings at {wanted}, found {said}", where)
            elif any(finding.verdict != verdict for finding in found):
                yield Problem(f"expected the verdict `{verdict}`, found another", where)


def example_findings(policy: Policy, example: Example, catalogue: Catalogue) -> list[Finding]:
    """Everything that one policy finds in an example, unknown verdicts included."""
    files = dict(example.files) or {_FILE_NAMES[example.target]: example.input}
    sources = {name: Source(name, text) for name, text in files.items()}
    parameters = {**policy.defaults(), **example.parameters}
    rules = rule_set(catalogue, {policy.id: RuleSettings(policy.severity, "fail", parameters)})
    project = read_project(sources.values(), Facts(), sources.get)
    if VIEWS[policy.for_each].extra == "shellcheck":
        shellcheck.inform([project])
    return [judged.finding for judged in evaluate(project, catalogue, lambda _name: rules)]


def _place(finding: Finding, example: Example) -> str:
    place = f"{finding.span.line}:{finding.span.column}"
    return f"{finding.span.file}:{place}" if example.files else place
