"""A project and the rules in force, turned into findings. Pure: no file, no network, no clock.

Each document's views are made once and shared by all rules; places are computed here, for findings only.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from policykit.finding import Finding, Judged
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from policykit.catalogue import Catalogue, Check, Outcome
    from policykit.catalogue.rules import RuleSet, RuleSettings
    from policykit.finding import Severity
    from policykit.views.project import Project
    from policykit.views.view import Subject

#: The id of findings about files that cannot be read as what they are.
INVALID_FILE = "invalid-file"


def evaluate(project: Project, catalogue: Catalogue, rules_for: Callable[[str], RuleSet]) -> list[Judged]:
    """All findings of a project, in the order of files, lines, columns and rules.

    `rules_for` takes a file's name to the rules in force for it. Findings of cross-document rules belong to the file
    they stand in.
    """
    found = list(_invalid_files(project))
    for document in project.documents:
        rules = rules_for(document.source.name)
        for view_name, checks in _by_view(catalogue, rules, of_project=False).items():
            subjects = VIEWS[view_name].subjects.get(document.target)
            if subjects is not None:
                for subject in subjects(document, project):
                    found += _judge(subject, checks, rules)
    for view in VIEWS.values():
        if view.of_project:
            for make in view.subjects.values():
                for subject in make(None, project):
                    rules = rules_for(subject.document.source.name)
                    found += _judge(subject, _by_view(catalogue, rules, of_project=True).get(view.name, ()), rules)
    return sorted(found, key=_position)


def _by_view(catalogue: Catalogue, rules: RuleSet, *, of_project: bool) -> dict[str, list[Check]]:
    grouped: dict[str, list[Check]] = defaultdict(list)
    for rule in rules.rules:
        check = catalogue.check(rule)
        if VIEWS[check.policy.for_each].of_project == of_project:
            grouped[check.policy.for_each].append(check)
    return grouped


def _judge(subject: Subject, checks: Iterable[Check], rules: RuleSet) -> Iterator[Judged]:
    for check in checks:
        policy = check.policy
        if subject.document.target not in policy.targets:
            continue
        settings = rules.rules[policy.id]
        for outcome in check.judge(subject.data, settings.parameters):
            severity = _severity(outcome, settings)
            if severity is not None:
                place = subject.locate(outcome.at)
                finding = Finding(
                    policy.id,
                    severity,
                    outcome.verdict,
                    outcome.message,
                    place.span,
                    place.path,
                    subject.document.target,
                    subject.resource,
                    policy.fix,
                )
                yield Judged(finding, subject.document, subject.annotations)


def _severity(outcome: Outcome, settings: RuleSettings) -> Severity | None:
    """How much a verdict weighs; None where an unknown one is to be ignored."""
    if outcome.verdict == "fail" or settings.on_unknown == "fail":
        return settings.severity
    return "warning" if settings.on_unknown == "warn" else None


def _invalid_files(project: Project) -> Iterator[Judged]:
    for problem in project.problems:
        yield Judged(
            Finding(
                INVALID_FILE,
                "error",
                "fail",
                problem.message,
                problem.span,
                "",
                problem.target,
                None,
                "Mend the file: nothing in it can be judged as it stands.",
            )
        )


def _position(judged: Judged) -> tuple[Any, ...]:
    finding = judged.finding
    return (*finding.span, finding.rule, finding.message)
