"""The text of a validation -> the parts of an object that it is about, so that a finding can point there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.document import Route

_STRING = re.compile(r"""[rR]?(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""", re.DOTALL)
#: A path into the object (Gatekeeper's `anyObject` is it as well), or a variable; a name that is called is a function.
_PATH = re.compile(
    r"(?:(?<![\w.])object|\bvariables\.anyObject)((?:\s*\.\s*\??\s*[A-Za-z_]\w*(?![\w(]))+)|\bvariables\s*\.\s*(\w+)"
)
#: What tells objects apart is seldom what is wrong with one.
_IDENTITY = frozenset({("kind",), ("apiVersion",), ("metadata", "name"), ("metadata", "namespace"), ("metadata",)})


class Blame:
    """The variables of a rule, to look through."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def routes(self, expression: str) -> tuple[Route, ...]:
        """The paths that an expression reads, those of its variables included; those that identify objects last."""
        found = tuple(dict.fromkeys(self._routes(expression, set())))
        return tuple(sorted(found, key=lambda route: route in _IDENTITY))

    def _routes(self, expression: str, seen: set[str]) -> Iterator[Route]:
        for match in _PATH.finditer(_STRING.sub("''", expression)):
            if match[1]:
                yield tuple(step.strip(" \t\r\n?") for step in match[1].split(".")[1:])
            elif match[2] not in seen:
                seen.add(match[2])
                yield from self._routes(self._variables.get(match[2], ""), seen)
