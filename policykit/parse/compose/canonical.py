"""A validated Compose model into its long form: one way to write each thing, defaults filled in.

As compose-spec and `docker compose config` have it; a value that is derived stands where its source does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.parse.compose import short
from policykit.parse.compose.tree import (
    ITEM,
    ComposeError,
    Patterns,
    child,
    children,
    items,
    kind,
    mapping,
    scalar,
    with_entry,
)
from policykit.parse.yaml_nodes import Entry, Node
from policykit.unknown import HOLE, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    Transform = Callable[[Node], Node]

#: Ports of a project, each in a range counted: three times all that there are.
_MAX_PORTS = 3 * 65_535


def canonical(tree: Node) -> Node:
    """Short syntaxes in their long form; ComposeError for a short syntax that does not read."""
    _check_ports(tree)
    return apply(tree, _SHORT)


def _check_ports(tree: Node) -> None:
    """ComposeError for more ports than a model can mean, before each range becomes its ports."""
    total = 0
    for section in ("services", "jobs"):
        for service in children(child(tree, section)).values():
            for port in items(child(service, "ports")):
                total += short.width(port.value)
                if total > _MAX_PORTS:
                    raise ComposeError(f"more than {_MAX_PORTS:,} ports in one project", port.span)


def with_defaults(tree: Node) -> Node:
    """What Compose sets where nothing is written."""
    return apply(tree, _DEFAULTS)


def apply(node: Node, patterns: Patterns[Transform]) -> Node:
    """The tree with each transform made where its pattern matches, from the root down."""
    if not patterns:
        return node
    if (transform := patterns.here) is not None:
        node = transform(node)
    if isinstance(node.value, dict):
        entries = {key: Entry(entry.key, apply(entry.node, patterns.step(key))) for key, entry in node.value.items()}
        return Node(entries, node.span, node.tag)
    if isinstance(node.value, list):
        step = patterns.step(ITEM)
        return Node([apply(item, step) for item in node.value], node.span, node.tag)
    return node


def is_text(node: Node) -> bool:
    """A text, or one that is unknown."""
    return isinstance(node.value, str | Unknown)


def _wrong(node: Node, name: str) -> ComposeError:
    return ComposeError(f"a {kind(node.value)} is no {name}", node.span)


# -- short syntaxes ----------------------------------------------------------------------------------------------------


def as_list(node: Node) -> Node:
    """A text as a list of one."""
    return Node([node], node.span) if is_text(node) else node


def _as_keys(node: Node) -> Node:
    """A list of names as a mapping without values."""
    if not isinstance(node.value, list):
        return node
    for name in node.value:
        if not isinstance(name.value, str):
            raise _wrong(name, "name")
    return mapping({name.value: Node(None, name.span) for name in node.value}, node.span)


def _under(field: str) -> Transform:
    """A text as a mapping that holds it under `field`."""

    def transform(node: Node) -> Node:
        if is_text(node):
            return mapping({field: node}, node.span)
        if not isinstance(node.value, dict):
            raise _wrong(node, f"{field} or mapping")
        return node

    return transform


def _env_files(node: Node) -> Node:
    entries = [_under("path")(item) for item in as_list(node).value or []]
    return Node(
        [
            entry if "required" in entry.value else with_entry(entry, "required", Node(True, entry.span))
            for entry in entries
        ],
        node.span,
    )


def _gpus(node: Node) -> Node:
    return Node([mapping({"count": node}, node.span)], node.span) if is_text(node) else node


def _volume(node: Node) -> Node:
    if is_text(node):
        return short.volume(node)
    if not isinstance(node.value, dict):
        raise _wrong(node, "volume")
    return node


def _device(node: Node) -> Node:
    if not isinstance(node.value, str):
        return node
    parts = node.value.split(":")
    if len(parts) > 3:
        raise ComposeError(f"confusing device mapping `{node.value}`, use the long syntax", node.span)
    source, target, permissions = [*parts, "", "rwm"][:3] if len(parts) < 2 else [*parts, "rwm"][:3]
    fields = {"source": source, "target": target or source, "permissions": permissions}
    return mapping({key: Node(value, node.span) for key, value in fields.items()}, node.span)


def _ports(node: Node) -> Node:
    found: list[Node] = []
    for entry in node.value if isinstance(node.value, list) else []:
        if isinstance(entry.value, dict):
            found.append(entry)
        elif isinstance(entry.value, list | bool) or entry.value is None:
            raise _wrong(entry, "port")
        else:
            found += short.ports(entry)
    return Node(found, node.span)


def _dependencies(node: Node) -> Node:
    if not isinstance(node.value, dict | list):
        raise _wrong(node, "list of services")
    entries: dict[str, Entry] = {}
    for key, entry in _as_keys(node).value.items():
        defaults = {"condition": Node("service_started", entry.key), "required": Node(True, entry.key)}
        written = entry.node.value if isinstance(entry.node.value, dict) else {}
        missing = {name: Entry(entry.key, value) for name, value in defaults.items() if name not in written}
        entries[key] = Entry(entry.key, Node({**written, **missing}, entry.node.span))
    return Node(entries, node.span)


def _ssh(node: Node) -> Node:
    if isinstance(node.value, dict):
        return node
    if not isinstance(node.value, list):
        raise _wrong(node, "list of SSH keys")
    fields: dict[str, Node] = {}
    for item in node.value:
        key, equals, path = str(item.value).partition("=")
        if not equals and key != "default" and not isinstance(item.value, Unknown):
            raise ComposeError(f"invalid ssh key `{key}`, write ID=PATH", item.span)
        fields[key] = Node(path if equals else None, item.span)
    return mapping(fields, node.span)


def table(node: Node) -> Node:
    """A list of `KEY=value` as a mapping; an entry whose key is unknown is left out, there is no place to put it."""
    if not isinstance(node.value, list):
        return node
    fields: dict[str, Node] = {}
    for item in node.value:
        if isinstance(item.value, Unknown):
            key, equals, rest = item.value.pattern.partition("=")
            if equals and HOLE not in key:
                fields[key] = Node(Unknown(item.value.reasons, rest), item.span)
        elif isinstance(item.value, str):
            key, equals, rest = item.value.partition("=")
            fields[key] = Node(rest if equals else None, item.span)
    return mapping(fields, node.span)


def _contexts(node: Node) -> Node:
    for item in node.value if isinstance(node.value, list) else []:
        if isinstance(item.value, str) and "=" not in item.value:
            raise ComposeError(f"invalid additional context `{item.value}`, write NAME=PATH", item.span)
    return table(node)


def _text(node: Node) -> Node:
    if isinstance(node.value, bool):
        return Node("true" if node.value else "false", node.span)
    return node


def _resource(node: Node) -> Node:
    """`external: {name: X}`, which is how it was written once."""
    if node.value is None:
        return node
    external = child(node, "external")
    if external is None or not isinstance(external.value, dict):
        return node
    node = with_entry(node, "external", Node(True, external.span))
    old, name = child(external, "name"), child(node, "name")
    if old is None:
        return node
    if name is not None and name.value != old.value:
        raise ComposeError("name and external.name conflict; only use name", old.span)
    return node if name is not None else with_entry(node, "name", old)


def _omit_empty(node: Node) -> Node:
    if not isinstance(node.value, list):
        return node
    return Node([item for item in node.value if item.value not in (None, "")], node.span)


_CONTAINER: dict[str, Transform] = {
    "env_file": _env_files,
    "label_file": as_list,
    "gpus": _gpus,
    "networks": _as_keys,
    "models": _as_keys,
    "volumes.*": _volume,
    "dns": lambda node: _omit_empty(as_list(node)),
    "devices.*": _device,
    "secrets.*": _under("source"),
    "configs.*": _under("source"),
}
_WORKLOAD: dict[str, Transform] = {
    **_CONTAINER,
    "build": _under("context"),
    "build.secrets.*": _under("source"),
    "build.provenance": _text,
    "build.sbom": _text,
    "build.additional_contexts": _contexts,
    "build.ssh": _ssh,
    "depends_on": _dependencies,
    "extends": _under("service"),
    "ports": _ports,
}
_SHORT: Patterns[Transform] = Patterns(
    {
        **{f"{section}.*.{name}": change for section in ("services", "jobs") for name, change in _WORKLOAD.items()},
        **{f"services.*.pre_start.*.{name}": change for name, change in _CONTAINER.items()},
        **{f"{section}.*": _resource for section in ("volumes", "networks", "secrets", "configs")},
        "services.*.develop.watch.*.ignore": as_list,
        "services.*.develop.watch.*.include": as_list,
        "jobs.*.triggers.schedule.*": _under("cron"),
    }
)


# -- defaults ----------------------------------------------------------------------------------------------------------


def _default(**fields: Any) -> Transform:
    def transform(node: Node) -> Node:
        if isinstance(node.value, dict):
            for key, value in fields.items():
                if key not in node.value:
                    node = with_entry(node, key, Node(value, node.span))
        return node

    return transform


def _secret(node: Node) -> Node:
    source = scalar(child(node, "source"))
    return _default(target=f"/run/secrets/{source}")(node) if isinstance(source, str) else node


def _device_request(node: Node) -> Node:
    return node if "device_ids" in children(node) else _default(count="all")(node)


_DEFAULTS: Patterns[Transform] = Patterns(
    {
        **{
            f"{section}.*.{name}": change
            for section in ("services", "jobs")
            for name, change in {
                "build": _default(context="."),
                "secrets.*": _secret,
                "ports.*": _default(protocol="tcp", mode="ingress"),
                "gpus.*": _device_request,
                "volumes.*.bind": _default(create_host_path=True),
            }.items()
        },
        "services.*.deploy.resources.reservations.devices.*": _device_request,
    }
)
