"""Suppressions over findings: which one silences which, in about linear time however many there are of both."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from policykit.suppress import codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policykit.finding import Judged
    from policykit.suppress.exceptions import PolicyException


class InLines(NamedTuple):
    """Covers what begins on these lines of a file, both ends inclusive."""

    file: str
    first: int
    last: int


class OnObject(NamedTuple):
    """Covers what stands in the object with these annotations: the identity of the mapping."""

    annotations: int


class ByException(NamedTuple):
    """Covers what an exception of a configuration speaks of."""

    exception: PolicyException


Scope = InLines | OnObject | ByException


class Findings:
    """Findings by what suppressions speak of. Each is taken once: by the first suppression that covers it."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        self._judged = judged
        self._taken: set[int] = set()
        self._by_rule: dict[str, list[int]] = defaultdict(list)
        members: dict[tuple[str, str | int], list[tuple[int, int]]] = defaultdict(list)
        for position, item in enumerate(judged):
            finding = item.finding
            for name in filter(None, (finding.rule, codes.of_finding(finding))):
                self._by_rule[name].append(position)
                members[name, finding.span.file].append((finding.span.line, position))
                for mapping in item.annotations:
                    members[name, id(mapping)].append((0, position))
        self._groups = {key: _Group(found) for key, found in members.items()}

    def meets(self, rule: str, scope: Scope) -> bool:
        """Does a suppression cover any finding of `rule`, taken or not?"""
        if isinstance(scope, ByException):
            return any(scope.exception.covers(self._judged[position]) for position in self._by_rule.get(rule, ()))
        group, start, end = self._range(rule, scope)
        return group is not None and start < end

    def take(self, rule: str, scope: Scope) -> Iterator[int]:
        """The positions of those it covers that no other one took before."""
        for position in self._covered(rule, scope):
            if position not in self._taken:
                self._taken.add(position)
                yield position

    def _covered(self, rule: str, scope: Scope) -> Iterator[int]:
        if isinstance(scope, ByException):
            yield from (p for p in self._by_rule.get(rule, ()) if scope.exception.covers(self._judged[p]))
            return
        group, start, end = self._range(rule, scope)
        if group is not None:
            yield from group.take(start, end)

    def _range(self, rule: str, scope: InLines | OnObject) -> tuple[_Group | None, int, int]:
        key, first, last = scope if isinstance(scope, InLines) else (scope.annotations, 0, 0)
        group = self._groups.get((rule, key))
        if group is None:
            return None, 0, 0
        return group, bisect_left(group.lines, first), bisect_right(group.lines, last)


class _Group:
    """Findings in the order of their lines, with pointers that skip those that are gone (a disjoint-set forest)."""

    def __init__(self, members: list[tuple[int, int]]) -> None:
        members.sort()
        self.lines = [line for line, _ in members]
        self._positions = [position for _, position in members]
        self._next = list(range(len(members) + 1))

    def take(self, start: int, end: int) -> Iterator[int]:
        while (start := self._first_left(start)) < end:
            self._next[start] = start + 1
            yield self._positions[start]

    def _first_left(self, index: int) -> int:
        following = self._next
        while following[index] != index:
            following[index] = following[following[index]]
            index = following[index]
        return index
