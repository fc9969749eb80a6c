"""The parts of a regular expression, each knowing what the analysis of a whole needs of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.cel.regex import charset

if TYPE_CHECKING:
    from policykit.cel.regex.charset import Ranges


class Node:
    """A part of an expression.

    `nullable`: it can match nothing. `first`: what the first character of a match can be. `longest`: the most
    characters of a match, None without bound. `positions`: how many single characters it spells out, repetitions
    unrolled. `ranges_spelt`: how many ranges of characters it takes to write it. `depth`: its nesting.
    """

    __slots__ = ("depth", "first", "longest", "nullable", "positions", "ranges_spelt")
    nullable: bool
    first: Ranges
    longest: int | None
    positions: int
    ranges_spelt: int
    depth: int


class Chars(Node):
    """One character out of a set."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: Ranges) -> None:
        self.ranges = self.first = ranges
        self.nullable, self.longest, self.positions, self.depth = False, 1, 1, 1
        self.ranges_spelt = len(ranges)


class Assertion(Node):
    """Nothing, at a certain place. Kinds: `text^ text$ line^ line$ word !word`."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.nullable, self.first, self.longest, self.positions, self.depth = True, (), 0, 0, 1
        self.ranges_spelt = 0


class Concat(Node):
    """One after the other; nothing where there is no item."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Node, ...]) -> None:
        self.items = items
        self.nullable = all(item.nullable for item in items)
        self.first = first_of(items)
        lengths = [item.longest for item in items]
        self.longest = None if None in lengths else sum(length or 0 for length in lengths)
        self.positions = sum(item.positions for item in items)
        self.ranges_spelt = sum(item.ranges_spelt for item in items)
        self.depth = 1 + max((item.depth for item in items), default=0)


class Alternate(Node):
    """One of several, the earlier preferred."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Node, ...]) -> None:
        self.items = items
        self.nullable = any(item.nullable for item in items)
        self.first = charset.union(*(item.first for item in items))
        lengths = [item.longest for item in items]
        self.longest = None if None in lengths else max(length or 0 for length in lengths)
        self.positions = sum(item.positions for item in items)
        self.ranges_spelt = sum(item.ranges_spelt for item in items)
        self.depth = 1 + max(item.depth for item in items)


class Repeat(Node):
    """An item, `least` to `most` times (None: without bound); `greedy` prefers more."""

    __slots__ = ("greedy", "item", "least", "most")

    def __init__(self, item: Node, least: int, most: int | None, greedy: bool = True) -> None:
        self.item, self.least, self.most, self.greedy = item, least, most, greedy
        self.nullable = least == 0 or item.nullable
        self.first = item.first if most != 0 else ()
        bounded = item.longest is not None and most is not None
        self.longest = (item.longest or 0) * (most or 0) if bounded or most == 0 or item.longest == 0 else None
        self.positions = item.positions * max(1, least if most is None else most)
        self.ranges_spelt = item.ranges_spelt
        self.depth = 1 + item.depth


def first_of(items: tuple[Node, ...]) -> Ranges:
    """What the first character of a match of a sequence can be."""
    sets = []
    for item in items:
        sets.append(item.first)
        if not item.nullable:
            break
    return charset.union(*sets) if len(sets) != 1 else sets[0]


def repeats_allowed(node: Node, left: int) -> bool:
    """Whether nested counts multiply to no more copies of the innermost item than Go allows."""
    if isinstance(node, Repeat):
        # `*`, `+` and `?` make no copies.
        count = node.least if node.most is None else node.most
        if node.most == 0:
            return True
        if count > 1:
            if count > left:
                return False
            left //= count
        return repeats_allowed(node.item, left)
    return all(repeats_allowed(item, left) for item in getattr(node, "items", ()))
