"""Subjects of a Dockerfile's views, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.document import Source
from policykit.views.project import Facts
from policykit.views.read import read_project
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from policykit.views.view import Subject

NAME = "Dockerfile"


def subjects(view: str, text: str, **files: str) -> list[Subject]:
    """The subjects of a view in a Dockerfile; `files` stand beside it, `_` in their names for a dot."""
    sources = {NAME: Source(NAME, text)} | {n.replace("_", "."): Source(n, t) for n, t in files.items()}
    project = read_project([sources[NAME]], Facts(), sources.get)
    make = VIEWS[view].subjects("dockerfile")
    assert make is not None
    found = list(make(project.documents[0], project))
    declared = set(VIEWS[view].type.fields)  # type: ignore[attr-defined]
    assert all(set(subject.data) == declared for subject in found), "every field is always there"
    return found


def fields(view: str, text: str, *names: str, **files: str) -> list[Any]:
    """One field of every subject, or tuples of several."""
    found = subjects(view, text, **files)
    if len(names) == 1:
        return [subject.data[names[0]] for subject in found]
    return [tuple(subject.data[name] for name in names) for subject in found]


def places(view: str, text: str, at: str = "") -> list[tuple[int, int]]:
    """Line and column of a part of every subject."""
    spans = [subject.locate(at).span for subject in subjects(view, text)]
    return [(span.line, span.column) for span in spans]
