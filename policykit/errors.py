"""What can go wrong, sorted by whose fault it is.

Bad *input* (a Dockerfile that does not parse) is never an exception at the edge: parsers raise
`ParseError`, and whoever reads the file turns it into a finding with a position. Everything here that
is not a `ParseError` ends a run with an exit code of its own (`policykit.cli`).
"""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong with what a user wrote, and where.

    `where` reads `file:line:column` or `policy-id: key`, empty where there is no place;
    `hint` says what to do, empty where the message says it already.
    """

    message: str
    where: str = ""
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


class PolicykitError(Exception):
    """The base of all errors raised on purpose."""


class UsageError(PolicykitError):
    """The call, a configuration or a policy is wrong; nothing was evaluated (exit code 2).

    Carries every problem of one load, so that a user mends them all at once.
    """

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(Problem(p) if isinstance(p, str) else p for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class ParseError(PolicykitError):
    """An input file cannot be read as what it claims to be.

    `line` and `column` count from 1, columns in characters.
    """

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        self.message = message
        self.line = line
        self.column = column
        super().__init__(f"{line}:{column}: {message}")
