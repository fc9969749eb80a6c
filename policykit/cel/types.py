"""The types of CEL, as values: what the checker infers and what environments and libraries declare."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Type:
    """A CEL type. `kind` tells families apart, `name` the types of one family, `parameters` are type arguments.

    Kinds: `dyn`, `error`, `null`, `primitive`, `list`, `map`, `type`, `opaque` (types a library brings),
    `param` (a type variable) and `object` (declared fields).
    """

    kind: str
    name: str
    parameters: tuple[Type, ...] = ()

    def __str__(self) -> str:
        """The type as error messages name it: `map(string, list(int))`."""
        shown = _SHOWN.get(self.name, self.name)
        if not self.parameters:
            return shown
        return f"{shown}({', '.join(map(str, self.parameters))})"


#: Names that messages shorten.
_SHOWN = {
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Duration": "duration",
    "null_type": "null",
}

BOOL = Type("primitive", "bool")
INT = Type("primitive", "int")
UINT = Type("primitive", "uint")
DOUBLE = Type("primitive", "double")
STRING = Type("primitive", "string")
BYTES = Type("primitive", "bytes")
TIMESTAMP = Type("time", "google.protobuf.Timestamp")
DURATION = Type("time", "google.protobuf.Duration")
NULL = Type("null", "null_type")
DYN = Type("dyn", "dyn")
ERROR = Type("error", "!error!")


def ListType(element: Type) -> Type:  # noqa: N802  a type constructor reads as a type
    """A list of one element type."""
    return Type("list", "list", (element,))


def MapType(key: Type, value: Type) -> Type:  # noqa: N802
    """A map of one key type and one value type."""
    return Type("map", "map", (key, value))


def OptionalType(value: Type) -> Type:  # noqa: N802
    """A value that may be absent."""
    return Type("opaque", "optional_type", (value,))


def TypeType(of: Type | None = None) -> Type:  # noqa: N802
    """The type of a type."""
    return Type("type", "type", () if of is None else (of,))


def OpaqueType(name: str) -> Type:  # noqa: N802
    """A type that only functions look into; a library brings it."""
    return Type("opaque", name)


def Param(name: str) -> Type:  # noqa: N802
    """A type variable in the declaration of an overload."""
    return Type("param", name)


@dataclass(frozen=True, slots=True)
class _Object(Type):
    fields: Mapping[str, Type] = field(default_factory=dict, compare=False)


def ObjectType(name: str, fields: Mapping[str, Type]) -> Type:  # noqa: N802
    """A type with declared fields; its values are plain dicts. Two object types of one name are the same type."""
    return _Object("object", name, (), dict(fields))


def fields_of(type_: Type) -> Mapping[str, Type]:
    """The declared fields of an object type, none of any other."""
    return type_.fields if isinstance(type_, _Object) else {}


def is_optional(type_: Type) -> bool:
    """Whether a type is `optional_type(...)`."""
    return type_.name == "optional_type" and type_.kind == "opaque"
