"""What can go wrong with an expression: its text (`CompileError`) or its evaluation (`EvaluationError`)."""

from __future__ import annotations

from typing import NamedTuple

from policykit.errors import PolicykitError


class Issue(NamedTuple):
    """One thing wrong with an expression's text; `line` and `column` count from 1, columns in characters."""

    message: str
    line: int
    column: int


class Places:
    """Offsets of a text to the line and column that messages name."""

    def __init__(self, text: str) -> None:
        self.text = text

    def issue(self, message: str, offset: int) -> Issue:
        """An issue at an offset; a negative one has no place (line -1, as in cel-go)."""
        if offset < 0:
            return Issue(message, -1, 0)
        line = self.text.count("\n", 0, offset) + 1
        return Issue(message, line, offset - self.text.rfind("\n", 0, offset))


class CompileError(PolicykitError):
    """The expression cannot be compiled: the fault of whoever wrote it.

    `issues` has every problem found, in the order of the text; `str()` renders them as cel-go does, each with
    its source line and a caret.
    """

    def __init__(self, source: str, issues: tuple[Issue, ...]) -> None:
        self.source = source
        self.issues = issues
        super().__init__("\n".join(render(source, issue) for issue in issues))

    @property
    def told(self) -> str:
        """The text in which the API server tells it."""
        return f"compilation failed: {self}"


class CelSyntaxError(CompileError):
    """The text is not an expression of the language."""


class CelTypeError(CompileError):
    """The text is an expression, but not of this environment: an unknown name, a type that does not fit."""


class PlanningError(CelTypeError):
    """A constant part of the expression has no value (`int("x")`); `str()` is cel-go's text, without a position."""

    def __str__(self) -> str:
        return self.issues[0].message

    @property
    def told(self) -> str:
        """The text in which the API server tells it."""
        return f"program instantiation failed: {self}"


class EvaluationError(PolicykitError):
    """An expression has no value for these inputs; the message is cel-go's."""


class BudgetError(EvaluationError):
    """An evaluation was stopped because it took too many steps or too much memory. No operator absorbs it."""


COST_EXCEEDED = "operation cancelled: actual cost limit exceeded"


def render(source: str, issue: Issue) -> str:
    """An issue as cel-go prints it: position, message, the source line, and a caret below the place."""
    head = f"ERROR: <input>:{issue.line}:{issue.column}: {issue.message}"
    lines = source.split("\n")
    if not 1 <= issue.line <= len(lines):
        return head
    line = lines[issue.line - 1].replace("\t", " ")
    before = line[: issue.column - 1]
    dots = "".join("．" if _wide(c) else "." for c in before)
    at = line[issue.column - 1 : issue.column]
    return f"{head}\n | {line}\n | {dots}{'＾' if at and _wide(at) else '^'}"


def _wide(char: str) -> bool:
    """Whether cel-go takes a character to fill two columns: everything that is not one byte of UTF-8."""
    return char > "\x7f"
