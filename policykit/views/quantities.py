"""A quantity as written (`1000m`, 0.5, `1024Mi`) -> its canonical text (`1`, `500m`, `1Gi`).

As `Quantity.String` of k8s.io/apimachinery: the largest suffix that leaves a whole number.
"""

from __future__ import annotations

import re
from typing import Any

from policykit.cel.errors import EvaluationError
from policykit.cel.library.quantity import quantity

_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_MILLI = -3


def canonical(value: Any, round_up: bool = False) -> Any:
    """The canonical text of a quantity, rounded up to thousandths if `round_up`; what is none stays what it is."""
    text = repr(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        return value
    try:
        parsed = quantity(text)
    except EvaluationError:
        return value
    number, exponent = parsed.number, parsed.exponent
    if round_up and exponent < _MILLI:
        step = 10 ** (_MILLI - exponent)
        number, exponent = (-(-abs(number) // step)) * (1 if number > 0 else -1), _MILLI
    return _text(number, exponent, text)


def _text(number: int, exponent: int, written: str) -> str:
    if not number:
        return "0"
    while not number % 10:
        number, exponent = number // 10, exponent + 1
    if written.endswith("i") and 0 <= exponent < 40 and abs(number) * 10**exponent >= 1024:
        return _binary(number * 10**exponent)
    shift = exponent % 3
    number, exponent = number * 10**shift, exponent - shift
    if re.search(r"[eE][+-]?[0-9]+$", written):
        return f"{number}e{exponent}" if exponent else str(number)
    return f"{number}{_DECIMAL.get(exponent, '')}"


def _binary(number: int) -> str:
    power = 0
    while not number % 1024 and power < len(_BINARY) - 1:
        number, power = number // 1024, power + 1
    return f"{number}{_BINARY[power]}"
