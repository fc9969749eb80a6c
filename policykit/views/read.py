"""Sources into a project: each file detected, parsed, and kept with whatever is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.document import Span, Unreadable
from policykit.parse.detect import detect
from policykit.views.project import InvalidFile, Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from policykit.document import Document, Source, Target
    from policykit.finding import NotEvaluated
    from policykit.views.project import Facts


def read_project(sources: Iterable[Source | Unreadable], facts: Facts, read: Callable[[str], Source | None]) -> Project:
    """Everything that is a Dockerfile, a Compose file or a manifest among `sources`; the rest is left alone.

    Compose files are loaded with those that Compose would load beside them, once. `read` gives a file by name (the
    name as in `sources`, joined with a path from inside it), None where there is none. Never raises.
    """
    reading = _Reading(facts, read)
    compose: list[Source] = []
    for source in sources:
        if isinstance(source, Unreadable):
            span = Span(source.name, source.line, source.column, source.line, source.column)
            reading.problems.append(InvalidFile(source.message, span, None))
            continue
        target = source.target or detect(source.name, source.text)
        if target == "dockerfile":
            reading.dockerfile(source)
        elif target == "kubernetes":
            reading.manifests(source)
        elif target == "compose":
            compose.append(source)
    if compose:
        reading.compose(compose)
    return reading.project()


class _Reading:
    """A project in the making."""

    def __init__(self, facts: Facts, read: Callable[[str], Source | None]) -> None:
        self.facts = facts
        self.read = read
        self.documents: list[Document] = []
        self.problems: list[InvalidFile] = []
        self.not_evaluated: list[NotEvaluated] = []

    def project(self) -> Project:
        return Project(
            self.documents,
            self.facts,
            read=self.read,
            problems=self.problems,
            not_evaluated=self.not_evaluated,
        )

    def dockerfile(self, source: Source) -> None:
        from policykit.parse.dockerfile import parse_dockerfile

        dockerfile = parse_dockerfile(source)
        self.documents.append(dockerfile)
        self.problems += [InvalidFile(p.message, p.span, "dockerfile") for p in dockerfile.problems]

    def manifests(self, source: Source) -> None:
        from policykit.parse.kubernetes import parse_manifests

        manifests = parse_manifests(source)
        self.documents += manifests.objects
        self.not_evaluated += manifests.not_evaluated
        for error in manifests.problems:
            self._problem(source.name, error.message, error.line, error.column, "kubernetes")

    def compose(self, sources: list[Source]) -> None:
        """Each set of files that Compose loads together, once; a set within another one is not loaded again."""
        from policykit.parse.compose import Options, load_project, project_files

        known = {source.name: source for source in sources}

        def find(name: str) -> Source | None:
            return known.get(name) or self.read(name)

        groups = {project_files(name, lambda other: find(other) is not None) for name in known}
        options = Options(environment=self.facts.environment or {}, complete=self.facts.environment is not None)
        for names in sorted(g for g in groups if not any(set(g) < set(other) for other in groups)):
            files = [file for file in map(find, names) if file is not None]
            loaded = load_project(files, find, options)
            if loaded.project is not None:
                self.documents.append(loaded.project)
            self.not_evaluated += loaded.not_evaluated
            for error in loaded.problems:
                self._problem(error.file, error.message, error.line, error.column, "compose")

    def _problem(self, file: str, message: str, line: int, column: int, target: Target) -> None:
        self.problems.append(InvalidFile(message, Span(file, line, column, line, column), target))
