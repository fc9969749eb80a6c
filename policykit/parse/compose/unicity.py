"""The lists of a Compose model that stand for tables: one entry is left a key, the last, in the first's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.parse.compose.short import volume_target
from policykit.parse.compose.tree import ComposeError, Patterns, children, kind, plain_text
from policykit.parse.yaml_nodes import Entry, Node
from policykit.unknown import HOLE, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Indexer = Callable[[Node], Any]


def unique(tree: Node) -> Node:
    """The model without entries that a later one replaces; ComposeError for an entry without a key."""
    return _unique(tree, _INDEXERS)


def _unique(node: Node, patterns: Patterns[Indexer]) -> Node:
    if not patterns:
        return node
    if isinstance(node.value, dict):
        entries = {key: Entry(entry.key, _unique(entry.node, patterns.step(key))) for key, entry in node.value.items()}
        return Node(entries, node.span, node.tag)
    if isinstance(node.value, list) and (indexer := patterns.here) is not None:
        return Node(unique_items(node.value, indexer), node.span, node.tag)
    return node


def unique_items(nodes: Iterable[Node], indexer: Indexer) -> list[Node]:
    """One node for each key that `indexer` gives."""
    found: dict[Any, Node] = {}
    for node in nodes:
        found[indexer(node)] = node
    return list(found.values())


def by_key(node: Node) -> Any:
    """The KEY of `KEY=value`."""
    value = node.value
    if isinstance(value, Unknown):
        key, equals, _ = value.pattern.partition("=")
        return key if equals and HOLE not in key else id(node)
    if not isinstance(value, str):
        raise ComposeError(f"must be a string, not a {kind(value)}", node.span)
    return value.partition("=")[0]


def _by_target(node: Node) -> Any:
    if isinstance(node.value, dict):
        target = children(node).get("target")
        if target is None or not isinstance(target.value, str):
            return _unknown_or(target, node, "a mount needs a target")
        return target.value
    return volume_target(node)


def _by_device(node: Node) -> Any:
    if isinstance(node.value, dict):
        return _by_target(node)
    if not isinstance(node.value, str):
        return id(node)
    parts = node.value.split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _by_text(node: Node) -> Any:
    value = node.value
    if isinstance(value, dict | list):
        raise ComposeError(f"must be a string, not a {kind(value)}", node.span)
    return id(node) if isinstance(value, Unknown) else str(value)


def _by_mount(folder: str) -> Indexer:
    def indexer(node: Node) -> Any:
        fields = children(node)
        if "target" in fields:
            return _by_text(fields["target"])
        name = fields.get("source", node) if isinstance(node.value, dict) else node
        if isinstance(name.value, dict | list | Unknown):
            return id(node)
        return f"{folder}/{plain_text(name.value)}"

    return indexer


def _by_port(node: Node) -> Any:
    if not isinstance(node.value, dict):
        return _by_text(node)
    fields = children(node)
    if "target" not in fields:
        raise ComposeError("a port needs a target", node.span)
    host, published, target, protocol = (
        fields[key].value if key in fields else default
        for key, default in (("host_ip", "0.0.0.0"), ("published", None), ("target", None), ("protocol", "tcp"))  # noqa: S104
    )
    if any(isinstance(value, Unknown) for value in (host, published, target, protocol)):
        return id(node)
    return f"{host}:{published}:{target!r}/{protocol}"


def _by_path(node: Node) -> Any:
    if not isinstance(node.value, dict):
        return _by_text(node)
    path = children(node).get("path")
    return _unknown_or(path, node, "an env_file needs a path") if path is None else _by_text(path)


def _unknown_or(field: Node | None, node: Node, message: str) -> Any:
    if field is not None and isinstance(field.value, Unknown):
        return id(node)
    raise ComposeError(message, node.span)


_INDEXERS: Patterns[Indexer] = Patterns(
    {
        "networks.*.labels": by_key,
        "networks.*.ipam.options": by_key,
        **{
            f"services.*.{attribute}": indexer
            for attribute, indexer in {
                **dict.fromkeys(
                    (
                        *("annotations", "build.args", "build.additional_contexts", "build.platform", "build.tags"),
                        *("build.labels", "cap_add", "cap_drop", "deploy.labels", "dns", "dns_opt", "dns_search"),
                        *("environment", "labels", "links", "networks.*.aliases", "networks.*.link_local_ips"),
                        *("profiles", "sysctls", "tmpfs"),
                    ),
                    by_key,
                ),
                "devices": _by_device,
                "configs": _by_mount(""),
                "secrets": _by_mount("/run/secrets"),
                "env_file": _by_path,
                "expose": _by_text,
                "ports": _by_port,
                "volumes": _by_target,
            }.items()
        },
    }
)
