"""A canonical Compose model into one with a single type for each attribute, when no file is left to merge.

`KEY=value` lists become mappings, numbers in places of text become texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.parse.compose.canonical import apply, as_list, is_text, table
from policykit.parse.compose.tree import Patterns, plain_text
from policykit.parse.yaml_nodes import Entry, Node

if TYPE_CHECKING:
    from policykit.parse.compose.canonical import Transform


def normalised(tree: Node) -> Node:
    """The model with one type for each attribute."""
    return apply(tree, _TYPES)


def _string(node: Node) -> Node:
    return Node(plain_text(node.value), node.span) if isinstance(node.value, int | float) else node


def _variables(node: Node) -> Node:
    """A table whose values are texts, or null where the value comes from outside."""
    node = table(node)
    if not isinstance(node.value, dict):
        return node
    return Node({key: Entry(entry.key, _string(entry.node)) for key, entry in node.value.items()}, node.span)


def _test(node: Node) -> Node:
    return Node([Node("CMD-SHELL", node.span), node], node.span) if is_text(node) else node


_CONTAINERS = ("services", "jobs", "services.*.pre_start")
_TYPES: Patterns[Transform] = Patterns(
    {
        **{f"{section}.*.{name}": as_list for section in _CONTAINERS for name in ("tmpfs", "dns_search")},
        **{f"{section}.*.expose.*": _string for section in ("services", "jobs")},
        **{f"{section}.*.ports.*.published": _string for section in ("services", "jobs")},
        **{f"{section}.*.healthcheck.test": _test for section in ("services", "jobs")},
        **{f"{section}.*.build.no_cache_filter": as_list for section in ("services", "jobs")},
        **{
            f"{section}.*.{name}": _variables
            for section in _CONTAINERS
            for name in (
                "environment",
                "labels",
                "annotations",
                "sysctls",
                "build.args",
                "build.labels",
                "deploy.labels",
            )
        },
        **{f"{section}.*.labels": _variables for section in ("networks", "volumes", "secrets", "configs")},
        **{f"services.*.{hook}.*.environment": _variables for hook in ("post_start", "pre_stop")},
    }
)
