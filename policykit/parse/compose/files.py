"""The paths in a Compose model: which files it names, and where they lie from the project's folder."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from policykit.parse.compose.tree import ITEM, Patterns, scalar, with_entry
from policykit.parse.yaml_nodes import Entry, Node

if TYPE_CHECKING:
    from collections.abc import Callable

_REMOTE = re.compile(r"(?:[a-z][a-z0-9+.-]*://|git@|github\.com/|oci:|docker-image:|service:|target:)", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def folder_of(name: str) -> str:
    """The folder a file lies in, "" for the current one."""
    return posixpath.dirname(name.replace("\\", "/"))


def joined(folder: str, path: str) -> str:
    """A path as seen from where `folder` is seen from."""
    return path if is_elsewhere(path) else posixpath.normpath(posixpath.join(folder, path))


def is_elsewhere(path: str) -> bool:
    """Does a path mean the same wherever it is read: absolute, in the home folder, or remote?"""
    return path.startswith(("/", "~", "\\\\")) or _DRIVE.match(path) is not None or is_remote(path)


def is_remote(path: str) -> bool:
    """Does a path name something that only the network has?"""
    return _REMOTE.match(path) is not None


def rebased(tree: Node, folder: str) -> Node:
    """A canonical model whose paths start in `folder`, as seen from outside of it."""
    return tree if folder in ("", ".") else _rebased(tree, folder, _PATHS)


def _rebased(node: Node, folder: str, patterns: Patterns[Callable[[Node, str], Node]]) -> Node:
    if not patterns:
        return node
    if (rebase := patterns.here) is not None:
        return rebase(node, folder)
    if isinstance(node.value, dict):
        entries = {
            key: Entry(entry.key, _rebased(entry.node, folder, patterns.step(key))) for key, entry in node.value.items()
        }
        return Node(entries, node.span, node.tag)
    if isinstance(node.value, list):
        step = patterns.step(ITEM)
        return Node([_rebased(item, folder, step) for item in node.value], node.span, node.tag)
    return node


def _path(node: Node, folder: str) -> Node:
    if not isinstance(node.value, str) or not node.value:
        return node
    return Node(joined(folder, node.value), node.span)


def _volume(node: Node, folder: str) -> Node:
    if not isinstance(node.value, dict):
        return node
    source = node.value.get("source")
    if source is None or scalar(node.value["type"].node if "type" in node.value else None) != "bind":
        return node
    path = _path(source.node, folder)
    if isinstance(path.value, str) and not is_elsewhere(path.value) and not path.value.startswith("."):
        path = Node(f"./{path.value}", path.span)
    return with_entry(node, "source", path)


_PATHS: Patterns[Callable[[Node, str], Node]] = Patterns(
    {
        **{
            f"{section}.*.{name}": _path
            for section in ("services", "jobs", "services.*.pre_start")
            for name in (
                "build.context",
                "build.additional_contexts.*",
                "env_file.*.path",
                "label_file.*",
                "extends.file",
            )
        },
        **{f"{section}.*.volumes.*": _volume for section in ("services", "jobs", "services.*.pre_start")},
        "services.*.develop.watch.*.path": _path,
        "configs.*.file": _path,
        "secrets.*.file": _path,
    }
)
