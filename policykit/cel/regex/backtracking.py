"""A tree of a regular expression -> the same for Python's `re`, and how long a text it may be let loose on.

Python's engine is the fastest at hand, but it backtracks: its time can grow with a power of the length, or
exponentially. `growth` bounds that from the tree, by looking one character ahead at each choice. A choice that the
next character decides costs nothing when it turns out wrong.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from policykit.cel.regex import charset
from policykit.cel.regex.tree import Alternate, Assertion, Chars, Concat, Node, Repeat

if TYPE_CHECKING:
    from policykit.cel.regex.charset import Ranges

#: Steps of Python's engine that take a few milliseconds.
STEPS = 500_000

#: A longer text is never given to it, whatever the expression; the other engine is as good there.
LONGEST_TEXT = 1_000_000


#: An expression with more ranges of characters takes Python's engine long to compile.
MAX_RANGES = 2_000


class UnsafeError(Exception):
    """The expression can backtrack without a useful bound."""


class Growth(NamedTuple):
    """At most `factor * length ** power` ways to try from one starting point."""

    factor: int
    power: int


def safe_length(node: Node) -> int:
    """The longest text that a search may be given, -1 where there is none."""
    if node.ranges_spelt > MAX_RANGES:
        return -1
    try:
        factor, power = growth(node, (), in_loop=False)
    except (UnsafeError, RecursionError):
        return -1
    starts = 0 if _starts_at_text(node) else 1
    length = LONGEST_TEXT
    while length and length**starts * factor * length**power * min(length, node.longest or length) > STEPS:
        length //= 2
    return length


def growth(node: Node, follow: Ranges, in_loop: bool) -> Growth:
    """How the number of ways to match `node` grows; `follow` is what can come after it.

    Inside of a loop, a choice that is open after one character could multiply with each turn: UnsafeError.
    """
    if isinstance(node, Concat):
        return _sequence(node, follow, in_loop)
    if isinstance(node, Alternate):
        return _choice(node, follow, in_loop)
    if isinstance(node, Repeat):
        return _loop(node, follow, in_loop)
    return Growth(1, 0)


def _sequence(node: Concat, follow: Ranges, in_loop: bool) -> Growth:
    factor, power = 1, 0
    ahead = follow
    for at in reversed(range(len(node.items))):
        item = node.items[at]
        ends_once = _ends_once(item, node.items[at + 1 :], follow)
        part = growth(item, () if ends_once else ahead, in_loop)
        factor, power = factor * part.factor, power + part.power
        ahead = charset.union(item.first, ahead) if item.nullable else item.first
    return Growth(factor, power)


def _ends_once(item: Node, rest: tuple[Node, ...], follow: Ranges) -> bool:
    """Whether there is one place only for a loop to end, as in `[-a-z]*[a-z]` before a dot.

    So it is if a fixed number of characters comes after it, and then something that neither it nor they can be.
    """
    if not (isinstance(item, Repeat) and isinstance(item.item, Chars) and rest):
        return False
    inside = [one.ranges for one in rest if isinstance(one, Chars)]
    return len(inside) == len(rest) and not charset.overlap(charset.union(item.first, *inside), follow)


def _choice(node: Alternate, follow: Ranges, in_loop: bool) -> Growth:
    parts = [growth(item, follow, in_loop) for item in node.items]
    seen: Ranges = ()
    decided = sum(item.nullable for item in node.items) < 2
    for item in node.items:
        starts = charset.union(item.first, follow) if item.nullable else item.first
        decided = decided and not charset.overlap(seen, starts)
        seen = charset.union(seen, starts)
    if in_loop and not decided:
        raise UnsafeError
    factor = max(part.factor for part in parts)
    return Growth(factor if decided else sum(part.factor for part in parts), max(part.power for part in parts))


def _loop(node: Repeat, follow: Ranges, in_loop: bool) -> Growth:
    repeated = node.most is None or node.most > 1
    if node.item.nullable and repeated:
        raise UnsafeError
    inside = charset.union(node.item.first, follow) if repeated else follow
    factor, power = growth(node.item, inside, in_loop or repeated)
    decided = node.least == node.most or not (node.item.nullable or charset.overlap(node.item.first, follow))
    if decided:
        return Growth(factor, power)
    if in_loop:
        raise UnsafeError
    return Growth(factor, power + 1) if node.most is None else Growth(factor * (node.most + 1), power)


def _starts_at_text(node: Node) -> bool:
    """Whether a match can begin at the start of the text only."""
    if isinstance(node, Concat):
        return bool(node.items) and _starts_at_text(node.items[0])
    if isinstance(node, Alternate):
        return all(_starts_at_text(item) for item in node.items)
    return isinstance(node, Assertion) and node.kind == "text^"


def essence(node: Node) -> Node:
    """What must be found somewhere for a search to succeed: repetitions at the edges need not be followed through.

    `.*nginx.*` is found where `nginx` is, `[a-z]+:` where `[a-z]:` is.
    """
    items = list(node.items) if isinstance(node, Concat) else [node]
    for edge in (0, -1):
        while items and isinstance(items[edge], Repeat):
            repeat = items[edge]
            assert isinstance(repeat, Repeat)
            if repeat.least == repeat.most or repeat.item.nullable:
                break
            items[edge : edge + 1 or None] = [repeat.item] * repeat.least
    return items[0] if len(items) == 1 else Concat(tuple(items))


def translate(node: Node) -> re.Pattern[str]:
    """The expression for Python's engine; every set is spelt out, so that no difference of the dialects remains."""
    return re.compile(_text(node), re.ASCII | re.MULTILINE)


#: Not `\B`: before Python 3.14 it does not match in an empty text.
_ASSERTIONS = {"text^": r"\A", "text$": r"\Z", "line^": "^", "line$": "$", "word": r"\b", "!word": r"(?!\b)"}
_COUNTS = {(0, None): "*", (1, None): "+", (0, 1): "?"}


def _text(node: Node) -> str:
    if isinstance(node, Chars):
        return _set(node.ranges)
    if isinstance(node, Assertion):
        return _ASSERTIONS[node.kind]
    if isinstance(node, Concat):
        return "".join(_grouped(item, Alternate) for item in node.items)
    if isinstance(node, Alternate):
        return "|".join(_text(item) for item in node.items)
    assert isinstance(node, Repeat)
    most = "" if node.most is None else node.most
    count = _COUNTS.get((node.least, node.most)) or f"{{{node.least},{most}}}"
    return f"{_grouped(node.item, Alternate, Concat, Repeat, Assertion)}{count}{'' if node.greedy else '?'}"


def _grouped(node: Node, *kinds: type[Node]) -> str:
    return f"(?:{_text(node)})" if isinstance(node, kinds) else _text(node)


def _set(ranges: Ranges) -> str:
    if ranges == charset.ANY:
        return "(?s:.)"
    if ranges == charset.NOT_NEWLINE:
        return "."
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return re.escape(chr(ranges[0][0]))
    if not ranges:
        return r"(?!)"
    negated = charset.complement(ranges) if ranges[0][0] == 0 and ranges[-1][1] == charset.LAST else ()
    members = "".join(_range(*pair) for pair in negated or ranges)
    return f"[{'^' if negated else ''}{members}]"


def _range(low: int, high: int) -> str:
    ends = [f"\\U{point:08x}" if not chr(point).isalnum() or point > 0x7F else chr(point) for point in (low, high)]
    return ends[0] if low == high else "-".join(ends)
