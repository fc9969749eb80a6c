"""What a user asked for into a run: configurations, files, policies, findings and suppressions, put together."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from policykit import files
from policykit.cli.reading import Reading
from policykit.cli.rules_in_force import RulesInForce
from policykit.config import Configs
from policykit.engine import evaluate
from policykit.finding import Run
from policykit.parse.detect import could_be
from policykit.suppress import Given, suppress
from policykit.suppress.own_rules import OWN_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from policykit.catalogue import Catalogue
    from policykit.cli.progress import Progress
    from policykit.config import FailOn, Settings
    from policykit.disk import Disk
    from policykit.document import Document, Source, Unreadable
    from policykit.finding import Finding, Judged, NotEvaluated, Severity
    from policykit.suppress.exceptions import PolicyException
    from policykit.views.project import Facts, Project


class Request(NamedTuple):
    """The command line of a check, as values."""

    paths: tuple[str, ...]
    stdin_name: str = "<stdin>"
    config: str | None = None
    policies: tuple[Path, ...] = ()
    cache: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    build_args: Mapping[str, str] = MappingProxyType({})
    inline: bool = True
    force_exclude: bool = False
    per_file: bool = False
    presets: tuple[str, ...] = ()
    kubernetes_version: tuple[int, int] | None = None


class Evaluation(NamedTuple):
    """A run, and what its reports and its exit code need beside it: `fail_on` takes the name of a file."""

    run: Run
    sources: Mapping[str, Source]
    catalogue: Catalogue
    fail_on: Callable[[str], FailOn]


def evaluate_paths(request: Request, progress: Progress, disk: Disk) -> Evaluation:
    """Check what the request names. UsageError with all problems of paths, of configurations or of policies."""
    walked = [] if request.per_file else [Path(path) for path in request.paths if disk.kind(path) == "directory"]
    configs = Configs(request.config, walked, disk, request.presets)
    found = _find(request, configs, disk)

    def settings(name: str) -> Settings:
        return configs.settings(Path(name).parent)

    used = [settings(item.name) for item in found] or [configs.settings(Path())]
    configs.check()
    rules = RulesInForce(request, used, disk)
    reading = Reading(request, progress, disk, total=len(found))
    gathered = _Gathered()
    grouped = _by_facts(found, settings, request)
    projects = [project for facts, group in grouped for project in reading.projects(facts, group)]
    if extras := rules.extras(used):
        _inform(projects, extras, disk)
    for project in projects:
        progress.judging()
        gathered.add(project, evaluate(project, rules.catalogue, lambda name: rules.of(settings(name))))
    given = Given(
        catalogue=rules.catalogue,
        documents=gathered.documents,
        sources=reading.sources,
        active=lambda name: rules.of(settings(name)).rules,
        today=time.strftime("%Y-%m-%d"),
        exceptions=_exceptions(used),
        inline=request.inline,
    )
    kept, suppressed = suppress(list(gathered.judged.values()), given)
    run = Run(
        bundle=rules.digest(used),
        findings=tuple(sorted(_weighed(kept, lambda name: rules.own(settings(name))), key=_position)),
        suppressed=tuple(sorted(suppressed, key=lambda item: _position(item.finding))),
        not_evaluated=tuple(sorted(gathered.not_evaluated, key=lambda item: item.span)),
        files=len(gathered.files),
    )
    return Evaluation(run, reading.sources, rules.catalogue, lambda name: settings(name).fail_on)


def _inform(projects: list[Project], needed: frozenset[str], disk: Disk) -> None:
    """Ask what can only be asked before anything is judged, and note which extras are there to be asked."""
    from policykit import extras

    for directory in extras.directories():
        with contextlib.suppress(OSError):
            disk.entries(directory)
    if "shellcheck" in needed:
        from policykit import shellcheck

        if not shellcheck.inform(projects):
            disk.doubt()


def _exceptions(used: Iterable[Settings]) -> tuple[PolicyException, ...]:
    """Each once, though it holds for many directories."""
    return tuple({id(exception): exception for settings in used for exception in settings.exceptions}.values())


def _find(request: Request, configs: Configs, disk: Disk) -> list[files.Found | Unreadable]:
    paths = [path for path in request.paths if path != files.STDIN]
    found = files.find(paths, files.Wanted(could_be, configs.excluded, request.force_exclude), disk)
    if files.STDIN in request.paths:
        found.append(files.Found(request.stdin_name, explicit=True))
    return found


def _by_facts(
    found: Iterable[files.Found | Unreadable], settings: Callable[[str], Settings], request: Request
) -> list[tuple[Facts, list[files.Found | Unreadable]]]:
    """Files that are told the same are one project: mostly all of them."""
    groups: list[tuple[Facts, list[files.Found | Unreadable]]] = []
    known: dict[int, list[files.Found | Unreadable]] = {}
    for item in found:
        said = settings(item.name)
        if id(said) not in known:
            facts = said.facts(request.build_args)
            if request.kubernetes_version is not None:
                facts = replace(facts, kubernetes_version=request.kubernetes_version)
            group = next((group for other, group in groups if other == facts), None)
            if group is None:
                group = []
                groups.append((facts, group))
            known[id(said)] = group
        known[id(said)].append(item)
    return groups


class _Gathered:
    """What all projects of a run amount to."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.judged: dict[Finding, Judged] = {}
        self.not_evaluated: list[NotEvaluated] = []
        self.files: set[str] = set()

    def add(self, project: Project, judged: Iterable[Judged]) -> None:
        self.documents += project.documents
        self.not_evaluated += project.not_evaluated
        self.files.update(document.source.name for document in project.documents)
        self.files.update(problem.span.file for problem in project.problems)
        for item in judged:  # two of several Compose files that are loaded together find the same
            self.judged.setdefault(item.finding, item)


def _weighed(findings: Iterable[Finding], own: Callable[[str], Mapping[str, Severity]]) -> list[Finding]:
    """Findings about suppressions with the severity that the configuration gives them, if any."""
    weighed = []
    for finding in findings:
        if finding.rule not in OWN_RULES:
            weighed.append(finding)
        elif severity := own(finding.span.file).get(finding.rule):
            weighed.append(finding._replace(severity=severity))
    return weighed


def _position(finding: Finding) -> tuple[object, ...]:
    return (*finding.span, finding.rule, finding.message)
