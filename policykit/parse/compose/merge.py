"""Two trees of one Compose model into one, attribute by attribute as the specification says.

https://github.com/compose-spec/compose-spec/blob/main/13-merge.md. Every node keeps the place it was written in;
nothing is changed in place, so that a tree may be merged into many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.parse.compose.short import volume_target
from policykit.parse.compose.tree import ComposeError, Patterns, children, kind, mapping
from policykit.parse.yaml_nodes import Entry, Node
from policykit.unknown import HOLE, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Merger = Callable[[Node, Node, "Patterns[Merger]"], Node]
    Indexer = Callable[[Node], Any]


def merge(base: Node, override: Node, *route: str) -> Node:
    """`override` over `base`, both standing at `route` of a model; ComposeError where they do not go together."""
    return _merge(base, override, _MERGERS.at(*route))


def unique(tree: Node) -> Node:
    """The model with each list that stands for a table left with one entry a key: the last, in the first's place."""
    return _unique(tree, _INDEXERS)


# -- merging -----------------------------------------------------------------------------------------------------------


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
    known = [node.data() for node in base]
    for node in override:
        data = node.data()
        if data not in known:
            merged.append(node)
            known.append(data)
    return merged


def _replace(_base: Node, override: Node, _patterns: Patterns[Merger]) -> Node:
    return override


def _to_list(base: Node, override: Node, _patterns: Patterns[Merger]) -> Node:
    return Node(_without_duplicates(_sequence(base), _sequence(override)), override.span)


def _to_table(base: Node, override: Node, _patterns: Patterns[Merger]) -> Node:
    return Node(_unique_items([*_sequence(base), *_sequence(override)], _by_key), override.span)


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
    """Address pools go together by subnet."""
    for node in (base, override):
        if not isinstance(node.value, list) or not all(isinstance(item.value, dict) for item in node.value):
            raise ComposeError("ipam.config must be a list of mappings", node.span)
    merged: dict[Any, Node] = {}
    for old in base.value:
        for new in override.value:
            subnet = _subnet(new)
            if subnet != _subnet(old):
                merged.setdefault(subnet, new)
                if merged[subnet] is new:
                    continue
            both = _merge_mappings(old, new, patterns)
            merged[_subnet(both)] = both
    return Node(list(merged.values()), override.span)


def _subnet(node: Node) -> Any:
    subnet = children(node).get("subnet")
    return None if subnet is None else subnet.value


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


def plain_text(value: Any) -> str:
    """A scalar as Compose writes it into a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return "" if value is None else str(value)


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


# -- one entry a key ---------------------------------------------------------------------------------------------------


def _unique(node: Node, patterns: Patterns[Indexer]) -> Node:
    if not patterns:
        return node
    if isinstance(node.value, dict):
        entries = {key: Entry(entry.key, _unique(entry.node, patterns.step(key))) for key, entry in node.value.items()}
        return Node(entries, node.span, node.tag)
    if isinstance(node.value, list) and (indexer := patterns.here) is not None:
        return Node(_unique_items(node.value, indexer), node.span, node.tag)
    return node


def _unique_items(nodes: Iterable[Node], indexer: Indexer) -> list[Node]:
    found: dict[Any, Node] = {}
    for node in nodes:
        found[indexer(node)] = node
    return list(found.values())


def _by_key(node: Node) -> Any:
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
        "networks.*.labels": _by_key,
        "networks.*.ipam.options": _by_key,
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
                    _by_key,
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
