"""Compose files, in order, into one canonical model, the way `docker compose` loads them.

Per document: tags, variables, includes, extends, merge over what came before, validation, long forms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policykit.document import Source, Span
from policykit.errors import ParseError
from policykit.finding import NotEvaluated
from policykit.parse.compose.canonical import canonical, with_defaults
from policykit.parse.compose.casts import interpolated
from policykit.parse.compose.dotenv import parse_dotenv
from policykit.parse.compose.extends import Scope, apply_extends
from policykit.parse.compose.files import is_remote, joined
from policykit.parse.compose.include import apply_includes
from policykit.parse.compose.merge import merge
from policykit.parse.compose.shapes import violations
from policykit.parse.compose.specification import PROJECT
from policykit.parse.compose.tags import Resets, split_tags
from policykit.parse.compose.tree import ComposeError, without
from policykit.parse.compose.unicity import unique
from policykit.parse.compose.values import check_values
from policykit.parse.yaml import parse_yaml
from policykit.parse.yaml_nodes import Node
from policykit.parse.yaml_scalars import COMPOSE
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from policykit.parse.compose.interpolation import Environment

#: Files that one project may load, each counted as often as it is included or extended.
MAX_LOADS = 1_000


@dataclass(slots=True)
class Loader:
    """One load: reads other files through `read`, and keeps count of what it has read and what it could not."""

    read: Callable[[str], Source | None]
    files: list[str] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    roots: dict[str, list[Node]] = field(default_factory=dict)
    loads: int = 0

    def model(self, sources: Sequence[Source], folder: str, environment: Environment, trail: tuple[str, ...]) -> Node:
        """The merged, canonical, checked model of some files; paths in it start in `folder`.

        `trail`: the files whose includes led here.
        """
        model = Node({}, Span(sources[0].name, 1, 1, 1, 1))
        for source in sources:
            for root in self.documents(source):
                model = self._add(model, root, Place(source.name, folder, environment, trail))
        model = with_defaults(model)
        check_values(model)
        return model

    def _add(self, model: Node, root: Node, place: Place) -> Node:
        tree, resets = self.prepared(root, place.environment)
        tree = apply_includes(self, tree, resets, place)
        model = resets.apply(model)
        tree = apply_extends(tree, Scope(self, place, resets))
        model = unique(merge(model, tree))
        if errors := list(violations(model, PROJECT)):
            raise ExceptionGroup("not a Compose file", errors)
        return unique(canonical(without(model, "version")))

    def prepared(self, root: Node, environment: Environment) -> tuple[Node, Resets]:
        """One document with its tags resolved and its variables filled in."""
        if not isinstance(root.value, dict):
            raise ComposeError("top-level object must be a mapping", root.span)
        tree, resets = split_tags(root)
        return interpolated(tree, environment), resets

    def documents(self, source: Source) -> list[Node]:
        """The root nodes of one file; ComposeError where it is not YAML."""
        if source.name not in self.roots:
            self.files.append(source.name)
            self.roots[source.name] = list(_roots(source))
        self.loads += 1
        if self.loads > MAX_LOADS:
            raise ComposeError(f"the project reads more than {MAX_LOADS:,} files", Span(source.name, 1, 1, 1, 1))
        return self.roots[source.name]

    def source(self, folder: str, path: Node) -> Source | None:
        """The file that a node names; None, with a note of it, where it is out of reach; ComposeError where missing."""
        if isinstance(path.value, Unknown):
            self.not_evaluated.append(NotEvaluated(path.span, "which file this names is unknown"))
            return None
        if is_remote(path.value):
            self.not_evaluated.append(NotEvaluated(path.span, f"`{path.value}` is remote and was not loaded"))
            return None
        source = self.read(joined(folder, path.value))
        if source is None:
            raise ComposeError(f"file `{path.value}` not found", path.span)
        return source

    def variables(self, source: Source, environment: Environment) -> dict[str, str]:
        """What an env file sets; ComposeError where it cannot be read as one."""
        self.files.append(source.name)
        try:
            return {name: variable.value for name, variable in parse_dotenv(source, environment).items()}
        except ParseError as error:
            raise located(error, source.name) from None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands: its file, the folder its paths start in, its variables, the includes that led to it."""

    file: str
    folder: str
    environment: Environment
    trail: tuple[str, ...]


def _roots(source: Source) -> Iterator[Node]:
    for document in parse_yaml(source, COMPOSE):
        if isinstance(document, ParseError):
            raise located(document, source.name)
        yield document.root


def located(error: ParseError, name: str) -> ComposeError:
    """A parser's error with the file it is about."""
    return ComposeError(error.message, Span(name, error.line, error.column, error.line, error.column + 1))
