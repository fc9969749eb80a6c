"""An admission policy -> the programs of its rules as plain values, which `policykit.admission.check` runs.

Imported to compile only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.admission.blame import Blame
from policykit.admission.form import problem_at
from policykit.cel import BOOL, NULL, STRING, CompileError, Composition, Environment, PlanningError
from policykit.cel.kubernetes import admission_variables
from policykit.errors import Problem

if TYPE_CHECKING:
    from policykit.admission.form import AdmissionPolicy, Binding, Expression, Rule, Validation
    from policykit.cel import Issue, Type
    from policykit.document import Route

Version = tuple[int, int]
#: Where an expression is written, and what is wrong with it.
_Complaint = tuple["Route", str]


def compile_rules(policy: AdmissionPolicy, version: Version) -> tuple[dict[str, Any], list[Problem]]:
    """The rules of a policy, compiled, and every problem of its expressions with its place."""
    rules: list[dict[str, Any]] = []
    problems: dict[_Complaint, Problem] = {}
    for rule in policy.rules:
        compiling = _Compiling(rule, version)
        rules.append(compiling.rule())
        # What is wrong with a rule is wrong with what it is lifted to as well, at other columns.
        problems = compiling.problems | problems
    return {"rules": rules}, sorted(problems.values(), key=_position)


def environment(rule: Rule, version: Version, *, authorizer: bool = True) -> Environment:
    """What the expressions of a rule see."""
    if rule.dialect == "kubernetes":
        return Environment(admission_variables(params=rule.params, authorizer=authorizer), kubernetes=version)
    from policykit.admission.kyverno import library

    return Environment(library.VARIABLES, kubernetes=version, libraries=(library.__name__,))


class _Compiling:
    """The expressions of one rule; `problems` gathers what does not compile."""

    def __init__(self, rule: Rule, version: Version) -> None:
        self._rule = rule
        self.problems: dict[_Complaint, Problem] = {}
        variables = [(v.name, v.text) for v in rule.expressions.variables]
        self._composition = Composition.compile(environment(rule, version), variables)
        assert self._composition.environment is not None
        self._environment = self._composition.environment
        seen = {"variables": self._environment.variables["variables"]}
        #: Messages cannot ask the authorizer.
        self._for_messages = environment(rule, version, authorizer=False).extend(seen)
        self._blame = Blame(dict(variables))

    def rule(self) -> dict[str, Any]:
        """The form that `policykit.admission.check.RuleCheck` takes."""
        rule, expressions = self._rule, self._rule.expressions
        for variable in expressions.variables:
            if error := self._composition.errors.get(variable.name):
                self._refuse(error, variable)
        return {
            "match": rule.match,
            "label": rule.label,
            "fails": rule.fails,
            "dialect": rule.dialect,
            "constants": dict(rule.constants),
            "variables": [(name, program.dump()) for name, program in self._composition.programs.items()],
            "conditions": [self._one(c, BOOL) for c in expressions.conditions],
            "validations": [self._validation(v) for v in expressions.validations],
            "audit": [self._one(a, STRING, NULL) for a in expressions.audit],
            "bindings": [_binding(binding) for binding in rule.bindings],
        }

    def _validation(self, validation: Validation) -> tuple[Any, ...]:
        said = validation.message_expression
        return (
            self._one(validation.condition, BOOL),
            validation.message,
            self._one(said, STRING, within=self._for_messages) if said else b"",
            validation.reason,
            self._blame.routes(validation.condition.text),
        )

    def _one(self, expression: Expression, *wanted: Type, within: Environment | None = None) -> bytes:
        try:
            program = (within or self._environment).compile(expression.text)
        except CompileError as error:
            self._refuse(error, expression)
            return b""
        if program.type not in wanted:
            types = " or ".join(map(str, wanted))
            message = f"must evaluate to {types} but got {program.type}"
            self.problems[expression.route, message] = problem_at(expression.document, expression.route, message)
        return program.dump()

    def _refuse(self, error: CompileError, expression: Expression) -> None:
        placed = not isinstance(error, PlanningError)
        for issue in error.issues:
            self.problems[expression.route, issue.message] = _problem(issue, expression, placed=placed)


def _problem(issue: Issue, expression: Expression, *, placed: bool) -> Problem:
    """A problem at its place in the file; where the text is folded there, at the expression, with the place in it."""
    span = expression.document.span(expression.route)
    written = span.end_column - span.column
    extra = written - len(expression.text)
    if not placed or issue.line < 1:
        return Problem(issue.message, f"{span.file}:{span.line}:{span.column}")
    if span.line == span.end_line and extra in (0, 2):
        return Problem(issue.message, f"{span.file}:{span.line}:{span.column + issue.column - 1 + extra // 2}")
    message = f"{issue.message} (line {issue.line}, column {issue.column} of the expression)"
    return Problem(message, f"{span.file}:{span.line}:{span.column}")


def _position(problem: Problem) -> tuple[str, int, int]:
    file, line, column = problem.where.rsplit(":", 2)
    return file, int(line), int(column)


def _binding(binding: Binding) -> tuple[Any, ...]:
    params = binding.params
    return (
        binding.severity,
        binding.match,
        (dict(params.kind), params.ref and dict(params.ref), params.given, params.value) if params else None,
    )
