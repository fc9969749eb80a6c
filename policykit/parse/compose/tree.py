"""Patterns of routes in a Compose model into what applies there; and what its trees of nodes are read and built with.

A pattern is a dotted path; `*` stands for any key and any list item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from policykit.errors import ParseError
from policykit.parse.yaml_nodes import Entry, Node

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from policykit.document import Span

T = TypeVar("T")

#: The step into a list, whichever item.
ITEM = "[]"


class ComposeError(ParseError):
    """A Compose file, or one that it names, is wrong: a ParseError that knows its file."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message, span.line, span.column)
        self.span = span

    @property
    def file(self) -> str:
        return self.span.file


class Patterns(Generic[T]):
    """Values by pattern, walked down along with a tree: `step` into it, and see what is `here`.

    `here` is None where no pattern ends. Steps are worked out when first taken, and kept.
    """

    __slots__ = ("_branches", "_steps", "here")

    def __init__(self, table: Mapping[str, T]) -> None:
        root: dict[str, Any] = {}
        for pattern, value in table.items():
            branch = root
            for part in pattern.split("."):
                branch = branch.setdefault(part, {})
            branch[""] = value
        self._set((root,))

    def _set(self, branches: tuple[dict[str, Any], ...]) -> None:
        self._branches = branches
        self._steps: dict[str, Patterns[T]] = {}
        self.here: T | None = next((branch[""] for branch in branches if "" in branch), None)

    def __bool__(self) -> bool:
        """Can anything match from here on?"""
        return bool(self._branches)

    def step(self, key: str) -> Patterns[T]:
        if (found := self._steps.get(key)) is not None:
            return found
        if not any(key in branch for branch in self._branches):
            key = "*"  # the same for every key that no pattern names
        found = self._steps.get(key)
        return self._new_step(key) if found is None else found

    def _new_step(self, key: str) -> Patterns[T]:
        found: Patterns[T] = Patterns({})
        parts = (key, "*") if key not in ("*", "") else ("*",)
        found._set(tuple(branch[part] for branch in self._branches for part in parts if part in branch))
        self._steps[key] = found
        return found

    def at(self, *keys: str) -> Patterns[T]:
        found = self
        for key in keys:
            found = found.step(key)
        return found


def mapping(entries: Mapping[str, Node], span: Span) -> Node:
    """A mapping that nobody wrote: each key stands where its value does."""
    return Node({key: Entry(node.span, node) for key, node in entries.items()}, span)


def child(node: Node, key: str) -> Node | None:
    """The value of a key, None where there is none or the node is no mapping."""
    entry = node.value.get(key) if isinstance(node.value, dict) else None
    return entry.node if entry is not None else None


def scalar(node: Node | None) -> Any:
    """A plain value of a node, None for collections and for no node at all."""
    return None if node is None or isinstance(node.value, dict | list) else node.value


def text(node: Node | None) -> str:
    """A node's text, "" for anything else."""
    value = scalar(node)
    return value if isinstance(value, str) else ""


def children(node: Node | None) -> dict[str, Node]:
    """A mapping's values by key, none for anything else."""
    if node is None or not isinstance(node.value, dict):
        return {}
    return {key: entry.node for key, entry in node.value.items()}


def items(node: Node | None) -> list[Node]:
    """A list's items, none for anything else."""
    return node.value if node is not None and isinstance(node.value, list) else []


def with_entry(node: Node, key: str, value: Node, *, key_span: Span | None = None) -> Node:
    """The mapping with one entry set (in its place, or at the end)."""
    entry = node.value.get(key)
    span = key_span or (entry.key if entry is not None else value.span)
    return Node({**node.value, key: Entry(span, value)}, node.span, node.tag)


def without(node: Node, *keys: str) -> Node:
    """The mapping without some keys."""
    return Node({key: entry for key, entry in node.value.items() if key not in keys}, node.span, node.tag)


def frozen(data: Any) -> Hashable:
    """A key that two values share where JSON calls them equal: order does not matter in mappings, true is not 1."""
    if isinstance(data, dict):
        return frozenset((key, frozen(value)) for key, value in data.items())
    if isinstance(data, list):
        return tuple(frozen(item) for item in data)
    return (isinstance(data, bool), data)


def kind(value: Any) -> str:
    """A value's type as the specification calls it."""
    names = {dict: "mapping", list: "list", str: "string", bool: "boolean", int: "number", float: "number"}
    return "null" if value is None else names.get(type(value), "value")


def plain_text(value: Any) -> str:
    """A scalar as Compose writes it into a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return "" if value is None else str(value)
