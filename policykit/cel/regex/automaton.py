"""A tree of a regular expression -> an automaton that searches a text in time proportional to its length.

For a yes or no, the set of places in the expression that fit the text so far is one Python integer, and the sets met
are kept with where each character leads: a deterministic automaton built as needed. For where a match is, the places
are tried in the order of preference, none of them twice at one character.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from policykit.cel.errors import COST_EXCEEDED, BudgetError
from policykit.cel.regex import charset
from policykit.cel.regex.program import ANYTHING, EDGE, MATCH, NEWLINE, OTHER, WORD, Program

if TYPE_CHECKING:
    from policykit.cel.regex.tree import Node

#: Sets of places kept with their transitions; when there are more, all are forgotten.
MAX_STATES = 2_000

#: Steps of one search: the length of the text times the different ways on that an expression has. It depends on nothing
#: else, so that an answer does not depend on what was searched before; only an expression made to be slow comes near.
MAX_STEPS = 1_000_000

#: How much of an expression may be explored to count its ways on.
MAX_EXPLORED = 100_000

#: Places tried, over all characters, to find where the matches in one text are.
MAX_ATTEMPTS = 50_000


class _State:
    """A set of places after a character of kind `before`, and where each class of characters leads (None: found)."""

    __slots__ = ("before", "edges", "places")

    def __init__(self, places: int, before: int) -> None:
        self.places = places
        self.before = before
        self.edges: dict[int, _State | None] = {}


class _Context:
    """Where places lead between a character of one kind and a character of another, as far as it was needed.

    A set of places is an integer with a bit for each. Most places lead to the one below, which is a shift; `others` has
    further targets, each set of them once, with all the places that lead there.
    """

    __slots__ = ("_around", "_known", "_program", "accepting", "begin", "below", "finished", "others")

    def __init__(self, program: Program, before: int, after: int) -> None:
        self._program = program
        self._around = (before, after)
        self._known = self.below = self.accepting = 0
        self.others: dict[int, int] = {}
        start = program.reachable(program.start, before, after)
        self.begin, self.finished = _bits(start), MATCH in start

    def leads(self, places: int) -> int:
        """The places reached from a set of them."""
        self.learn(places & ~self._known)
        targets = (places & self.below) >> 1
        for target, members in self.others.items():
            if places & members:
                targets |= target
        return targets

    def learn(self, places: int, limit: int | None = None) -> bool:
        """See where places lead; False where that took more than `limit`."""
        explored = 0
        self._known |= places
        while places:
            bit = places & -places
            places ^= bit
            place = bit.bit_length() - 1
            order = self._program.reachable(self._program.after[place], *self._around)
            explored += len(order)
            if limit is not None and explored > limit:
                return False
            targets = _bits(order)
            if targets & bit >> 1:
                self.below |= bit
                targets ^= bit >> 1
            if MATCH in order:
                self.accepting |= bit
            if targets:
                self.others[targets] = self.others.get(targets, 0) | bit
        return True


def _bits(order: tuple[int, ...]) -> int:
    return sum(1 << place for place in order if place != MATCH)


class Automaton:
    """Searches for one expression. What it learns on the way it keeps for the next text."""

    def __init__(self, node: Node) -> None:
        self.program = Program(node)
        cuts = {0, 10, 11, *(edge for low, high in charset.WORD for edge in (low, high + 1))}
        for ranges in self.program.sets:
            cuts.update(edge for low, high in ranges for edge in (low, high + 1))
        self._cuts = sorted(cuts)
        self._lock = Lock()
        self._classes: dict[str, int] = {}
        self._fitting: dict[int, int] = {}
        self._contexts: dict[tuple[int, int], _Context] = {}
        self._states: dict[tuple[int, int], _State] = {}

    def search(self, text: str) -> bool:
        """Whether the expression matches anywhere in the text. Raises BudgetError."""
        if len(text) > self._longest_text:
            raise BudgetError(COST_EXCEEDED)
        state = self._state(0, EDGE)
        classes = self._classes
        for char in text:
            group = classes.get(char)
            if group is None:
                group = self._class(char)
            try:
                following = state.edges[group]
            except KeyError:
                with self._lock:
                    following = self._step(state, group)
            if following is None:
                return True
            state = following
        with self._lock:
            return self._ends(state, EDGE)

    def _class(self, char: str) -> int:
        """The number of the characters that no set of the expression tells from this one."""
        if len(self._classes) > MAX_STATES:
            self._classes.clear()
        group = self._classes[char] = bisect_right(self._cuts, ord(char)) - 1
        return group

    def _kind(self, group: int) -> int:
        if not self.program.looks_around:
            return EDGE
        point = self._cuts[group]
        return NEWLINE if point == 10 else WORD if charset.has(charset.WORD, point) else OTHER

    def _state(self, places: int, before: int) -> _State:
        state = self._states.get((places, before))
        if state is None:
            if len(self._states) >= MAX_STATES:
                self._states.clear()
            state = self._states[places, before] = _State(places, before)
        return state

    @cached_property
    def _longest_text(self) -> int:
        """The length of a text that can be searched within MAX_STEPS, 0 for an expression with too many ways."""
        every_place = (1 << len(self.program.after)) - 1
        context = _Context(self.program, ANYTHING, ANYTHING)
        if not context.learn(every_place, MAX_EXPLORED):
            return 0
        size = 1 + len(self.program.after) // 1000
        return MAX_STEPS // (size * (1 + len(context.others)))

    def _step(self, state: _State, group: int) -> _State | None:
        """Where a class of characters leads."""
        kind = self._kind(group)
        context = self._context(state.before, kind)
        targets = context.leads(state.places)
        found = context.finished or state.places & context.accepting
        following = None if found else self._state((targets | context.begin) & self._fits(group), kind)
        state.edges[group] = following
        return following

    def _ends(self, state: _State, after: int) -> bool:
        context = self._context(state.before, after)
        context.leads(state.places)
        return context.finished or bool(state.places & context.accepting)

    def _context(self, before: int, after: int) -> _Context:
        context = self._contexts.get((before, after))
        if context is None:
            context = self._contexts[before, after] = _Context(self.program, before, after)
        return context

    def _fits(self, group: int) -> int:
        """The places whose set has the characters of a class."""
        fitting = self._fitting.get(group)
        if fitting is None:
            point = self._cuts[group]
            has = [charset.has(ranges, point) for ranges in self.program.sets]
            fitting = _bits(tuple(place for place, number in enumerate(self.program.set_of) if has[number]))
            self._fitting[group] = fitting
        return fitting

    def survey(self, text: str) -> tuple[list[int], list[int]]:
        """For each character of a text the places that take it, and what stands at each position, ends included."""
        groups = [self._class(char) for char in text]
        return [self._fits(group) for group in groups], [EDGE, *map(self._kind, groups), EDGE]


class Finder:
    """Finds the matches in one text, from left to right."""

    def __init__(self, automaton: Automaton, text: str) -> None:
        self._program = automaton.program
        self._length = len(text)
        self._fitting, self._beside = automaton.survey(text)
        self._attempts = 0

    def find(self, start: int) -> tuple[int, int] | None:
        """The leftmost match that begins at `start` or later, of those the preferred. Raises BudgetError."""
        tried: set[int] = set()
        for begin in range(start, self._length + 1):
            end = self._match(begin, tried)
            if end is not None:
                return begin, end
        return None

    def _match(self, begin: int, tried: set[int]) -> int | None:
        """The end of the preferred match that begins at a position; `tried` is what has failed before."""
        places = len(self._program.after)
        pending = [(begin, iter(self._options(self._program.start, begin)))]
        while pending:
            at, options = pending[-1]
            place = next(options, None)
            if place is None:
                pending.pop()
                continue
            if place == MATCH:
                return at
            self._attempts += 1
            if self._attempts > MAX_ATTEMPTS:
                raise BudgetError(COST_EXCEEDED)
            attempt = at * places + place
            if at < self._length and self._fitting[at] >> place & 1 and attempt not in tried:
                tried.add(attempt)
                pending.append((at + 1, iter(self._options(self._program.after[place], at + 1))))
        return None

    def _options(self, begin: int, at: int) -> tuple[int, ...]:
        return self._program.reachable(begin, self._beside[at], self._beside[at + 1])
