"""`!reset` and `!override` in one Compose document into the document without them, and what they take away elsewhere.

https://github.com/compose-spec/compose-spec/blob/main/13-merge.md#reset-value
"""

from __future__ import annotations

from dataclasses import dataclass

from policykit.parse.yaml_nodes import Entry, Node

#: Attributes that were extensions once, and the mapping they stand in.
_PROMOTED = {"x-develop": ("develop", 2), "x-initialSync": ("initial_sync", 5)}


@dataclass(frozen=True, slots=True)
class Resets:
    """The routes whose value in whatever came before is dropped."""

    routes: frozenset[tuple[str, ...]] = frozenset()

    def apply(self, tree: Node, *route: str) -> Node:
        """The tree that stands at `route` of a model, without what is reset."""
        return self._without(tree, route) if self.routes else tree

    def _without(self, node: Node, route: tuple[str, ...]) -> Node:
        if not isinstance(node.value, dict):
            return node
        entries = {
            key: Entry(entry.key, self._without(entry.node, (*route, key)))
            for key, entry in node.value.items()
            if (*route, key) not in self.routes
        }
        return Node(entries, node.span, node.tag)


def split_tags(root: Node) -> tuple[Node, Resets]:
    """The document without its tagged-away parts and with old names of attributes made new; and its resets."""
    routes: set[tuple[str, ...]] = set()
    return _split(root, (), routes), Resets(frozenset(routes))


def _split(node: Node, route: tuple[str, ...], routes: set[tuple[str, ...]]) -> Node:
    if node.tag == "!override":
        routes.add(route)
        return node
    if isinstance(node.value, dict):
        entries: dict[str, Entry] = {}
        for key, entry in node.value.items():
            name = _promoted(key, route, node)
            if entry.node.tag == "!reset":
                routes.add((*route, name))
            else:
                entries[name] = Entry(entry.key, _split(entry.node, (*route, name), routes))
        return Node(entries, node.span)
    if isinstance(node.value, list):
        kept = [item for item in node.value if item.tag != "!reset"]
        return Node([_split(item, (*route, str(index)), routes) for index, item in enumerate(kept)], node.span)
    return node


def _promoted(key: str, route: tuple[str, ...], parent: Node) -> str:
    name, depth = _PROMOTED.get(key, (key, 0))
    is_service = len(route) == depth and route[:1] == ("services",)
    return name if is_service and name not in parent.value else key
