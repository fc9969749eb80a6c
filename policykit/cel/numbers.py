"""Numbers to text and back as Go's strconv does it."""

from __future__ import annotations

import math
import re

_FLOAT = re.compile(
    r"[+-]?(?:inf|infinity|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?"
    r"|0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)p[+-]?[0-9]+)",
    re.IGNORECASE | re.ASCII,
)


def special(value: float) -> str:
    """`NaN`, `+Inf` or `-Inf`; empty for any other number."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return ""


def _digits(value: float) -> tuple[str, str, int]:
    """Sign, the shortest digits that read back as the same number, and the power of ten of the first."""
    mantissa, _, exponent = f"{value!r}".lower().partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + len(whole) - 1
    if not whole.strip("0"):
        power -= len(whole + fraction) - len(digits) - len(whole) + 1
    return sign, digits.rstrip("0") or "0", power if digits else 0


def shortest(value: float) -> str:
    """Go's `%g` and `%v`: an exponent below 1e-4 and from 1e6."""
    if text := special(value):
        return text
    sign, digits, power = _digits(value)
    if -4 <= power < 6:
        return fixed(value)
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def fixed(value: float) -> str:
    """Go's `FormatFloat(value, 'f', -1, 64)`: no exponent, as many digits as it takes."""
    if text := special(value):
        return text
    sign, digits, power = _digits(value)
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    whole = digits[: power + 1].ljust(power + 1, "0")
    rest = digits[power + 1 :]
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"


def parse_float(text: str) -> float:
    """Go's `ParseFloat`; raises ValueError, for numbers too large as well."""
    if not _FLOAT.fullmatch(text):
        raise ValueError("invalid syntax")
    value = float.fromhex(text) if "x" in text.lower() else float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise ValueError("value out of range")
    return value


_INTEGER = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)


def parse_int(text: str) -> int:
    """Go's `ParseInt(text, 10, 64)` without its range; raises ValueError."""
    if not _INTEGER.fullmatch(text):
        raise ValueError("invalid syntax")
    return int(text)
