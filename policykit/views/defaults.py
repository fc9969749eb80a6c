"""A Kubernetes object as written -> the object as validating admission sees it.

The API server decodes an object into the type of its kind, fills in defaults, and encodes it again: unknown fields and
empty optional ones go, required ones come, quantities take their canonical form. What mutating admission or storage
add is not here. The types, defaults and rules are data: `policykit/kubernetes_data/README.md`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.views import default_rules
from policykit.views.quantities import canonical

if TYPE_CHECKING:
    from policykit.views.default_rules import Rule, Struct

_DATA = Path(__file__).parents[1] / "kubernetes_data"

_ZEROS: dict[str, Any] = {
    "string": "",
    "bytes": None,
    "int": 0,
    "number": 0,
    "bool": False,
    "quantity": "0",
    "milli": "0",
}


def with_defaults(obj: Struct) -> Struct:
    """The object as admission sees it; the same object where its kind is not built in, or served no more.

    `obj` is left as it is; parts of it may be shared with the result.
    """
    group_version, kind = obj.get("apiVersion"), obj.get("kind")
    if not isinstance(group_version, str) or not isinstance(kind, str):
        return obj
    types = _types()
    name = types.kinds.get(group_version, {}).get(kind)
    if name is None:
        return obj
    struct = dict(obj)
    for rule in types.kind_rules(group_version, kind):
        default_rules.apply(rule, struct)
    try:
        return types.encode_struct(name, struct)
    except RecursionError:  # a schema within schemas, deeper than the API server reads one
        return obj


class _Field(NamedTuple):
    """A field of a struct, out of the notation of types.json. `plain`: its value is written as it is."""

    omit_empty: bool
    pointer: bool
    plain: bool
    type: str


class _Struct(NamedTuple):
    fields: dict[str, _Field]
    #: The fields that are written even if they are not there.
    required: tuple[str, ...]
    defaults: dict[str, Any]
    rules: list[Rule]


class _Types:
    """The data files, read when they are first needed; each struct is prepared when it is first met."""

    def __init__(self, data: dict[str, Any], rules: dict[str, list[Rule]]) -> None:
        self.kinds: dict[str, dict[str, str]] = data["kinds"]
        self._types = data["types"]
        self._exceptions = data["exceptions"]
        self._rules = rules
        self._structs: dict[str, _Struct] = {}
        self._kind_rules: dict[tuple[str, str], list[Rule]] = {}

    def kind_rules(self, group_version: str, kind: str) -> list[Rule]:
        """What holds for one kind only: its rules, then the defaults that no rule is about."""
        key = (group_version, kind)
        if key not in self._kind_rules:
            rules = self._rules.get(f"{group_version} {kind}", [])
            ruled = {json.dumps(rule.get("set")) for rule in rules}
            exceptions = self._exceptions.get(group_version, {}).get(kind, {})
            self._kind_rules[key] = rules + [
                self._exception(self.kinds[group_version][kind], path, value)
                for path, value in exceptions.items()
                if json.dumps(path) not in ruled
            ]
        return self._kind_rules[key]

    def _exception(self, name: str, path: str, value: Any) -> Rule:
        """A default of one kind, as a rule: for every struct that is there, as one that cannot be absent always is."""
        *holders, _ = path.split(".")
        for field in holders:
            name = self._types[name]["fields"][field.removesuffix("[]")]
            if name not in self._types:
                holder, _, last = path.rpartition(".")
                return {"each": holder, "set": last, "to": value}
        return {"set": path, "to": value}

    def _struct(self, name: str) -> _Struct:
        if name not in self._structs:
            described = self._types[name]
            rules = self._rules.get(name, [])
            ruled = {rule.get("set") for rule in rules if isinstance(rule.get("set"), str)}
            fields = {field: _field(notation) for field, notation in described["fields"].items()}
            defaults = described.get("defaults", {})
            self._structs[name] = _Struct(
                fields,
                tuple(field for field, one in fields.items() if not one.omit_empty),
                {field: value for field, value in defaults.items() if field not in ruled},
                rules,
            )
        return self._structs[name]

    def encode_struct(self, name: str, value: Struct) -> Struct:
        """A struct with its defaults."""
        described = self._struct(name)
        struct = value
        if described.rules:
            struct = dict(value)
            for rule in described.rules:
                default_rules.apply(rule, struct)
        encoded: Struct = {}
        for field in (*struct, *described.required, *described.defaults):
            notation = described.fields.get(field)
            if notation is not None and field not in encoded:
                self._encode_field(encoded, field, notation, struct.get(field), described.defaults.get(field))
        return encoded

    def _encode_field(self, encoded: Struct, name: str, field: _Field, value: Any, default: Any) -> None:
        if default is not None and (value is None or (not field.pointer and value in _EMPTY)):
            value = default
        if value is None:
            if field.omit_empty:
                return
            value = None if field.pointer else self._zero(field.type)
        elif not field.plain:
            value = self._encode(field.type, value)
        if not (field.omit_empty and not field.pointer and value in _EMPTY):
            encoded[name] = value

    def _zero(self, notation: str) -> Any:
        """What is written for a field that has no value."""
        if notation.startswith(("[]", "{}")):
            return None
        if notation.startswith("any("):
            return json.loads(notation[4:-1])
        if notation in _ZEROS:
            return _ZEROS[notation]
        return self.encode_struct(notation, {})

    def _encode(self, notation: str, value: Any) -> Any:
        if notation in self._types:
            return self.encode_struct(notation, value) if isinstance(value, dict) else value
        if notation.startswith("[]"):
            return [self._encode(notation[2:], item) for item in value] if isinstance(value, list) else value
        if notation.startswith("{}"):
            if not isinstance(value, dict):
                return value
            return {key: self._encode(notation[2:], item) for key, item in value.items()}
        if notation.startswith("*"):
            return self._encode(notation[1:], value)
        return value if _is_plain(notation) else canonical(value, round_up=notation == "milli")


#: What counts as empty. `0 == False`, so that both are there.
_EMPTY: tuple[Any, ...] = ("", 0, [], {})


def _field(notation: str) -> _Field:
    omit_empty = notation.startswith("~")
    notation = notation.removeprefix("~")
    name = notation.removeprefix("*")
    return _Field(omit_empty, notation != name, _is_plain(name), name)


def _is_plain(notation: str) -> bool:
    return notation.startswith("any(") or (notation in _ZEROS and notation not in {"quantity", "milli"})


@cache
def _types() -> _Types:
    data, rules = (json.loads((_DATA / name).read_text(encoding="utf-8")) for name in ("types.json", "rules.json"))
    return _Types(data, rules)
