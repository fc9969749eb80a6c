"""A policy's expressions to programs, type-checked against the view they read. Imported only to compile anew."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from policykit.cel import (
    BOOL,
    DOUBLE,
    DYN,
    INT,
    STRING,
    CompileError,
    Composition,
    Environment,
    ListType,
    MapType,
    ObjectType,
)
from policykit.errors import Problem
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from policykit.catalogue.schema import PolicyFile
    from policykit.cel import Issue, Program, Type
    from policykit.document import Document, Route
    from policykit.policy import Policy

LIBRARIES = ("policykit.views.functions",)

_JSON_TYPES: Mapping[str, Type] = {"string": STRING, "boolean": BOOL, "integer": INT, "number": DOUBLE}


def compile_policy(file: PolicyFile) -> tuple[dict[str, Any], list[Problem]]:
    """The programs of a policy as plain values (see `policykit.catalogue.check`), and what is wrong with it."""
    policy, _, document = file
    problems = list(_reference_problems(policy, document))
    if problems:
        return {}, problems
    compiling = _Compiling(policy, document)
    return compiling.programs(), compiling.problems


def parameters_type(policy: Policy) -> Type:
    """The type of `params`, from the JSON Schemas of a policy's parameters."""
    return ObjectType("Parameters", {name: _type(schema) for name, schema in policy.parameters.items()})


def _type(schema: Mapping[str, Any]) -> Type:
    match schema.get("type"):
        case "array":
            return ListType(_type(schema.get("items", {})))
        case "object":
            extra = schema.get("additionalProperties", {})
            return MapType(STRING, _type(extra) if isinstance(extra, dict) and "properties" not in schema else DYN)
        case str(name):
            return _JSON_TYPES.get(name, DYN)
    return DYN


def _reference_problems(policy: Policy, document: Document) -> Iterator[Problem]:
    """Names of views, targets and parts that do not exist."""
    view = VIEWS.get(policy.for_each)
    if view is None:
        yield _problem(document, ("spec", "forEach"), f"there is no view `{policy.for_each}`", policy.for_each, VIEWS)
        return
    for index, target in enumerate(policy.targets):
        if target not in view.makers:
            message = f"the view `{view.name}` does not exist for the target `{target}`"
            yield _problem(document, ("spec", "targets", index), message, target, view.makers)
    for index, validation in enumerate(policy.validations):
        if view.parts and validation.at and validation.at not in view.parts:
            message = f"`at`: a subject of the view `{view.name}` has no part `{validation.at}`"
            yield _problem(document, ("spec", "validations", index, "at"), message, validation.at, view.parts)


def _problem(document: Document, route: Route, message: str, wrong: str, known: Iterable[str]) -> Problem:
    span = document.span(route)
    close = difflib.get_close_matches(wrong, known, 1)
    hint = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(sorted(known))}"
    return Problem(message, f"{span.file}:{span.line}:{span.column}", hint)


class _Compiling:
    """The expressions of one policy; `problems` gathers what does not compile."""

    def __init__(self, policy: Policy, document: Document) -> None:
        view = VIEWS[policy.for_each]
        self.policy = policy
        self.document = document
        self.problems: list[Problem] = []
        environment = Environment({view.binding: view.type, "params": parameters_type(policy)}, libraries=LIBRARIES)
        self.composition = Composition.compile(environment, [(v.name, v.expression) for v in policy.variables])
        assert self.composition.environment is not None
        self.environment = self.composition.environment

    def programs(self) -> dict[str, Any]:
        policy = self.policy
        for index, variable in enumerate(policy.variables):
            if error := self.composition.errors.get(variable.name):
                self._refuse(error, ("spec", "variables", index, "expression"), variable.expression)
        conditions = [
            (c.name, self._compile(c.expression, BOOL, ("spec", "matchConditions", i, "expression")))
            for i, c in enumerate(policy.match_conditions)
        ]
        validations = []
        for index, validation in enumerate(policy.validations):
            route: Route = ("spec", "validations", index)
            program = self._compile(validation.expression, BOOL, (*route, "expression"))
            text = validation.message_expression
            validations.append((program, self._compile(text, STRING, (*route, "messageExpression")) if text else b""))
        return {
            "variables": [(name, program.dump()) for name, program in self.composition.programs.items()],
            "conditions": conditions,
            "validations": validations,
        }

    def _compile(self, text: str, wanted: Type, route: Route) -> bytes:
        try:
            program: Program = self.environment.compile(text)
        except CompileError as error:
            self._refuse(error, route, text)
            return b""
        if program.type not in (wanted, DYN):
            span = self.document.span(route)
            message = f"the expression gives {program.type}, {wanted} is wanted"
            self.problems.append(Problem(message, f"{span.file}:{span.line}:{span.column}"))
        return program.dump()

    def _refuse(self, error: CompileError, route: Route, text: str) -> None:
        for issue in error.issues:
            self.problems.append(Problem(issue.message, self._where(issue, route, text)))

    def _where(self, issue: Issue, route: Route, text: str) -> str:
        """The place in the file, where the expression stands there on one line as it is; else where it begins."""
        span = self.document.span(route)
        column = span.column
        width = span.end_column - span.column
        if span.line == span.end_line and width - len(text) in (0, 2):
            column += issue.column - 1 + (width - len(text)) // 2
        return f"{span.file}:{span.line}:{column}"
