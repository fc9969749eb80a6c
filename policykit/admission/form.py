"""The one form that admission policies of every engine are read into, before anything is compiled.

A policy is a list of rules. A rule says what it is about, what must hold, and under which bindings; a policy on Pods
that an engine lifts to their controllers has one more rule for each way of lifting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from policykit.admission.matching import ALWAYS
from policykit.views.objects import mapping, sequence, text, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from policykit.admission.matching import Criterion
    from policykit.document import Document, Route
    from policykit.errors import Problem
    from policykit.finding import Severity
    from policykit.parse.kubernetes import KubernetesObject

#: Whose environment and customs hold: ValidatingAdmissionPolicy's, or those of Kyverno's own policy kinds.
Dialect = Literal["kubernetes", "kyverno"]


class Expression(NamedTuple):
    """An expression, the name of the variable or condition that it is, and where it is written."""

    text: str
    document: Document
    route: Route
    name: str = ""


class Validation(NamedTuple):
    """A validation as written."""

    condition: Expression
    message: str = ""
    message_expression: Expression | None = None
    reason: str = ""


class Expressions(NamedTuple):
    """All expressions of one rule."""

    variables: tuple[Expression, ...] = ()
    conditions: tuple[Expression, ...] = ()
    validations: tuple[Validation, ...] = ()
    audit: tuple[Expression, ...] = ()

    def rewritten(self, rewrite: Callable[[str], str]) -> Expressions:
        """The same with every text, messages included, put through a function."""

        def one(expression: Expression) -> Expression:
            return expression._replace(text=rewrite(expression.text))

        return Expressions(
            tuple(map(one, self.variables)),
            tuple(map(one, self.conditions)),
            tuple(
                Validation(
                    one(v.condition),
                    rewrite(v.message),
                    one(v.message_expression) if v.message_expression else None,
                    v.reason,
                )
                for v in self.validations
            ),
            tuple(map(one, self.audit)),
        )


class Params(NamedTuple):
    """Where the variable `params` comes from: `value` as it is, or the objects of a kind that `ref` (a paramRef) names.

    `given` are such objects that stand beside the policy. Without `ref` and `value` nobody said what it is.
    """

    kind: Mapping[str, Any]
    ref: Mapping[str, Any] | None = None
    given: tuple[Mapping[str, Any], ...] = ()
    value: Mapping[str, Any] | None = None


class Binding(NamedTuple):
    """Where a rule is in force, and how grave it is to break it there."""

    severity: Severity
    match: Criterion = ALWAYS
    params: Params | None = None


class Rule(NamedTuple):
    """What is judged, how, and where.

    `label` stands before its messages. `fails`: an expression without a value counts as broken. `params`: it is a
    variable. `constants` are variables with a value of their own.
    """

    match: Criterion
    expressions: Expressions
    bindings: tuple[Binding, ...]
    label: str = ""
    fails: bool = True
    params: bool = False
    dialect: Dialect = "kubernetes"
    constants: Mapping[str, Any] = {}


class AdmissionPolicy(NamedTuple):
    """A policy as its file says it; `aliases` are other names that people know it by, by their engine."""

    name: str
    document: KubernetesObject
    rules: tuple[Rule, ...]
    aliases: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...] = ()


def expressions_of(spec: Mapping[str, Any], document: Document, route: Route) -> Expressions:
    """The expressions of a ValidatingAdmissionPolicySpec, whose names most engines took over."""
    return Expressions(
        named(spec, document, route, "variables"),
        named(spec, document, route, "matchConditions"),
        validations_of(spec, document, (*route, "validations")),
        tuple(
            Expression(text(item.get("valueExpression")), document, (*at, "valueExpression"), text(item.get("key")))
            for at, item in items(spec, (*route, "auditAnnotations"))
        ),
    )


def validations_of(holder: Mapping[str, Any], document: Document, route: Route) -> tuple[Validation, ...]:
    """The validations in the list that the last key of `route` names."""
    return tuple(
        Validation(
            Expression(text(item.get("expression")), document, (*at, "expression")),
            text(item.get("message")),
            Expression(text(item["messageExpression"]), document, (*at, "messageExpression"))
            if item.get("messageExpression")
            else None,
            text(item.get("reason")),
        )
        for at, item in items(holder, route)
    )


def named(holder: Mapping[str, Any], document: Document, route: Route, key: str) -> tuple[Expression, ...]:
    """A list of expressions with names, under a key of what stands at `route`."""
    return tuple(
        Expression(text(item.get("expression")), document, (*at, "expression"), text(item.get("name")))
        for at, item in items(holder, (*route, key))
    )


def items(holder: Mapping[str, Any], route: Route) -> list[tuple[Route, Mapping[str, Any]]]:
    """The mappings in a list, with their routes; the last key of `route` is that of the list in `holder`."""
    return [((*route, index), mapping(item)) for index, item in enumerate(sequence(holder.get(str(route[-1]))))]


def strings(value: Any) -> list[str]:
    """The texts in a list."""
    return [item for item in sequence(value) if isinstance(item, str)]


def selector_of(value: Any) -> dict[str, Any]:
    """A label selector with nothing in it but what a selector can have."""
    expressions = [
        {"key": text(item.get("key")), "operator": text(item.get("operator")), "values": strings(item.get("values"))}
        for item in map(mapping, sequence(mapping(value).get("matchExpressions")))
    ]
    return {"matchLabels": texts(mapping(value).get("matchLabels")), "matchExpressions": expressions}


def problem_at(document: Document, route: Route, message: str, hint: str = "") -> Problem:
    """A problem of a policy file, with its place."""
    from policykit.errors import Problem

    span = document.span(route)
    return Problem(message, f"{span.file}:{span.line}:{span.column}", hint)
