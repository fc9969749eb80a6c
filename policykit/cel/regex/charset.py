"""Sets of characters, as sorted ranges of code points, and the named sets that Go's regular expressions know."""

from __future__ import annotations

from bisect import bisect_right
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

#: Sorted, disjoint, not touching: ((first, last), ...).
Ranges = tuple[tuple[int, int], ...]

LAST = 0x10FFFF
ANY: Ranges = ((0, LAST),)
NOT_NEWLINE: Ranges = ((0, 9), (11, LAST))
ASCII: Ranges = ((0, 0x7F),)
_FIRST_FOLD, _LAST_FOLD = 0x41, 0x1E943


def _ascii(members: str) -> Ranges:
    """The set that a class such as `a-z_` names; a hyphen stands between the ends of a range."""
    ranges, at = [], 0
    while at < len(members):
        wide = members[at + 1 : at + 2] == "-" and at + 2 < len(members)
        ranges.append((ord(members[at]), ord(members[at + 2 if wide else at])))
        at += 3 if wide else 1
    return union(*((pair,) for pair in ranges))


def union(*sets: Ranges) -> Ranges:
    """What is in any of the sets; the parts need not be in order."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for part in sets for pair in part):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Every code point that is not in the set."""
    gaps, start = [], 0
    for low, high in ranges:
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        gaps.append((start, LAST))
    return tuple(gaps)


def overlap(first: Ranges, second: Ranges) -> bool:
    """Whether any character is in both."""
    i = j = 0
    while i < len(first) and j < len(second):
        if first[i][1] < second[j][0]:
            i += 1
        elif second[j][1] < first[i][0]:
            j += 1
        else:
            return True
    return False


@lru_cache(maxsize=256)
def fold(ranges: Ranges) -> Ranges:
    """The set with every character that differs from one of its own in case only (Unicode's simple folding)."""
    if len(ranges) == 1 and ranges[0][0] <= _FIRST_FOLD and ranges[0][1] >= _LAST_FOLD:
        return ranges
    low, high = (ranges[0][0], ranges[-1][1]) if ranges else (LAST, 0)
    if high < _FIRST_FOLD or low > _LAST_FOLD:
        return ranges
    orbits = _ASCII_FOLDS if high < 0x80 else _folds()
    touched = [orbit for orbit in orbits if any(has(ranges, member) for member in orbit)]
    return union(ranges, *(((member, member),) for orbit in touched for member in orbit))


def has(ranges: Ranges, point: int) -> bool:
    """Whether a code point is in the set."""
    at = bisect_right(ranges, (point, LAST)) - 1
    return at >= 0 and point <= ranges[at][1]


def _sum_up(deltas: list[int]) -> Ranges:
    numbers = list(accumulate(deltas))
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


@lru_cache(maxsize=64)
def unicode_class(name: str) -> Ranges | None:
    """The set that `\\p{name}` names, None where Go knows no such name.

    Names are those of general categories, their long names and scripts; case, spaces, hyphens and underscores do
    not count.
    """
    plain = "".join(chr(ord(c) | 0x20) if "A" <= c <= "Z" else c for c in name if c not in " -_")
    special = {"any": ANY, "ascii": ASCII}.get(plain)
    if special is not None:
        return special
    data = _data()
    if plain == "assigned":
        return complement(_sum_up(data["classes"]["cn"]))
    deltas = data["classes"].get(plain) or data["classes"].get(data["aliases"].get(plain))
    return None if deltas is None else _sum_up(deltas)


@cache
def _data() -> dict[str, Any]:
    """The tables of Go's package unicode; tools/unicode-classes writes them and says how to read them."""
    import json

    text = Path(__file__).with_name("unicode.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


@cache
def _folds() -> tuple[tuple[int, ...], ...]:
    numbers = iter(_data()["folds"])
    orbits, last = [], 0
    for size in numbers:
        members = []
        for _ in range(size):
            last += next(numbers)
            members.append(last)
        orbits.append(tuple(members))
    return tuple(orbits)


#: Enough for sets of ASCII characters: the other members are the Kelvin sign and the long s.
_ASCII_FOLDS = tuple(
    (upper, upper + 32, *{"K": (0x212A,), "S": (0x17F,)}.get(chr(upper), ())) for upper in range(0x41, 0x5B)
)

DIGIT, SPACE, WORD = _ascii("0-9"), _ascii("\t\n\f\r "), _ascii("0-9A-Z_a-z")

#: `[[:alpha:]]` and its like.
POSIX: dict[str, Ranges] = {
    "alnum": _ascii("0-9A-Za-z"),
    "alpha": _ascii("A-Za-z"),
    "ascii": ASCII,
    "blank": _ascii("\t "),
    "cntrl": ((0, 31), (127, 127)),
    "digit": DIGIT,
    "graph": _ascii("!-~"),
    "lower": _ascii("a-z"),
    "print": _ascii(" -~"),
    "punct": union(_ascii("!-/"), _ascii(":-@"), _ascii("[-`"), _ascii("{-~")),
    "space": _ascii("\t-\r "),
    "upper": _ascii("A-Z"),
    "word": WORD,
    "xdigit": _ascii("0-9A-Fa-f"),
}
