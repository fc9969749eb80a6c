"""Subjects of a view, from the text of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.document import Source
from policykit.views.project import Facts
from policykit.views.read import read_project
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from policykit.views.view import Subject


def subjects(view: str, text: str, *, name: str = "objects.yaml", **files: str) -> list[Subject]:
    """Every subject of a view in one file, with `files` (by stem) beside it."""
    sources = {name: text, **{f"{stem}.yaml": content for stem, content in files.items()}}
    project = read_project(
        [Source(file, content) for file, content in sources.items()],
        Facts(),
        lambda file: Source(file, sources[file]) if file in sources else None,
    )
    assert project.problems == ()
    known, found = VIEWS[view], []
    for target in known.makers:
        make = known.subjects(target)
        assert make is not None
        documents = [None] if known.of_project else [d for d in project.documents if d.target == target]
        for document in documents:
            found += list(make(document, project))
    return found


def data(view: str, text: str, **files: str) -> list[Any]:
    """What expressions see of every subject."""
    return [subject.data for subject in subjects(view, text, **files)]


def place(subject: Subject, at: str) -> tuple[int, int, str]:
    """Line, column and path of a part."""
    found = subject.locate(at)
    return found.span.line, found.span.column, found.path
