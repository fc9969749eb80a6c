"""Semantic versions: `semver`, `isSemver`, `major` and their like (k8s.io/apiserver `library/semverlib.go`, 1.33).

Precedence: https://semver.org, version 2.0.0, section 11. Errors are those of github.com/blang/semver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policykit.cel.errors import EvaluationError
from policykit.cel.library import function, member
from policykit.cel.quoting import quote
from policykit.cel.types import BOOL, INT, STRING, OpaqueType
from policykit.cel.values import INT_MAX, UINT_MAX

SEMVER = OpaqueType("kubernetes.Semver")
SINCE = (1, 33)

_DIGITS = frozenset("0123456789")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") | _DIGITS

#: A piece of a pre-release that sorts as such: numbers before words.
_Piece = tuple[int, int, str]


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version; build metadata does not count when versions are compared."""

    cel_type: ClassVar[str] = "kubernetes.Semver"
    numbers: tuple[int, int, int]
    pre_release: tuple[_Piece, ...] = ()
    build: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[tuple[int, int, int], bool, tuple[_Piece, ...]]:
        """What sorts versions: a release comes after its pre-releases."""
        return self.numbers, not self.pre_release, self.pre_release

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.order == other.order

    def __hash__(self) -> int:
        return hash(self.order)

    def __str__(self) -> str:
        text = ".".join(map(str, self.numbers))
        if self.pre_release:
            text += "-" + ".".join(word or str(number) for _, number, word in self.pre_release)
        return text + ("+" + ".".join(self.build) if self.build else "")


def parse(text: str) -> Version:
    """The version of a text."""
    if not text:
        raise EvaluationError("Version string empty")
    parts = text.split(".", 2)
    if len(parts) < 3:
        raise EvaluationError("No Major.Minor.Patch elements found")
    major, minor = _number(parts[0], "major", "Major"), _number(parts[1], "minor", "Minor")
    rest, plus, build = parts[2].partition("+")
    patch, minus, pre_release = rest.partition("-")
    numbers = major, minor, _number(patch, "patch", "Patch")
    pieces = tuple(_piece(piece) for piece in pre_release.split(".")) if minus else ()
    return Version(numbers, pieces, tuple(_build(piece) for piece in build.split(".")) if plus else ())


def _number(text: str, what: str, title: str) -> int:
    if not _DIGITS.issuperset(text):
        raise EvaluationError(f"Invalid character(s) found in {what} number {quote(text)}")
    if len(text) > 1 and text[0] == "0":
        raise EvaluationError(f"{title} number must not contain leading zeroes {quote(text)}")
    return _unsigned(text)


def _unsigned(text: str) -> int:
    """The value of digits, as Go's strconv.ParseUint."""
    if not text:
        raise EvaluationError('strconv.ParseUint: parsing "": invalid syntax')
    if len(text) > 20 or int(text) > UINT_MAX:
        raise EvaluationError(f"strconv.ParseUint: parsing {quote(text)}: value out of range")
    return int(text)


def _piece(text: str) -> _Piece:
    if not text:
        raise EvaluationError("Prerelease is empty")
    if not _LETTERS.issuperset(text):
        raise EvaluationError(f"Invalid character(s) found in prerelease {quote(text)}")
    if not _DIGITS.issuperset(text):
        return 1, 0, text
    if len(text) > 1 and text[0] == "0":
        raise EvaluationError(f"Numeric PreRelease version must not contain leading zeroes {quote(text)}")
    return 0, _unsigned(text), ""


def _build(text: str) -> str:
    if not text:
        raise EvaluationError("Build meta data is empty")
    if not _LETTERS.issuperset(text):
        raise EvaluationError(f"Invalid character(s) found in build meta data {quote(text)}")
    return text


def normalized(text: str) -> str:
    """`v1.02` -> `1.2.0`: without a leading `v` and leading zeros, with all three numbers."""
    parts = [_without_zeros(part) for part in text.removeprefix("v").split(".", 2)]
    if len(parts) < 3 and ("+" in parts[-1] or "-" in parts[-1]):
        raise EvaluationError("short version cannot contain PreRelease/Build meta data")
    return ".".join([*parts, "0", "0"][: max(3, len(parts))])


def _without_zeros(part: str) -> str:
    if len(part.encode("utf-8", "replace")) < 2:
        return part
    part = part.lstrip("0")
    return part if part[:1] in _DIGITS else f"0{part}"


def semver(text: str) -> Version:
    """The version of a text."""
    return parse(text)


def semver_normalize(text: str, normalize: bool) -> Version:
    """The version of a text, a sloppy one if `normalize`."""
    return parse(normalized(text) if normalize else text)


def is_semver(text: str) -> bool:
    """Whether `semver` accepts a text."""
    return is_semver_normalize(text, False)


def is_semver_normalize(text: str, normalize: bool) -> bool:
    """Whether `semver_normalize` accepts a text."""
    try:
        semver_normalize(text, normalize)
    except EvaluationError:
        return False
    return True


def _signed(number: int) -> int:
    """An unsigned number of 64 bits as Go's conversion to int leaves it."""
    return number if number <= INT_MAX else number - UINT_MAX - 1


def major(version: Version) -> int:
    """The first number."""
    return _signed(version.numbers[0])


def minor(version: Version) -> int:
    """The second number."""
    return _signed(version.numbers[1])


def patch(version: Version) -> int:
    """The third number."""
    return _signed(version.numbers[2])


def compare_to(version: Version, other: Version) -> int:
    """-1, 0 or 1."""
    return (version.order > other.order) - (version.order < other.order)


def is_greater_than(version: Version, other: Version) -> bool:
    """Whether the first is later."""
    return version.order > other.order


def is_less_than(version: Version, other: Version) -> bool:
    """Whether the first is earlier."""
    return version.order < other.order


FUNCTIONS = (
    function("semver", (STRING,), SEMVER, semver, since=SINCE),
    function("semver", (STRING, BOOL), SEMVER, semver_normalize, since=SINCE),
    function("isSemver", (STRING,), BOOL, is_semver, since=SINCE),
    function("isSemver", (STRING, BOOL), BOOL, is_semver_normalize, since=SINCE),
    member("isGreaterThan", (SEMVER, SEMVER), BOOL, is_greater_than, since=SINCE),
    member("isLessThan", (SEMVER, SEMVER), BOOL, is_less_than, since=SINCE),
    member("compareTo", (SEMVER, SEMVER), INT, compare_to, since=SINCE),
    member("major", (SEMVER,), INT, major, since=SINCE),
    member("minor", (SEMVER,), INT, minor, since=SINCE),
    member("patch", (SEMVER,), INT, patch, since=SINCE),
)
#: `kubernetes.Semver` is not an identifier of the language.
TYPES: dict[str, object] = {}
CLASSES = {"kubernetes.Semver": Version}
