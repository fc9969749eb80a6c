"""A Compose tree as written into one with its variables filled in, and texts turned into the type their place wants.

Compose casts whatever text stands in these places, with a variable in it or not: `privileged: "yes"` is true.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.parse.compose.interpolation import Environment, InterpolationError, interpolate
from policykit.parse.compose.tree import ITEM, ComposeError, Patterns
from policykit.parse.yaml_nodes import Entry, Node

if TYPE_CHECKING:
    from collections.abc import Callable

    Cast = Callable[[str], Any]

_TRUE, _FALSE = ("true", "y", "yes", "on"), ("false", "n", "no", "off")


def interpolated(tree: Node, environment: Environment) -> Node:
    """The tree with every variable filled in; an ExceptionGroup of all ComposeErrors where that fails."""
    errors: list[ComposeError] = []
    result = _interpolated(tree, environment, _CASTS, errors)
    if errors:
        raise ExceptionGroup("variables cannot be filled in", errors)
    return result


def _interpolated(node: Node, environment: Environment, patterns: Patterns[Cast], errors: list[ComposeError]) -> Node:
    value = node.value
    if isinstance(value, dict):
        entries = {
            key: Entry(entry.key, _interpolated(entry.node, environment, patterns.step(key), errors))
            for key, entry in value.items()
        }
        return Node(entries, node.span, node.tag)
    if isinstance(value, list):
        step = patterns.step(ITEM)
        return Node([_interpolated(item, environment, step, errors) for item in value], node.span, node.tag)
    if not isinstance(value, str):
        return node
    try:
        result: Any = interpolate(value, environment)
        if isinstance(result, str) and (cast := patterns.here) is not None:
            result = cast(result)
    except InterpolationError as error:
        errors.append(ComposeError(str(error), node.span))
        return node
    except ValueError:
        errors.append(ComposeError(f"`{result}` is not what belongs here: a number, or true or false", node.span))
        return node
    return node if result is value else Node(result, node.span, node.tag)


def boolean(text: str) -> bool:
    """YAML 1.1's words for true and false; ValueError for any other."""
    word = text.lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(f"`{text}` is neither true nor false")
    return word in _TRUE


def integer(text: str) -> int:
    """A decimal number as Go reads it: no space, no digit groups."""
    if not text.isascii() or not text.lstrip("+-").isdigit() or len(text) > 20:
        raise ValueError(f"`{text}` is no whole number")
    return int(text)


def _microseconds(text: str) -> int:
    """Microseconds, or a duration: the Compose specification allows both."""
    pieces = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|m)", text)
    if pieces is None:
        return integer(text)
    return int(float(pieces[1]) * {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000}[pieces[2]])


def number(text: str) -> float:
    """A number with a fraction or an exponent."""
    if not text.isascii() or text != text.strip() or "_" in text:
        raise ValueError(f"`{text}` is no number")
    return float(text)


def _umask(text: str) -> int:
    digits = text.lower()
    if digits.startswith("0") and digits.isdigit():
        return int(digits, 8)
    return int(digits, 0)


_SERVICE_CASTS: dict[str, Cast] = {
    "deploy.replicas": integer,
    "deploy.update_config.parallelism": integer,
    "deploy.update_config.max_failure_ratio": number,
    "deploy.rollback_config.parallelism": integer,
    "deploy.rollback_config.max_failure_ratio": number,
    "deploy.restart_policy.max_attempts": integer,
    "deploy.placement.max_replicas_per_node": integer,
    "scale": integer,
}
_CONTAINER_CASTS: dict[str, Cast] = {
    "cpu_count": integer,
    "cpu_percent": number,
    "cpu_period": integer,
    "cpu_quota": integer,
    "cpu_rt_period": _microseconds,
    "cpu_rt_runtime": _microseconds,
    "cpus": number,
    "cpu_shares": integer,
    "init": boolean,
    "networks.*.use_service_name_alias": boolean,
    "oom_kill_disable": boolean,
    "oom_score_adj": integer,
    "pids_limit": integer,
    "privileged": boolean,
    "read_only": boolean,
    "umask": _umask,
    "ulimits.*": integer,
    "ulimits.*.hard": integer,
    "ulimits.*.soft": integer,
    f"volumes.{ITEM}.read_only": boolean,
    f"volumes.{ITEM}.volume.nocopy": boolean,
}
_WORKLOAD_CASTS: dict[str, Cast] = {
    **_CONTAINER_CASTS,
    "depends_on.*.required": boolean,
    "depends_on.*.restart": boolean,
    "healthcheck.retries": integer,
    "healthcheck.disable": boolean,
    f"ports.{ITEM}.target": integer,
    "stdin_open": boolean,
    "tty": boolean,
}
_CASTS: Patterns[Cast] = Patterns(
    {
        **{
            f"networks.*.{name}": boolean
            for name in ("external", "internal", "attachable", "enable_ipv4", "enable_ipv6")
        },
        **{f"{section}.*.external": boolean for section in ("volumes", "secrets", "configs")},
        **{f"{section}.*.{name}": cast for section in ("services", "jobs") for name, cast in _WORKLOAD_CASTS.items()},
        **{f"services.*.pre_start.*.{name}": cast for name, cast in _CONTAINER_CASTS.items()},
        **{f"services.*.{name}": cast for name, cast in _SERVICE_CASTS.items()},
    }
)
