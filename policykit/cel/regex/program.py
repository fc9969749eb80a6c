"""A tree of a regular expression -> instructions, and which characters they lead to.

As in K. Thompson, "Regular Expression Search Algorithm" (1968), with the order of preference of Go's `regexp`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from policykit.cel.regex.tree import Alternate, Assertion, Chars, Concat, Node, Repeat

if TYPE_CHECKING:
    from policykit.cel.regex.charset import Ranges

#: What stands beside a place in a text, as far as assertions can tell.
EDGE, NEWLINE, WORD, OTHER = range(4)

#: Beside a place of which it is asked what could be reached at all.
ANYTHING = -1

#: The target of a finished match in what `Program.reachable` gives.
MATCH = -1


class Instruction(NamedTuple):
    """`chars` (go on to `next` if the character fits), `split` (`next`, then `other`), `assert` (`kind`) or `match`."""

    op: str
    next: int = -1
    other: int = -1
    kind: str = ""
    place: int = -1


def _holds(kind: str, before: int, after: int) -> bool:
    if before == ANYTHING:
        return True
    if kind.startswith("text"):
        return (before if kind == "text^" else after) == EDGE
    if kind.startswith("line"):
        return (before if kind == "line^" else after) in {EDGE, NEWLINE}
    return ((before == WORD) != (after == WORD)) == (kind == "word")


class Program:
    """The instructions of an expression. A *place* is the number of an instruction that takes a character."""

    def __init__(self, node: Node) -> None:
        self.code: list[Instruction] = [Instruction("match")]
        #: For each place the number of its set in `sets`.
        self.set_of: list[int] = []
        self.sets: list[Ranges] = []
        self._numbers: dict[int, int] = {}
        self.after: list[int] = []
        self.start = self._build(node, 0)
        #: Whether it matters what stands beside a place.
        self.looks_around = any(instruction.op == "assert" for instruction in self.code)
        self._reachable: dict[tuple[int, int, int], tuple[int, ...]] = {}

    def _add(self, instruction: Instruction) -> int:
        self.code.append(instruction)
        return len(self.code) - 1

    def _number(self, ranges: Ranges) -> int:
        """The number of a set; that of a repeated item is the same object each time, and need not be compared."""
        number = self._numbers.get(id(ranges))
        if number is None:
            number = self._numbers[id(ranges)] = len(self.sets)
            self.sets.append(ranges)
        return number

    def _build(self, node: Node, then: int) -> int:
        """Add the code of a node that goes on at `then`; returns where it begins.

        Built from the end, so that the places of a sequence count down.
        """
        if isinstance(node, Chars):
            self.set_of.append(self._number(node.ranges))
            self.after.append(then)
            return self._add(Instruction("chars", then, place=len(self.after) - 1))
        if isinstance(node, Assertion):
            return self._add(Instruction("assert", then, kind=node.kind))
        if isinstance(node, Concat):
            for item in reversed(node.items):
                then = self._build(item, then)
            return then
        if isinstance(node, Alternate):
            begin = self._build(node.items[-1], then)
            for item in reversed(node.items[:-1]):
                begin = self._add(Instruction("split", self._build(item, then), begin))
            return begin
        assert isinstance(node, Repeat)
        return self._repeat(node, then)

    def _repeat(self, node: Repeat, then: int) -> int:
        """`x{2,4}` is `xx(x(x)?)?`, `x{2,}` is `xx+`, and `x*` is `(x+)?`, as in Go."""
        copies = node.least
        begin = then
        if node.most is None:
            begin = self._plus(node, then)
            if node.least == 0:
                return self._split(node.greedy, begin, then)
            copies -= 1
        else:
            for _ in range(node.most - node.least):
                begin = self._split(node.greedy, self._build(node.item, begin), then)
        for _ in range(copies):
            begin = self._build(node.item, begin)
        return begin

    def _plus(self, node: Repeat, then: int) -> int:
        loop = self._add(Instruction("split"))
        begin = self._build(node.item, loop)
        self.code[loop] = Instruction("split", *((begin, then) if node.greedy else (then, begin)))
        return begin

    def _split(self, greedy: bool, body: int, then: int) -> int:
        return self._add(Instruction("split", *((body, then) if greedy else (then, body))))

    def reachable(self, begin: int, before: int, after: int) -> tuple[int, ...]:
        """The places that can take the next character, and MATCH, in order of preference.

        `before` and `after` say what stands on either side (EDGE, NEWLINE, WORD, OTHER).
        """
        key = (begin, before, after)
        found = self._reachable.get(key)
        if found is None:
            found = self._reachable[key] = self._explore(*key)
        return found

    def _explore(self, begin: int, before: int, after: int) -> tuple[int, ...]:
        order: dict[int, None] = {}
        seen: set[int] = set()
        pending = [begin]
        while pending:
            at = pending.pop()
            if at in seen:
                continue
            seen.add(at)
            instruction = self.code[at]
            if instruction.op == "chars":
                order[instruction.place] = None
            elif instruction.op == "match":
                order[MATCH] = None
            elif instruction.op == "split":
                pending += (instruction.other, instruction.next)
            elif _holds(instruction.kind, before, after):
                pending.append(instruction.next)
        return tuple(order)
