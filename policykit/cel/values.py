"""The values of CEL that Python has no type for: unsigned integers, times, optionals, types.

The other values are Python's own: bool, int (64 bits), float, str, bytes, None, list, dict, and
`policykit.unknown.Unknown`. All values are immutable by agreement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1


class UInt(int):
    """An unsigned integer of 64 bits. A type of its own: `1u + 1` is an error, `1u == 1` is true."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"UInt({int(self)})"


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A moment, in nanoseconds since 1970-01-01T00:00:00Z; from year 1 to year 9999.

    `offset` is the zone it was written in, in seconds east of UTC: `string()` writes it so, nothing else minds.
    """

    nanoseconds: int
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time in nanoseconds; 64 bits, about 292 years either way."""

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class TypeValue:
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


class MixedMap(dict[Any, Any]):
    """A map whose keys Python would confuse: `{1: a, 1u: b, true: c}` has three entries.

    Stored under type and key; reads as a dict of the keys. Only literals make one.
    """

    __slots__ = ()

    def add(self, key: Any, value: Any) -> None:
        """Set an entry."""
        super().__setitem__((type(key), key), (key, value))

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key; numbers match across types."""
        kinds = (type(key), *(k for k in (int, UInt, float) if type(key) in {int, UInt, float}))
        for kind in kinds:
            found = super().get((kind, key))
            if found is not None:
                return found[1]
        return default

    def discard(self, key: Any) -> None:
        """Remove an entry if it is there."""
        super().pop((type(key), key), None)

    def __getitem__(self, key: Any) -> Any:
        value = self.get(key, _ABSENT)
        if value is _ABSENT:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return self.get(key, _ABSENT) is not _ABSENT

    def __iter__(self) -> Any:
        return (key for key, _ in super().values())

    def items(self) -> Any:
        """Keys and values."""
        return list(super().values())

    def values(self) -> Any:
        """Values only."""
        return [value for _, value in super().values()]


_ABSENT: Final = object()

#: Python type -> CEL's name of the type of its values. A class of a library says it in `cel_type`.
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
