"""The expressions of an admission policy to programs, as plain values that a cache can hold.

Imported to compile only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.cel import BOOL, DYN, NULL, STRING, CompileError, Composition, Environment
from policykit.cel.kubernetes import admission_variables
from policykit.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.cel import Type
    from policykit.document import Document, Route


class Expression(NamedTuple):
    """An expression, its name (of a variable or a condition), and the route to it in the document it stands in."""

    name: str
    text: str
    route: Route


class Validation(NamedTuple):
    """A validation as written; `message_expression` has no text where there is none."""

    condition: Expression
    message: str
    message_expression: Expression
    reason: str


class Expressions(NamedTuple):
    """All expressions of one policy."""

    variables: Sequence[Expression] = ()
    conditions: Sequence[Expression] = ()
    validations: Sequence[Validation] = ()
    audit: Sequence[Expression] = ()


def environment(version: tuple[int, int], *, params: bool) -> Environment:
    """What expressions of a ValidatingAdmissionPolicy see."""
    return Environment(admission_variables(params=params), kubernetes=version)


def compile_expressions(
    expressions: Expressions, base: Environment, document: Document
) -> tuple[dict[str, Any], list[Problem]]:
    """The programs for `policykit.admission.check`, and every problem with its place in `document`."""
    return _Compiling(base, document).all(expressions)


class _Compiling:
    def __init__(self, base: Environment, document: Document) -> None:
        self.base = base
        self.document = document
        self.problems: list[Problem] = []

    def all(self, expressions: Expressions) -> tuple[dict[str, Any], list[Problem]]:
        composition = Composition.compile(self.base, [(v.name, v.text) for v in expressions.variables])
        for variable in expressions.variables:
            if error := composition.errors.get(variable.name):
                self._refuse(error, variable.route)
        assert composition.environment is not None
        seeing = composition.environment
        dump = {
            "variables": [(name, program.dump()) for name, program in composition.programs.items()],
            "conditions": [(c.name, self._one(c, seeing, BOOL)) for c in expressions.conditions],
            "rules": [
                (
                    self._one(v.condition, seeing, BOOL),
                    v.condition.text,
                    v.message,
                    self._one(v.message_expression, seeing, STRING) if v.message_expression.text else b"",
                    v.reason,
                )
                for v in expressions.validations
            ],
        }
        for annotation in expressions.audit:
            self._one(annotation, seeing, STRING, NULL)
        return dump, self.problems

    def _one(self, expression: Expression, seeing: Environment, *wanted: Type) -> bytes:
        try:
            program = seeing.compile(expression.text)
        except CompileError as error:
            self._refuse(error, expression.route)
            return b""
        if program.type not in (*wanted, DYN):
            self._say(f"must evaluate to {' or '.join(map(str, wanted))}, not {program.type}", expression.route)
        return program.dump()

    def _refuse(self, error: CompileError, route: Route) -> None:
        for issue in error.issues:
            self._say(f"{issue.message} (line {issue.line}, column {issue.column} of the expression)", route)

    def _say(self, message: str, route: Route) -> None:
        span = self.document.span(route)
        self.problems.append(Problem(message, f"{span.file}:{span.line}:{span.column}"))
