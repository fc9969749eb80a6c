"""The values of a canonical Compose model against what Compose can read in each place.

What the specification's schema leaves open: sizes, durations, addresses, attributes that exclude each other.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from policykit.parse.compose.casts import boolean, integer, number
from policykit.parse.compose.tree import ITEM, ComposeError, Patterns, child, children, kind
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from policykit.parse.yaml_nodes import Node

    Check = Callable[[Node], None]

_DURATION = re.compile(r"[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w))+)\Z")
_SIZE = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?(?:([kmgtp])i?)?b?\Z", re.IGNORECASE)
_UNITS = {unit: 1024**power for power, unit in enumerate(("", "k", "m", "g", "t", "p"))}
_OCTAL = re.compile(r"[-+]?[0-7]+\Z")


def check_values(model: Node) -> None:
    """An ExceptionGroup of all ComposeErrors in the values of a model."""
    errors: list[ComposeError] = []
    _check(model, _CHECKS, errors)
    if errors:
        raise ExceptionGroup("not a Compose model", errors)


def _check(node: Node, patterns: Patterns[Check], errors: list[ComposeError]) -> None:
    if not patterns:
        return
    if (check := patterns.here) is not None and not isinstance(node.value, Unknown):
        try:
            check(node)
        except ComposeError as error:
            errors.append(error)
        except ValueError as error:
            errors.append(ComposeError(str(error), node.span))
    if isinstance(node.value, dict):
        for key, entry in node.value.items():
            _check(entry.node, patterns.step(key), errors)
    elif isinstance(node.value, list):
        step = patterns.step(ITEM)
        for item in node.value:
            _check(item, step, errors)


# -- scalars -----------------------------------------------------------------------------------------------------------


def _duration(node: Node) -> None:
    if isinstance(node.value, str) and not _DURATION.match(node.value):
        raise ValueError(f"`{node.value}` is no duration, write 1h30m or 20s")


def size(text: str) -> int:
    """A size in bytes: `512m`, `1.5g`, `-1`; ValueError for anything else."""
    try:
        return integer(text)
    except ValueError:
        match = _SIZE.match(text)
    if match is None:
        raise ValueError(f"`{text}` is no size, write 512m or 1g")
    return int(float(match.group(1)) * _UNITS[(match.group(2) or "").lower()])


def _size(node: Node) -> None:
    if isinstance(node.value, str):
        size(node.value)


def _boolean(node: Node) -> None:
    if isinstance(node.value, str):
        boolean(node.value)


def _integer(node: Node) -> None:
    if isinstance(node.value, str):
        integer(node.value)


def _number(node: Node) -> None:
    if isinstance(node.value, str):
        number(node.value)


def _mode(node: Node) -> None:
    if isinstance(node.value, str) and not _OCTAL.match(node.value):
        raise ValueError(f"`{node.value}` is no file mode, write 0440")


def _count(node: Node) -> None:
    if isinstance(node.value, str) and node.value.lower() != "all":
        try:
            integer(node.value)
        except ValueError:
            raise ValueError(f"invalid value `{node.value}`, the only value allowed is 'all' or a number") from None


def _not_blank(node: Node) -> None:
    if node.value == "":
        raise ValueError("value cannot be blank")


def _address(node: Node) -> None:
    if isinstance(node.value, str):
        try:
            ipaddress.ip_address(node.value)
        except ValueError:
            raise ValueError(f"invalid ip address: `{node.value}`") from None


def _hosts(node: Node) -> None:
    entries = node.value if isinstance(node.value, list) else []
    names = list(node.value) if isinstance(node.value, dict) else []
    for item in entries:
        if isinstance(item.value, Unknown):
            continue
        name, separator, _ = str(item.value).partition("=" if "=" in str(item.value) else ":")
        if not separator:
            raise ComposeError(f"invalid additional host `{item.value}`, missing IP", item.span)
        if not name or ":" in name:
            raise ComposeError(f"bad host name `{name}`", item.span)
    for name in names:
        if not name or ":" in name or "=" in name:
            raise ComposeError(f"bad host name `{name}`", node.value[name].key)


# -- mappings ----------------------------------------------------------------------------------------------------------


def _device_request(node: Node) -> None:
    fields = children(node)
    if "count" in fields and "device_ids" in fields:
        raise ComposeError('"count" and "device_ids" attributes are exclusive', fields["device_ids"].span)


def _volume_mount(node: Node) -> None:
    source = child(node, "source")
    mount_type = child(node, "type")
    if mount_type is not None and mount_type.value == "bind" and source is None:
        raise ComposeError('invalid mount config for type "bind": field Source must not be empty', mount_type.span)


def _volume(node: Node) -> None:
    fields = children(node)
    external = fields.get("external")
    if external is None or external.value is not True:
        return
    for key, entry in (node.value or {}).items():
        if key not in ("name", "external") and not key.startswith("x-"):
            raise ComposeError(f'conflicting parameters "external" and "{key}" specified', entry.key)


def _content(*ways: str) -> Check:
    """Exactly one of some attributes, unless the content comes from elsewhere."""

    def check(node: Node) -> None:
        if not isinstance(node.value, dict):
            raise ComposeError(f"must be a mapping, not a {kind(node.value)}", node.span)
        written = [key for key in ways if key in node.value]
        if len(written) > 1:
            raise ComposeError(f"{' and '.join(written)} are mutually exclusive", node.value[written[1]].key)
        if not written and "driver" not in node.value and "external" not in node.value:
            raise ComposeError(f"one of {', '.join(ways)} must be set", node.span)

    return check


_CONTAINER: dict[str, Check] = {
    "stop_grace_period": _duration,
    **dict.fromkeys(("mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "shm_size"), _size),
    **{f"blkio_config.device_{way}.*.rate": _size for way in ("read_bps", "read_iops", "write_bps", "write_iops")},
    "configs.*.mode": _mode,
    "secrets.*.mode": _mode,
    "extra_hosts": _hosts,
    "env_file.*.required": _boolean,
    "gpus.*": _device_request,
    "gpus.*.count": _count,
    "volumes.*": _volume_mount,
    "volumes.*.bind.create_host_path": _boolean,
    "volumes.*.tmpfs.size": _size,
    "volumes.*.tmpfs.mode": _mode,
}
_WORKLOAD: dict[str, Check] = {
    **_CONTAINER,
    **{f"healthcheck.{name}": _duration for name in ("interval", "timeout", "start_period", "start_interval")},
    **{f"build.{name}": _boolean for name in ("no_cache", "pull", "privileged")},
    "build.shm_size": _size,
    "build.extra_hosts": _hosts,
    "build.secrets.*.mode": _mode,
    "ports.*.host_ip": _address,
}
_SERVICE: dict[str, Check] = {
    **{f"deploy.{way}_config.{name}": _duration for way in ("update", "rollback") for name in ("delay", "monitor")},
    **{f"deploy.restart_policy.{name}": _duration for name in ("delay", "window")},
    **{f"deploy.resources.{way}.memory": _size for way in ("limits", "reservations")},
    **{f"deploy.resources.{way}.cpus": _number for way in ("limits", "reservations")},
    **{f"{hook}.*.privileged": _boolean for hook in ("pre_start", "post_start", "pre_stop")},
    "deploy.resources.limits.pids": _integer,
    "deploy.resources.reservations.generic_resources.*.discrete_resource_spec.value": _integer,
    "deploy.resources.reservations.devices.*": _device_request,
    "deploy.resources.reservations.devices.*.count": _count,
    "develop.watch.*.path": _not_blank,
    "attach": _boolean,
    "pre_start.*.per_replica": _boolean,
}
_CHECKS: Patterns[Check] = Patterns(
    {
        **{f"{section}.*.{name}": check for section in ("services", "jobs") for name, check in _WORKLOAD.items()},
        **{f"services.*.pre_start.*.{name}": check for name, check in _CONTAINER.items()},
        **{f"services.*.{name}": check for name, check in _SERVICE.items()},
        "volumes.*": _volume,
        "configs.*": _content("file", "environment", "content"),
        "secrets.*": _content("file", "environment"),
    }
)
