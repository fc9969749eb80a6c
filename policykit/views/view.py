"""What a view is: typed subjects taken out of documents, each knowing the places of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
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


class Subject(NamedTuple):
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


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A kind of subject. What it needs is named, not imported: a run loads the views of the formats it meets.

    `type_name` and the values of `makers` read `module:name` in this package: the type that subjects have in CEL, and
    for each target the function that finds them. Expressions see a subject under `variable`, or under the view's own
    name where that is "". `parts` are the names `at` may use; empty where any path below the subject is one.
    `of_project`: its subjects need all documents of a run (a policy on it cannot be judged file by file). `extra`: the
    optional part of the installation that finds them; without it there is one subject, of which nothing is known.
    """

    name: str
    type_name: str
    parts: frozenset[str]
    makers: Mapping[Target, str]
    of_project: bool = False
    variable: str = ""
    extra: str = ""

    @property
    def binding(self) -> str:
        """The name that expressions see a subject under."""
        return self.variable or self.name

    @property
    def type(self) -> Type:
        """The type of its subjects in CEL."""
        type_: Type = _named(self.type_name)
        return type_

    def subjects(self, target: Target) -> Subjects | None:
        """The function that finds its subjects in documents of a target; None where it has none there."""
        maker = self.makers.get(target)
        return None if maker is None else _named(maker)


@cache
def _named(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(f"policykit.views.{module}"), attribute)
