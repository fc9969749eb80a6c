"""The structural schema of a CustomResourceDefinition into a JSON Schema that is strict about unknown fields.

Source: "Extend the Kubernetes API with CustomResourceDefinitions", section "Specifying a structural schema". Only what
is known there is taken over, and only where it is of the right type: a definition is hostile until proven otherwise,
and a reference in it must lead nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.unknown import Unknown
from policykit.views.objects import mapping, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.views.api_schemas import Schema

#: The largest definitions in use have some ten thousand parts.
_MOST_PARTS = 500_000

_NUMBER: tuple[type, ...] = (int, float)
_PLAIN: Mapping[str, tuple[type, ...]] = {
    "type": (str,),
    "format": (str,),
    "pattern": (str,),
    "enum": (list,),
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "multipleOf": _NUMBER,
    "minLength": (int,),
    "maxLength": (int,),
    "minItems": (int,),
    "maxItems": (int,),
    "minProperties": (int,),
    "maxProperties": (int,),
}
_TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean"})


def json_schema(structural: Mapping[str, Any], metadata: Schema) -> Schema | Unknown:
    """The schema of whole objects; `metadata` is that of their metadata. Unknown for one that is too large to use."""
    if not structural:
        return {}
    translation = _Translation()
    schema = translation.schema(structural)
    if translation.parts > _MOST_PARTS:
        return Unknown((f"the schema of its definition has more than {_MOST_PARTS:,} parts",))
    own = mapping(schema.get("properties"))
    schema["properties"] = {**own, "metadata": metadata, "apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    return schema


class _Translation:
    """One translation; `parts` counts the schemas in it, each as often as aliases repeat it."""

    def __init__(self) -> None:
        self.parts = 0

    def schema(self, given: Any, *, structural: bool = True) -> Schema:
        """`structural` is false below allOf, anyOf, oneOf and not: these say nothing about which fields there are."""
        self.parts += 1
        given = mapping(given)
        if self.parts > _MOST_PARTS:
            return {}
        found: Schema = {key: given[key] for key, types in _PLAIN.items() if _is(given.get(key), types)}
        self._bounds(given, found)
        self._types(given, found)
        for key in ("allOf", "anyOf", "oneOf"):
            if alternatives := sequence(given.get(key)):
                found[key] = [self.schema(item, structural=False) for item in alternatives]
        if isinstance(given.get("not"), dict):
            found["not"] = self.schema(given["not"], structural=False)
        if isinstance(given.get("items"), dict):
            found["items"] = self.schema(given["items"], structural=structural)
        if required := [key for key in sequence(given.get("required")) if isinstance(key, str)]:
            found["required"] = required
        self._fields(given, found, structural)
        return found

    def _types(self, given: Mapping[str, Any], found: Schema) -> None:
        if given.get("x-kubernetes-int-or-string") is True:
            found["type"] = ["integer", "string"]
        elif found.get("type") not in _TYPES:
            found.pop("type", None)
        if given.get("nullable") is True and "type" in found:
            kept = found["type"]
            found["type"] = [*(kept if isinstance(kept, list) else [kept]), "null"]
            if "enum" in found:
                found["enum"] = [*found["enum"], None]

    def _bounds(self, given: Mapping[str, Any], found: Schema) -> None:
        """OpenAPI 3.0 says with a truth value what JSON Schema says with a number."""
        for key, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if key in found and given.get(exclusive) is True:
                found[exclusive] = found.pop(key)

    def _fields(self, given: Mapping[str, Any], found: Schema, structural: bool) -> None:
        others = given.get("additionalProperties")
        properties = mapping(given.get("properties"))
        if properties:
            found["properties"] = {key: self.schema(item, structural=structural) for key, item in properties.items()}
        if given.get("x-kubernetes-embedded-resource") is True:
            named: Schema = {key: {} for key in ("apiVersion", "kind", "metadata")}
            found["properties"] = {**named, **mapping(found.get("properties"))}
        if isinstance(others, dict):
            found["additionalProperties"] = self.schema(others, structural=structural)
        elif structural and given.get("type") == "object" and not _is_open(given):
            found["additionalProperties"] = False


def _is_open(given: Mapping[str, Any]) -> bool:
    """Whether fields that are not named are kept."""
    return given.get("additionalProperties") is True or given.get("x-kubernetes-preserve-unknown-fields") is True


def _is(value: Any, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)
