"""What a view is: typed subjects taken out of documents, each knowing the places of its parts.

A view is a value: a name, the type its subjects have in CEL, and one function per target that finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from policykit.cel.types import Type
    from policykit.document import Document, Span, Target
    from policykit.finding import Resource
    from policykit.views.project import Project


class Place(NamedTuple):
    """Where a part of a subject was written, and its path as people write it."""

    span: Span
    path: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that a policy judges.

    `data` is what its expressions see under the view's name. `locate` takes a validation's `at` ("" for the subject
    itself) to its place; it is called for findings only. `annotations` are those of the Kubernetes objects it stands
    in, the outermost first.
    """

    data: Mapping[str, Any]
    document: Document
    locate: Callable[[str], Place]
    resource: Resource | None = None
    annotations: tuple[Mapping[str, Any], ...] = ()


#: From a document of the target in question and the project it stands in.
Subjects = Callable[[Any, "Project"], Iterable[Subject]]


@dataclass(frozen=True, slots=True)
class View:
    """`subjects` has one function for each target the view exists for.

    Expressions see a subject under `variable`, or under the view's own name where that is "".
    `parts` are the names `at` may use; empty where any path below the subject is one.
    `of_project`: its subjects need all documents of a run (a policy on it can not be judged file by file).
    """

    name: str
    type: Type
    parts: frozenset[str]
    subjects: Mapping[Target, Subjects]
    of_project: bool = False
    variable: str = ""

    @property
    def binding(self) -> str:
        """The name that expressions see a subject under."""
        return self.variable or self.name
