"""Regular expressions as Go's RE2 has them: the text of a pattern -> something that searches, in bounded time.

Python's engine does the work where a look at the expression shows that backtracking stays cheap for a text of that
length; an automaton does the rest in time proportional to the text. Both give Go's answer, down to the error messages.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from policykit.cel.regex import backtracking, syntax
from policykit.cel.regex.syntax import RegexError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator

    from policykit.cel.regex.automaton import Automaton

__all__ = ["Pattern", "RegexError", "compile"]


class Pattern:
    """A compiled expression."""

    def __init__(self, source: str) -> None:
        """Raises RegexError with the message of Go's `regexp.Compile`."""
        self.source = source
        self._node = syntax.parse(source)
        essence = backtracking.essence(self._node)
        self._search_limit = backtracking.safe_length(essence)
        self._quick = backtracking.translate(essence).search if self._search_limit >= 0 else None

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text."""
        if self._quick is not None and len(text) <= self._search_limit:
            return self._quick(text) is not None
        return self._automaton.search(text)

    def find(self, text: str) -> str | None:
        """The leftmost match, None where there is none. Raises BudgetError where finding it takes too long."""
        return next(self._matches(text), None)

    def find_all(self, text: str, limit: int = -1) -> list[str]:
        """The matches that do not overlap, at most `limit` of them if it is not negative. Raises BudgetError."""
        found: list[str] = []
        if limit:
            for match in self._matches(text):
                found.append(match)
                if len(found) == limit:
                    break
        return found

    def _matches(self, text: str) -> Iterator[str]:
        """As in Go, an empty match directly after another match does not count."""
        find = self._finder(text)
        at, last_end = 0, -1
        while at <= len(text):
            span = find(at)
            if span is None:
                return
            begin, end = span
            if end > begin or begin != last_end:
                yield text[begin:end]
            at = end + 1 if end == begin else end
            last_end = end

    def _finder(self, text: str) -> Callable[[int], tuple[int, int] | None]:
        """What gives the first match at or after a position."""
        if len(text) > self._find_limit:
            from policykit.cel.regex.automaton import Finder

            return Finder(self._automaton, text).find if self.search(text) else lambda _: None
        search = self._translated.search
        return lambda at: match.span() if (match := search(text, at)) else None

    @cached_property
    def _find_limit(self) -> int:
        """One search is made for each match, so the length that is safe for one is too much for all of them."""
        return backtracking.safe_length(self._node)

    @cached_property
    def _translated(self) -> re.Pattern[str]:
        return backtracking.translate(self._node)

    @cached_property
    def _automaton(self) -> Automaton:
        from policykit.cel.regex.automaton import Automaton

        return Automaton(self._node)


@lru_cache(maxsize=1024)
def compile(pattern: str) -> Pattern:
    """The compiled form of a pattern, kept for the next time. Raises RegexError."""
    return Pattern(pattern)
