"""`find` and `findAll`: what matches a regular expression (k8s.io/apiserver `library/regex.go`, in every version)."""

from __future__ import annotations

from policykit.cel import regex
from policykit.cel.errors import EvaluationError
from policykit.cel.library import member
from policykit.cel.types import INT, STRING, ListType


def find(text: str, pattern: str) -> str:
    """The first match, empty where there is none."""
    return _compiled(pattern).find(text) or ""


def find_all(text: str, pattern: str) -> list[str]:
    """Every match."""
    return _compiled(pattern).find_all(text)


def find_all_limit(text: str, pattern: str, limit: int) -> list[str]:
    """At most `limit` matches, every match if it is negative."""
    return _compiled(pattern).find_all(text, limit)


def _compiled(pattern: str) -> regex.Pattern:
    try:
        return regex.compile(pattern)
    except regex.RegexError as error:
        raise EvaluationError(f"Illegal regex: {error}") from None


FUNCTIONS = (
    member("find", (STRING, STRING), STRING, find, linear=True, regex=1),
    member("findAll", (STRING, STRING), ListType(STRING), find_all, linear=True, regex=1),
    member("findAll", (STRING, STRING, INT), ListType(STRING), find_all_limit, linear=True, regex=1),
)
TYPES: dict[str, object] = {}
