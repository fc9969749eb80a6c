"""The values of CEL that Python has no type for: unsigned integers, times, optionals, types.

The other values are Python's own: bool, int (64 bits), float, str, bytes, None, list, dict, and
`policykit.unknown.Unknown`. All values are immutable by agreement.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1


class UInt(int):
    """An unsigned integer of 64 bits. A type of its own: `1u + 1` is an error, `1u == 1` is true."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"UInt({int(self)})"


class Timestamp(NamedTuple):
    """A moment, in nanoseconds since 1970-01-01T00:00:00Z; from year 1 to year 9999."""

    nanoseconds: int


class Duration(NamedTuple):
    """A span of time in nanoseconds; 64 bits, about 292 years either way."""

    nanoseconds: int


class TypeValue(NamedTuple):
    """A type as a value: what `type(x)` gives and `int` names."""

    name: str


class Optional:
    """A value that may be absent: `optional.of(value)`; the one without a value is `NONE`."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "optional.none()" if self is NONE else f"optional.of({self.value!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Optional) or (self is NONE) != (other is NONE):
            return False
        return self is NONE or bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]  # what it holds may not be hashable


NONE: Final = Optional(None)

#: Python type -> CEL's name of the type of its values. Libraries add theirs with `register`.
_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    dict: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    TypeValue: "type",
    Optional: "optional_type",
}


def type_name(value: Any) -> str:
    """CEL's name of the type of a value."""
    name = _NAMES.get(type(value))
    if name is not None:
        return name
    if isinstance(value, dict):
        return "map"
    own = getattr(type(value), "cel_type", None)
    return own if isinstance(own, str) else type(value).__name__
