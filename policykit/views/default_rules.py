"""A rule of `kubernetes_data/rules.json` and a struct of an object -> the struct as the rule leaves it.

The vocabulary is explained in `kubernetes_data/README.md`. A rule works on a struct that belongs to nobody else; what
it changes below, it copies first.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING, Any

from policykit.views.image_reference import parse_image_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Struct = dict[str, Any]
Rule = dict[str, Any]
Path = str | list[str]


def apply(rule: Rule, struct: Struct) -> None:
    """Apply a rule to a struct, in place."""
    for item in _items(rule["each"], struct) if "each" in rule else (struct,):
        if "when" not in rule or _all_hold(rule["when"], item, struct):
            _act(rule, item)


def _fields(path: Path) -> Sequence[str]:
    return _split(path) if isinstance(path, str) else path


@cache
def _split(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()


def _items(each: str, struct: Struct) -> Iterator[Struct]:
    """The structs that a rule is for, each copied together with the way to it."""
    first, _, rest = each.partition(".")
    if not first:
        yield struct
        return
    name = first.removesuffix("[]")
    held = struct.get(name)
    if first.endswith("[]") and isinstance(held, list):
        struct[name] = copies = [dict(item) if isinstance(item, dict) else item for item in held]
        for item in copies:
            if isinstance(item, dict):
                yield from _items(rest, item)
    elif not first.endswith("[]") and isinstance(held, dict):
        struct[name] = copy = dict(held)
        yield from _items(rest, copy)


def _get(struct: Struct, path: Path) -> Any:
    value: Any = struct
    for field in _fields(path):
        value = value.get(field) if isinstance(value, dict) else None
    return value


def is_missing(value: Any) -> bool:
    """Whether a field holds nothing that counts: not a zero that could be meant, which only pointers keep."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def _all_hold(conditions: dict[str, Any], item: Struct, root: Struct) -> bool:
    return all(_holds(condition, path, item, root) for path, condition in conditions.items())


def _holds(condition: Any, path: str, item: Struct, root: Struct) -> bool:
    value = _get(root, path[1:]) if path.startswith("/") else _get(item, path)
    if value in ("", []):
        value = None
    if isinstance(condition, list):
        return value in condition
    if "not" in condition:
        return value not in condition["not"]
    if "only" in condition:
        return all(field in condition["only"] or held is None for field, held in item.items())
    return _tag(value) in condition["tag"]


def _tag(image: Any) -> str:
    """The tag as the API server sees it: `latest` where there is neither tag nor digest, none for what is no image."""
    reference = parse_image_reference(image) if isinstance(image, str) else None
    if reference is None or not reference.valid:
        return ""
    return str(reference.tag) or ("" if reference.digest else "latest")


def _act(rule: Rule, item: Struct) -> None:
    path = _fields(rule.get("set") or rule.get("merge") or rule["drop"])
    value = rule.get("to")
    if "from" in rule:
        value = _get(item, rule["from"])
        if "as" in rule and value is not None:
            value = _AS[rule["as"]](value)
        if is_missing(value):
            return
    holder = _holder(item, path[:-1], create="drop" not in rule)
    if holder is None:
        return
    name = path[-1]
    if "drop" in rule:
        holder.pop(name, None)
    elif "merge" in rule:
        held = holder.get(name) or {}
        if isinstance(held, dict) and isinstance(value, dict):
            holder[name] = held | value if rule.get("overwrite") else value | held
    elif rule.get("overwrite") or is_missing(holder.get(name)) or (holder[name] == 0 and "from" in rule):
        holder[name] = value


def _holder(struct: Struct, fields: Sequence[str], create: bool) -> Struct | None:
    """The struct that a path leads to, copied on the way; None where there is something else."""
    for field in fields:
        held = struct.get(field)
        if held is None and not create:
            return None
        if held is not None and not isinstance(held, dict):
            return None
        struct[field] = struct = dict(held or {})
    return struct


def _encoded(entries: Any) -> Any:
    if not isinstance(entries, dict):
        return {}
    return {key: b64encode(value.encode()).decode() for key, value in entries.items() if isinstance(value, str)}


def _storage_versions(versions: Any) -> list[Any]:
    listed = versions if isinstance(versions, list) else []
    return [version.get("name") for version in listed if isinstance(version, dict) and version.get("storage")][:1]


_AS: dict[str, Callable[[Any], Any]] = {
    "lower": lambda value: str(value).lower(),
    "list kind": lambda value: f"{value}List",
    "base64": _encoded,
    "storage versions": _storage_versions,
}
