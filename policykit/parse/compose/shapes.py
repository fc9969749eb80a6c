"""A tree of nodes against the shape it should have, into every place where it has not.

A shape says which kinds of value may stand in a place; alternatives always differ by kind, so one look decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from policykit.document import route_text
from policykit.parse.compose.tree import ComposeError, frozen, kind
from policykit.parse.yaml_nodes import first_key
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from policykit.document import Route
    from policykit.parse.yaml_nodes import Entry, Node


@dataclass(frozen=True, slots=True)
class Shape:
    """`kinds`: scalars allowed here. `items`: what a list holds. `fields` and `keys`: what a mapping holds, by name and
    by a pattern of names; None where no list or no mapping is allowed."""

    kinds: frozenset[str] = frozenset()
    choices: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    least: int | None = None
    most: int | None = None
    items: Shape | None = None
    is_set: bool = False
    fields: dict[str, Shape] | None = None
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    keys: tuple[re.Pattern[str], Shape] | None = None
    is_open: bool = False
    has_extensions: bool = False

    def __or__(self, other: Shape) -> Shape:
        """Either of two shapes of different kinds."""
        changes = {
            name: mine if (mine := getattr(self, name)) not in ((), None, False) else getattr(other, name)
            for name in self.__slots__
        }
        return replace(self, **{**changes, "kinds": self.kinds | other.kinds})

    def with_fields(self, **fields: Shape) -> Shape:
        return replace(self, fields={**(self.fields or {}), **fields})


def of(*kinds: str) -> Shape:
    return Shape(frozenset(kinds))


def choice(*texts: str) -> Shape:
    return Shape(frozenset(("string",)), choices=texts)


def listed(items: Shape, *, is_set: bool = False) -> Shape:
    return Shape(items=items, is_set=is_set)


def record(required: tuple[str, ...] = (), /, *, extensions: bool = True, **fields: Shape) -> Shape:
    """A mapping with these keys and no others, but for `x-` ones."""
    return Shape(fields=fields, required=required, has_extensions=extensions)


def keyed(pattern: str, values: Shape, *, is_open: bool = False) -> Shape:
    """A mapping whose keys match a pattern."""
    return Shape(fields={}, keys=(re.compile(pattern), values), is_open=is_open)


def violations(node: Node, shape: Shape, route: Route = ()) -> Iterator[ComposeError]:
    """Everything in the tree that does not have its shape, in the order of the tree."""
    value = node.value
    if isinstance(value, dict):
        if shape.fields is None:
            yield _wrong_kind(node, shape, route)
        else:
            yield from _mapping_violations(node, shape, route)
    elif isinstance(value, list):
        if shape.items is None:
            yield _wrong_kind(node, shape, route)
        else:
            yield from _list_violations(node, shape, route)
    elif isinstance(value, Unknown):
        if not shape.kinds:
            yield _wrong_kind(node, shape, route)
    else:
        yield from _scalar_violations(node, shape, route)


def _scalar_violations(node: Node, shape: Shape, route: Route) -> Iterator[ComposeError]:
    value = node.value
    if not _kinds_of(value) & shape.kinds:
        yield _wrong_kind(node, shape, route)
    elif isinstance(value, str):
        if shape.choices and value not in shape.choices:
            yield ComposeError(f"{_name(route)} must be one of {', '.join(shape.choices)}", node.span)
        elif shape.pattern is not None and not shape.pattern.search(value):
            yield ComposeError(f"{_name(route)} must match {shape.pattern.pattern}", node.span)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if shape.least is not None and value < shape.least:
            yield ComposeError(f"{_name(route)} must be greater than or equal to {shape.least}", node.span)
        elif shape.most is not None and value > shape.most:
            yield ComposeError(f"{_name(route)} must be less than or equal to {shape.most}", node.span)


def _mapping_violations(node: Node, shape: Shape, route: Route) -> Iterator[ComposeError]:
    entries: dict[str, Entry] = node.value
    for key, entry in entries.items():
        field = _field(shape, key)
        if field is not None:
            yield from violations(entry.node, field, (*route, key))
        elif not shape.is_open and not (shape.has_extensions and key.startswith("x-")):
            yield ComposeError(f"{_name(route)} additional properties '{key}' not allowed", entry.key)
    for key in shape.required:
        if key not in entries:
            yield ComposeError(f"{_name(route)} missing property '{key}'", first_key(node))
    if shape.one_of and not any(key in entries for key in shape.one_of):
        yield ComposeError(f"{_name(route)} missing one of {', '.join(shape.one_of)}", first_key(node))


def _field(shape: Shape, key: str) -> Shape | None:
    if shape.fields is not None and key in shape.fields:
        return shape.fields[key]
    if shape.keys is not None and shape.keys[0].search(key):
        return shape.keys[1]
    return None


def _list_violations(node: Node, shape: Shape, route: Route) -> Iterator[ComposeError]:
    assert shape.items is not None
    for index, item in enumerate(node.value):
        yield from violations(item, shape.items, (*route, index))
    if shape.is_set and (pair := _equal_items(node.value)) is not None:
        first, second = pair
        message = f"{_name(route)} items at {first} and {second} are equal"
        yield ComposeError(message, node.value[second].span)


def _equal_items(nodes: list[Node]) -> tuple[int, int] | None:
    seen: dict[Hashable, int] = {}
    for index, node in enumerate(nodes):
        if isinstance(node.value, Unknown):
            continue
        key = frozen(node.data())
        if key in seen:
            return seen[key], index
        seen[key] = index
    return None


def _kinds_of(value: Any) -> frozenset[str]:
    if isinstance(value, bool):
        return frozenset(("boolean",))
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return frozenset(("integer", "number"))
    return frozenset((kind(value),))


def _wrong_kind(node: Node, shape: Shape, route: Route) -> ComposeError:
    kinds = sorted(shape.kinds - {"integer"} if "number" in shape.kinds else shape.kinds)
    wanted = [
        *kinds,
        *(["list"] if shape.items is not None else []),
        *(["mapping"] if shape.fields is not None else []),
    ]
    return ComposeError(f"{_name(route)} must be a {' or '.join(wanted)}", node.span)


def _name(route: Route) -> str:
    return route_text(route) or "the file"
