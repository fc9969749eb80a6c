"""Quantities such as `500m`: `quantity`, `isQuantity`, `add` and their like (apiserver `library/quantity.go`, 1.28).

Arithmetic is exact. As in k8s.io/apimachinery, a quantity is kept as a number of 64 bits and a power of ten while that
fits, as a decimal of any size otherwise; only the former can be an integer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from policykit.cel.errors import COST_EXCEEDED, BudgetError, EvaluationError
from policykit.cel.library import function, member
from policykit.cel.types import BOOL, DOUBLE, INT, STRING, OpaqueType
from policykit.cel.values import INT_MAX, INT_MIN

QUANTITY = OpaqueType("kubernetes.Quantity")
SINCE = (1, 28)

_WRONG_FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_WRONG_NUMBER = "unable to parse numeric part of quantity"
_WRONG_SUFFIX = "unable to parse quantity's suffix"
_FORM = re.compile(r"([+-]?)0*(([0-9]*)(?:\.([0-9]*))?)([eEinumkKMGTP]*[-+]?[0-9]*)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}

#: The smallest step, 1n.
_NANO = -9
#: Above this many digits the API server spends a long time; here it is an error.
_MAX_DIGITS = 4_000


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """`number * 10 ** exponent`.

    `small`: it is kept in 64 bits. `computed`: it is the result of `add` or `sub`.
    """

    cel_type: ClassVar[str] = "kubernetes.Quantity"
    number: int
    exponent: int
    small: bool = True
    computed: bool = False

    def __eq__(self, other: object) -> bool:
        """CEL's `==`. The API server has no answer where the result of a computation stands on the right."""
        if isinstance(other, Quantity) and other.computed:
            raise EvaluationError("no such overload")
        return isinstance(other, Quantity) and compare_to(self, other) == 0

    def __hash__(self) -> int:
        number, exponent = self.number, self.exponent
        while number and not number % 10:
            number, exponent = number // 10, exponent + 1
        return hash((number, exponent if number else 0))

    def __str__(self) -> str:
        """The plain decimal number."""
        if self.exponent >= 0:
            return str(self.number * _power(self.exponent))
        digits = str(abs(self.number)).rjust(1 - self.exponent, "0")
        return f"{'-' if self.number < 0 else ''}{digits[: self.exponent]}.{digits[self.exponent :]}"


def _power(exponent: int) -> int:
    if exponent > _MAX_DIGITS:
        raise BudgetError(COST_EXCEEDED)
    return int(10**exponent)


def _fits(number: int) -> bool:
    return INT_MIN <= number <= INT_MAX


def _wrap(number: int, bits: int) -> int:
    """The number as Go keeps it in a signed integer."""
    half = 1 << (bits - 1)
    return (number + half) % (1 << bits) - half


def quantity(text: str) -> Quantity:
    """The quantity of a text."""
    form = _FORM.fullmatch(text) if text else None
    if form is None:
        raise EvaluationError(_WRONG_FORM)
    sign, _, whole, fraction, suffix = form.groups(default="")
    exponent, binary = _suffix(suffix)
    if len(whole) + len(fraction) > _MAX_DIGITS:
        raise BudgetError(COST_EXCEEDED)
    digits = (whole or "0") + fraction
    small = _small(int(digits), len(whole or "0"), len(fraction), exponent, binary)
    if small is None:
        if not any(char.isdigit() for char in text[: form.start(5)]):
            raise EvaluationError(_WRONG_NUMBER)
        small = _large(int(digits), len(fraction), exponent, binary)
    return Quantity(-small.number if sign == "-" else small.number, small.exponent, small.small)


def _suffix(suffix: str) -> tuple[int, bool]:
    """The exponent, and whether it is one of two."""
    if suffix in _DECIMAL:
        return _DECIMAL[suffix], False
    if suffix in _BINARY:
        return _BINARY[suffix], True
    exponent = re.fullmatch(r"[eE]([+-]?[0-9]+)", suffix)
    if exponent is None or len(exponent[1]) > 25 or not _fits(int(exponent[1])):
        raise EvaluationError(_WRONG_SUFFIX)
    return _wrap(int(exponent[1]), 32), False


def _small(number: int, whole: int, fraction: int, exponent: int, binary: bool) -> Quantity | None:
    """A quantity of 64 bits, None where the digits are too many or too small to be sure of that."""
    if not binary:
        scale = _wrap(exponent - fraction, 32)
        return Quantity(number, scale) if whole + fraction <= 18 and scale >= _NANO else None
    if fraction or 15 - whole - exponent * 3 // 10 - 1 < 0:
        return None
    return Quantity(number << exponent, 0) if _fits(number << exponent) else None


def _large(number: int, fraction: int, exponent: int, binary: bool) -> Quantity:
    """A decimal, rounded away from zero to whole nanos; with a binary suffix no more than 64 bits hold."""
    scale = -fraction if binary else exponent - fraction
    if binary:
        number <<= exponent
    if number:
        if scale >= _NANO:
            number *= _power(scale - _NANO)
        elif _NANO - scale > _MAX_DIGITS + 1:
            number = 1
        else:
            number = -(-number // _power(_NANO - scale))
        scale = _NANO
    if binary and number > INT_MAX * 10**9:
        number, scale = INT_MAX, 0
    return Quantity(number, scale, small=False)


def is_quantity(text: str) -> bool:
    """Whether `quantity` accepts a text."""
    try:
        quantity(text)
    except BudgetError:
        raise
    except EvaluationError:
        return False
    return True


def sign(value: Quantity) -> int:
    """-1, 0 or 1."""
    return (value.number > 0) - (value.number < 0)


def _aligned(value: Quantity, other: Quantity) -> tuple[int, int, int]:
    """Both numbers over the smaller exponent, and that."""
    low = min(value.exponent, other.exponent)
    return value.number * _power(value.exponent - low), other.number * _power(other.exponent - low), low


def compare_to(value: Quantity, other: Quantity) -> int:
    """-1, 0 or 1."""
    if sign(value) != sign(other) or not value.number:
        return (sign(value) > sign(other)) - (sign(value) < sign(other))
    first, second, _ = _aligned(value, other)
    return (first > second) - (first < second)


def is_greater_than(value: Quantity, other: Quantity) -> bool:
    """Whether the first is more."""
    return compare_to(value, other) > 0


def is_less_than(value: Quantity, other: Quantity) -> bool:
    """Whether the first is less."""
    return compare_to(value, other) < 0


def as_approximate_float(value: Quantity) -> float:
    """The nearest double of the number times that of the power of ten."""
    try:
        base = float(value.number)
    except OverflowError:
        base = float("inf") if value.number > 0 else float("-inf")
    if value.exponent == 0:
        return base
    power = float(f"1e{value.exponent}") if value.exponent > -324 else 0.0
    return base * power


def is_integer(value: Quantity) -> bool:
    """Whether `as_integer` has a value: no fraction was written, and it fits in 64 bits."""
    return _integer(value) is not None


def as_integer(value: Quantity) -> int:
    """The value, if it is an integer of 64 bits."""
    number = _integer(value)
    if number is None:
        raise EvaluationError("cannot convert value to integer")
    return number


def _integer(value: Quantity) -> int | None:
    if not value.small or value.exponent < 0:
        return None
    if not value.number:
        return 0
    number = value.number * 10**value.exponent if value.exponent < 20 else INT_MAX + 1
    return number if _fits(number) else None


def add(value: Quantity, other: Quantity) -> Quantity:
    """The exact sum."""
    return _add_small(value, other) or _add_large(value, other)


def _add_large(value: Quantity, other: Quantity) -> Quantity:
    first, second, exponent = _aligned(value, other)
    return Quantity(first + second, exponent, small=False, computed=True)


def _add_small(value: Quantity, other: Quantity) -> Quantity | None:
    """The sum in 64 bits, None where it is not to be had."""
    if not (value.small and other.small):
        return None
    if not other.number:
        return Quantity(value.number, value.exponent, computed=True)
    if not value.number:
        return Quantity(other.number, other.exponent, computed=True)
    higher = max(value, other, key=lambda one: one.exponent)
    low = min(value.exponent, other.exponent)
    if higher.exponent - low > 18 or not _fits(higher.number * 10 ** (higher.exponent - low)):
        return None
    first, second, _ = _aligned(value, other)
    return Quantity(first + second, low, computed=True) if _fits(first + second) else None


def add_integer(value: Quantity, other: int) -> Quantity:
    """The exact sum with an integer."""
    return add(value, Quantity(other, 0))


def sub(value: Quantity, other: Quantity) -> Quantity:
    """The exact difference."""
    # The most negative number has no opposite in 64 bits; Go keeps it as it is.
    opposite = Quantity(_wrap(-other.number, 64), other.exponent, other.small)
    return _add_small(value, opposite) or _add_large(value, Quantity(-other.number, other.exponent))


def sub_integer(value: Quantity, other: int) -> Quantity:
    """The exact difference from an integer."""
    return sub(value, Quantity(other, 0))


FUNCTIONS = (
    function("quantity", (STRING,), QUANTITY, quantity, since=SINCE),
    function("isQuantity", (STRING,), BOOL, is_quantity, since=SINCE),
    function("sign", (QUANTITY,), INT, sign, since=SINCE),
    member("isGreaterThan", (QUANTITY, QUANTITY), BOOL, is_greater_than, since=SINCE),
    member("isLessThan", (QUANTITY, QUANTITY), BOOL, is_less_than, since=SINCE),
    member("compareTo", (QUANTITY, QUANTITY), INT, compare_to, since=SINCE),
    member("asApproximateFloat", (QUANTITY,), DOUBLE, as_approximate_float, since=SINCE),
    member("asInteger", (QUANTITY,), INT, as_integer, since=SINCE),
    member("isInteger", (QUANTITY,), BOOL, is_integer, since=SINCE),
    member("add", (QUANTITY, QUANTITY), QUANTITY, add, since=SINCE),
    member("add", (QUANTITY, INT), QUANTITY, add_integer, since=SINCE),
    member("sub", (QUANTITY, QUANTITY), QUANTITY, sub, since=SINCE),
    member("sub", (QUANTITY, INT), QUANTITY, sub_integer, since=SINCE),
)
#: `kubernetes.Quantity` is not an identifier of the language.
TYPES: dict[str, object] = {}
CLASSES = {"kubernetes.Quantity": Quantity}
