"""The models that a document includes, merged under what the document says itself.

https://github.com/compose-spec/compose-spec/blob/main/14-include.md
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policykit.finding import NotEvaluated
from policykit.parse.compose.files import is_elsewhere, joined, rebased
from policykit.parse.compose.merge import merge
from policykit.parse.compose.tree import ComposeError, child, children, items, mapping, with_entry, without
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from policykit.document import Source
    from policykit.parse.compose.interpolation import Environment
    from policykit.parse.compose.load import Loader, Place
    from policykit.parse.compose.tags import Resets
    from policykit.parse.yaml_nodes import Node

_SECTIONS = ("services", "jobs", "volumes", "networks", "secrets", "configs", "models")


@dataclass(frozen=True, slots=True)
class _Include:
    """One entry: the nodes that name its files, its env files (None where it has none) and its folder."""

    paths: list[Node]
    env_files: list[Node] | None
    project_directory: Node | None
    node: Node


def apply_includes(loader: Loader, tree: Node, resets: Resets, place: Place) -> Node:
    """The document with what it includes, and without `include`; ComposeError where that cannot be read."""
    includes = child(tree, "include")
    if includes is None:
        return tree
    if not isinstance(includes.value, list) and includes.value is not None:
        raise ComposeError("`include` must be a list", includes.span)
    for node in items(includes):
        model = _load(loader, _entry(node), place)
        if model is not None:
            tree = _imported(model, tree, resets)
    return without(tree, "include")


def _entry(node: Node) -> _Include:
    if isinstance(node.value, str | Unknown):
        return _Include([node], None, None, node)
    paths = _texts(child(node, "path"))
    if not isinstance(node.value, dict) or not paths:
        raise ComposeError("an include needs a path", node.span)
    env_files = child(node, "env_file")
    directory = child(node, "project_directory")
    if directory is not None and not isinstance(directory.value, str | Unknown):
        raise ComposeError("project_directory must be a string", directory.span)
    return _Include(paths, None if env_files is None else _texts(env_files), directory, node)


def _texts(node: Node | None) -> list[Node]:
    """A text or a list of texts as a list of nodes."""
    nodes = [] if node is None else [node] if not isinstance(node.value, list) else node.value
    for item in nodes:
        if not isinstance(item.value, str | Unknown):
            raise ComposeError("must be a string", item.span)
    return nodes


def _load(loader: Loader, include: _Include, place: Place) -> Node | None:
    """The included model with its paths as seen from here; None where a part of it is out of reach."""
    sources: list[Source] = []
    for path in include.paths:
        source = loader.source(place.folder, path)
        if source is None:
            return None
        if source.name in place.trail or source.name == place.file:
            trail = " includes ".join((*place.trail, place.file, source.name))
            raise ComposeError(f"include cycle detected: {trail}", path.span)
        sources.append(source)
    directory = include.project_directory
    if directory is not None and isinstance(directory.value, Unknown):
        loader.not_evaluated.append(NotEvaluated(directory.span, "the folder of this include is unknown"))
        return None
    inner = posixpath.dirname(include.paths[0].value) if directory is None else directory.value
    folder = joined(place.folder, inner) if inner else place.folder
    environment = _environment(loader, include, folder, place)
    model = loader.model(sources, folder, environment, (*place.trail, place.file))
    return model if is_elsewhere(inner) else rebased(model, inner)


def _environment(loader: Loader, include: _Include, folder: str, place: Place) -> Environment:
    """The variables of an included model: those from here win over those of its own env files."""
    found: dict[str, str] = {}
    if include.env_files is None:
        if (source := loader.read(joined(folder, ".env") if folder else ".env")) is not None:
            found = loader.variables(source, place.environment)
    else:
        for node in include.env_files:
            if node.value != "/dev/null" and (source := loader.source(place.folder, node)) is not None:
                found |= loader.variables(source, place.environment.merged(found))
    return place.environment.merged(found)


def _imported(model: Node, tree: Node, resets: Resets) -> Node:
    """The document over the included model: what both have is merged, unless it is the same anyway."""
    for section in _SECTIONS:
        included = children(child(model, section))
        if not included:
            continue
        own = child(tree, section) or mapping({}, model.span)
        if not isinstance(own.value, dict):
            raise ComposeError(f"{section} must be a mapping", own.span)
        for name, node in included.items():
            mine = child(own, name)
            if mine is not None and mine.data() != node.data():
                node = merge(resets.apply(node, section, name), mine, section, name)
            elif mine is not None:
                continue
            own = with_entry(own, name, node)
        tree = with_entry(tree, section, own)
    return tree
