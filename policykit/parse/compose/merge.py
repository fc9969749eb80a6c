"""Two trees of one Compose model into one, attribute by attribute as the specification says.

https://github.com/compose-spec/compose-spec/blob/main/13-merge.md. Every node keeps the place it was written in;
nothing is changed in place, so that a tree may be merged into many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.parse.compose.tree import ComposeError, Patterns, children, frozen, kind, mapping, plain_text
from policykit.parse.compose.unicity import by_key, unique_items
from policykit.parse.yaml_nodes import Entry, Node
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    Merger = Callable[[Node, Node, "Patterns[Merger]"], Node]

#: Pairs of old and new address pools.
_MAX_POOLS = 100_000


def merge(base: Node, override: Node, *route: str) -> Node:
    """`override` over `base`, both standing at `route` of a model; ComposeError where they do not go together."""
    return _merge(base, override, _MERGERS.at(*route))


def _merge(base: Node, override: Node, patterns: Patterns[Merger]) -> Node:
    if (special := patterns.here) is not None:
        return special(base, override, patterns)
    if override.value is None:
        return base
    if isinstance(base.value, dict):
        if not isinstance(override.value, dict):
            raise ComposeError(f"cannot override a mapping with a {kind(override.value)}", override.span)
        return _merge_mappings(base, override, patterns)
    if isinstance(base.value, list):
        if not isinstance(override.value, list):
            raise ComposeError(f"cannot override a list with a {kind(override.value)}", override.span)
        return Node(_without_duplicates(base.value, override.value), override.span)
    return override


def _merge_mappings(base: Node, override: Node, patterns: Patterns[Merger]) -> Node:
    merged: dict[str, Entry] = dict(base.value)
    for key, entry in override.value.items():
        if (old := merged.get(key)) is None:
            merged[key] = entry
            continue
        node = _merge(old.node, entry.node, patterns.step(key))
        merged[key] = Entry(entry.key if node is entry.node else old.key, node)
    return Node(merged, base.span)


def _without_duplicates(base: list[Node], override: list[Node]) -> list[Node]:
    merged = list(base)
    known = {frozen(node.data()) for node in base}
    for node in override:
        key = frozen(node.data())
        if key not in known:
            merged.append(node)
            known.add(key)
    return merged


def _replace(_base: Node, override: Node, _patterns: Patterns[Merger]) -> Node:
    return override


def _to_list(base: Node, override: Node, _patterns: Patterns[Merger]) -> Node:
    return Node(_without_duplicates(_sequence(base), _sequence(override)), override.span)


def _to_table(base: Node, override: Node, _patterns: Patterns[Merger]) -> Node:
    return Node(unique_items([*_sequence(base), *_sequence(override)], by_key), override.span)


def _to_mapping(default: Callable[[Node], Node]) -> Merger:
    """Merges mappings that may be written as lists of their keys."""

    def merger(base: Node, override: Node, patterns: Patterns[Merger]) -> Node:
        return _merge_mappings(_keyed(base, default), _keyed(override, default), patterns)

    return merger


def _keyed(node: Node, default: Callable[[Node], Node]) -> Node:
    if isinstance(node.value, dict):
        return node
    if node.value is None:
        return Node({}, node.span)
    names = node.value if isinstance(node.value, list) else [node]
    for name in names:
        if not isinstance(name.value, str):
            raise ComposeError(f"cannot use a {kind(name.value)} as a key", name.span)
    return mapping({name.value: default(name) for name in names}, node.span)


def _null(name: Node) -> Node:
    return Node(None, name.span)


def _dependency(name: Node) -> Node:
    return mapping(
        {"condition": Node("service_started", name.span), "required": Node(True, name.span)},
        name.span,
    )


def _merge_build(base: Node, override: Node, patterns: Patterns[Merger]) -> Node:
    base, override = _long_build(base), _long_build(override)
    if isinstance(base.value, dict) and isinstance(override.value, dict):
        return _merge_mappings(base, override, patterns)
    return base if override.value is None else override


def _long_build(node: Node) -> Node:
    return mapping({"context": node}, node.span) if isinstance(node.value, str | Unknown) else node


def _merge_logging(base: Node, override: Node, patterns: Patterns[Merger]) -> Node:
    """Options go together only where both ask for the same driver, or one for none."""
    for node in (base, override):
        if not isinstance(node.value, dict):
            raise ComposeError(f"logging must be a mapping, not a {kind(node.value)}", node.span)
    drivers = [driver.value for node in (base, override) if (driver := children(node).get("driver")) is not None]
    if len(drivers) < 2 or drivers[0] == drivers[1]:
        return _merge_mappings(base, override, patterns)
    return override


def _merge_ulimit(base: Node, override: Node, patterns: Patterns[Merger]) -> Node:
    if isinstance(base.value, dict) and isinstance(override.value, dict):
        return _merge_mappings(base, override, patterns)
    return override


def _merge_ipam(base: Node, override: Node, patterns: Patterns[Merger]) -> Node:
    """Address pools go together by subnet: each new one with each old one, the way Compose does it."""
    for node in (base, override):
        if not isinstance(node.value, list) or not all(isinstance(item.value, dict) for item in node.value):
            raise ComposeError("ipam.config must be a list of mappings", node.span)
    if len(base.value) * len(override.value) > _MAX_POOLS:
        raise ComposeError("too many address pools", override.span)
    merged: dict[Any, Node] = {}
    for old in base.value:
        for new in override.value:
            subnet = _subnet(new)
            if subnet != _subnet(old) and subnet not in merged:
                merged[subnet] = new
            else:
                merged[subnet] = _merge_mappings(old, new, patterns)
    return Node(list(merged.values()), override.span)


def _subnet(node: Node) -> Any:
    subnet = children(node).get("subnet")
    return None if subnet is None else frozen(subnet.data())


def _sequence(node: Node) -> list[Node]:
    """A mapping as its `KEY=value` entries, sorted; a list as it is; a text as a list of one."""
    if isinstance(node.value, dict):
        pairs = [
            _pair(key, value)
            for key, entry in node.value.items()
            for value in (entry.node.value if isinstance(entry.node.value, list) else [entry.node])
        ]
        return sorted(pairs, key=lambda pair: _pattern(pair.value))
    if isinstance(node.value, list):
        return node.value
    return [node] if isinstance(node.value, str | Unknown) else []


def _pair(key: str, node: Node) -> Node:
    value = node.value
    if value is None:
        return Node(key, node.span)
    if isinstance(value, Unknown):
        return Node(Unknown(value.reasons, f"{key}={value.pattern}"), node.span)
    return Node(f"{key}={plain_text(value)}", node.span)


def _pattern(value: Any) -> str:
    return value.pattern if isinstance(value, Unknown) else str(value)


_MERGERS: Patterns[Merger] = Patterns(
    {
        "networks.*.ipam.config": _merge_ipam,
        **{f"{kind}.*.labels": _to_table for kind in ("networks", "volumes", "secrets", "configs")},
        **{
            f"{kind}.*.{attribute}": merger
            for kind in ("services", "jobs")
            for attribute, merger in {
                "annotations": _to_table,
                "build": _merge_build,
                "build.args": _to_table,
                "build.additional_contexts": _to_table,
                "build.extra_hosts": _to_list,
                "build.labels": _to_table,
                "command": _replace,
                "depends_on": _to_mapping(_dependency),
                "dns": _to_list,
                "dns_opt": _to_list,
                "dns_search": _to_list,
                "entrypoint": _replace,
                "env_file": _to_list,
                "label_file": _to_list,
                "environment": _to_table,
                "extra_hosts": _to_list,
                "healthcheck.test": _replace,
                "labels": _to_table,
                "logging": _merge_logging,
                "models": _to_mapping(_null),
                "networks": _to_mapping(_null),
                "sysctls": _to_table,
                "tmpfs": _to_list,
                "ulimits.*": _merge_ulimit,
            }.items()
        },
        "services.*.deploy.labels": _to_table,
    }
)
