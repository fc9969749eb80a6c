"""A scalar's text into its plain value, as Kubernetes and as Compose read it: both tables in one place.

Kubernetes reads YAML 1.1 as sigs.k8s.io/yaml does, then turns it into JSON: `on` is true, `0777` is 511, `1e3` is
the integer 1000, dates stay text. Compose reads YAML 1.2 with the octal numbers and digit groups of 1.1: `on` is
text, `1e3` a float. Neither knows sexagesimal numbers, so `22:22` is text to both.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from policykit.document import Target

Scalar = str | int | float | bool | None

_NULLS: dict[str, Scalar] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_BOOLS: dict[str, Scalar] = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_BOOLS_1_1: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_FLOATS: dict[str, Scalar] = {
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_FIRST_OF_NUMBER = frozenset("+-.0123456789")

_INT64_MIN, _INT64_MAX, _UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1


@dataclass(frozen=True, slots=True)
class Rules:
    """How one format reads YAML.

    `words`: the texts with a meaning of their own. `number` normalises a number, `key` makes a mapping's key of a
    scalar; both raise ValueError where the format has no such value. `last_merge_wins`: does a merge key override
    the keys written before it? `kept_tags`: the local tags that reach the reader of the tree. `most_aliased`: how many
    nodes all aliases of one document may stand for.
    """

    target: Target
    words: dict[str, Scalar]
    number: Callable[[int | float], Scalar]
    key: Callable[[Scalar], str]
    last_merge_wins: bool = False
    kept_tags: frozenset[str] = frozenset()
    most_aliased: int = 1_000_000

    def plain(self, text: str) -> Scalar:
        """The value of a plain (unquoted) scalar; ValueError where the format cannot hold it."""
        if text in self.words:
            value = self.words[text]
            return self.number(value) if isinstance(value, float) else value
        if text[0] not in _FIRST_OF_NUMBER:
            return text
        number = _number(text)
        return text if number is None else self.number(number)

    def tagged(self, tag: str, text: str) -> Scalar:
        """The value of a scalar with an explicit tag; unknown tags are dropped, as both programs do."""
        name = tag.removeprefix("tag:yaml.org,2002:")
        if name == tag or name not in _WANTED:
            return text
        if name == "binary":
            return _binary(text)
        value = self.plain(text)
        if name == "float" and type(value) is int:
            return value
        if not isinstance(value, _WANTED[name]) or (name == "int" and isinstance(value, bool)):
            raise ValueError(f"`{text}` is not a value of type !!{name}")
        return value


_WANTED: dict[str, type | tuple[type, ...]] = {
    "null": type(None),
    "bool": bool,
    "int": int,
    "float": float,
    "binary": str,
}


def _number(text: str) -> int | float | None:
    """The number that `text` reads as: digit groups, octal with or without `o`; None where it is none."""
    digits = text.replace("_", "") if text[0] != "." else text
    if match := _INTEGER.match(digits):
        sign, hexadecimal, binary, octal, decimal = match.groups()
        value = _magnitude(hexadecimal, binary, octal, decimal)
        if value is not None:
            value = -value if sign == "-" else value
            if _INT64_MIN <= value <= (_INT64_MAX if sign else _UINT64_MAX):
                return value
    if _FLOAT.match(digits):
        number = float(digits)
        return None if math.isinf(number) else number
    return None


def _magnitude(hexadecimal: str | None, binary: str | None, octal: str | None, decimal: str | None) -> int | None:
    for digits, base in ((hexadecimal, 16), (binary, 2), (octal, 8), (decimal, 10)):
        if digits is not None:
            # No integer type of either program holds more; a longer text is a float (or text).
            return int(digits, base) if len(digits) <= 64 else None
    return None


def _binary(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ValueError("!!binary value is not the base64 form of a text") from None


def _json_number(number: int | float) -> Scalar:
    """What is left of a number after a turn through JSON: to the API server an integral float is an integer."""
    if isinstance(number, float):
        if not math.isfinite(number):
            raise ValueError("infinity and NaN cannot be written as JSON, which Kubernetes turns a manifest into")
        if not number.is_integer() or abs(number) >= 1e21:  # from there on, JSON has an exponent
            return number
        whole = int(number) if abs(number) < 1e16 else _shortest(number)
    else:
        whole = number
    return whole if _INT64_MIN <= whole <= _INT64_MAX else float(number)


def _shortest(number: float) -> int:
    """The shortest digits that read as the number, and zeros: how Go writes a large float into JSON."""
    from decimal import Decimal

    return int(Decimal(repr(number)))


def _kubernetes_key(value: Scalar) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise ValueError("null cannot be a key")
    return str(value) if isinstance(value, int) else _short_float(value)


def _short_float(value: float) -> str:
    """The shortest text that reads as the same 32-bit float: how Kubernetes spells a key such as `1.5`."""
    try:
        single = struct.pack("f", value)
    except OverflowError:
        return repr(value)
    texts = (f"{value:.{digits}g}" for digits in range(6, 10))
    return next((text for text in texts if struct.pack("f", float(text)) == single), repr(value))


def _compose_key(value: Scalar) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"a key must be a string, put it in quotes: {'null' if value is None else str(value).lower()}")


KUBERNETES = Rules(
    target="kubernetes",
    words={**_NULLS, **_BOOLS, **_BOOLS_1_1, **_FLOATS},
    number=_json_number,
    key=_kubernetes_key,
    last_merge_wins=True,
)
COMPOSE = Rules(
    target="compose",
    words={**_NULLS, **_BOOLS, **_FLOATS},
    number=lambda number: number,
    key=_compose_key,
    kept_tags=frozenset(("!reset", "!override")),
    most_aliased=50_000,
)
