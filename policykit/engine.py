"""A project and the rules in force, turned into findings. Pure: no file, no network, no clock.

Each document's views are made once and shared by all rules; places are computed here, for findings only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.finding import Finding, Judged
from policykit.views.project import Project
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from policykit.catalogue import Catalogue, Check, Outcome
    from policykit.catalogue.rules import RuleSet, RuleSettings
    from policykit.document import Document, Target
    from policykit.finding import Severity
    from policykit.views.project import Facts
    from policykit.views.view import Subject, View

#: The id of findings about files that cannot be read as what they are.
INVALID_FILE = "invalid-file"


def evaluate(project: Project, catalogue: Catalogue, rules_for: Callable[[str], RuleSet]) -> list[Judged]:
    """All findings of a project, in the order of files, lines, columns and rules.

    `rules_for` takes a file's name to the rules in force for it. Findings of cross-document rules belong to the file
    they stand in.
    """
    plans: dict[str, _Plan] = {}

    def plan_for(document: Document) -> _Plan:
        rules = rules_for(document.source.name)
        if rules.digest not in plans:
            plans[rules.digest] = _Plan(catalogue, rules)
        return plans[rules.digest]

    found = list(_invalid_files(project))
    read: set[View] = set()
    for document in project.documents:
        plan = plan_for(document)
        read.update(plan.of(document.target))
        found += _of_document(document, project, plan)
        if not any(view.of_project for view in plan.of(document.target)):
            project.forget(document)
    for subject, view in _of_project(project, read):
        found += _judge(subject, project, plan_for(subject.document).of(subject.document.target).get(view, ()))
    return sorted(found, key=_position)


class Judge:
    """One rule set applied to single objects: what an admission webhook asks. Safe to share between threads."""

    def __init__(self, catalogue: Catalogue, rules: RuleSet, facts: Facts) -> None:
        self._plan = _Plan(catalogue, rules)
        self._facts = facts

    def judge(self, document: Document, others: Iterable[Document] = ()) -> list[Judged]:
        """What the rules find in `document`; `others` are what cross-document rules may look at beside it."""
        project = Project((document, *others), self._facts)
        found = list(_of_document(document, project, self._plan))
        checks = self._plan.of(document.target)
        for subject, view in _of_project(project, checks):
            if subject.document is document:
                found += _judge(subject, project, checks.get(view, ()))
        return found

    def findings(self, document: Document, others: Iterable[Document] = ()) -> list[Finding]:
        """The same, where no suppression counts."""
        return [judged.finding for judged in self.judge(document, others)]


def _of_document(document: Document, project: Project, plan: _Plan) -> Iterator[Judged]:
    for view, checks in plan.of(document.target).items():
        if not view.of_project:
            for subject in _subjects(view, document.target, document, project):
                yield from _judge(subject, project, checks)


def _of_project(project: Project, read: Container[View]) -> Iterator[tuple[Subject, View]]:
    """The subjects that need several documents, of the views that some rule reads."""
    targets = {document.target for document in project.documents}
    for view in VIEWS.values():
        if view.of_project and view in read:
            for target in view.makers:
                if target in targets:
                    for subject in _subjects(view, target, None, project):
                        yield subject, view


class _Plan:
    """The rules of one rule set by target and view; a rule's programs are loaded for the targets that are met."""

    def __init__(self, catalogue: Catalogue, rules: RuleSet) -> None:
        self._catalogue = catalogue
        self._rules = rules
        self._by_target: dict[Target, dict[View, list[tuple[Check, RuleSettings]]]] = {}

    def of(self, target: Target) -> Mapping[View, Sequence[tuple[Check, RuleSettings]]]:
        if target not in self._by_target:
            grouped: dict[View, list[tuple[Check, RuleSettings]]] = {}
            for rule, settings in self._rules.rules.items():
                policy = self._catalogue.get(rule)
                if policy is not None and target in policy.targets:
                    checks = grouped.setdefault(VIEWS[policy.for_each], [])
                    checks.append((self._catalogue.check(rule), settings))
            self._by_target[target] = grouped
        return self._by_target[target]


def _subjects(view: View, target: Target, document: Document | None, project: Project) -> Iterable[Subject]:
    make = view.subjects(target)
    return () if make is None else make(document, project)


def _judge(subject: Subject, project: Project, checks: Iterable[tuple[Check, RuleSettings]]) -> Iterator[Judged]:
    for check, settings in checks:
        for outcome in check.judge(subject, project, settings.parameters):
            severity = _severity(outcome, check, settings)
            if severity is not None:
                policy, target, place = check.policy, subject.document.target, subject.locate(outcome.at)
                finding = Finding(
                    policy.id,
                    severity,
                    outcome.verdict,
                    outcome.message,
                    place.span,
                    place.path,
                    target,
                    subject.resource,
                    policy.fix_for(target),
                )
                yield Judged(finding, subject.document, subject.annotations)


def _severity(outcome: Outcome, check: Check, settings: RuleSettings) -> Severity | None:
    """How much a verdict weighs; None where an unknown one is to be ignored."""
    if outcome.verdict == "unknown" and settings.on_unknown != "fail":
        return "warning" if settings.on_unknown == "warn" else None
    # A severity that somebody configured beats the one that an admission policy's binding gives.
    configured = settings.severity != check.policy.severity
    return settings.severity if configured or outcome.severity is None else outcome.severity


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
