"""The compiled expressions of a rule, and what they decide about a request.

Semantics of k8s.io/apiserver `pkg/admission/plugin/policy/validating/validator.go` and of
`plugin/webhook/matchconditions`; Kyverno's `pkg/cel/policies/vpol/compiler/policy.go` for a rule in its dialect. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from policykit.cel.errors import EvaluationError
from policykit.unknown import Unknown, merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policykit.admission.form import Dialect
    from policykit.cel.composition import Composition
    from policykit.cel.program import Program
    from policykit.document import Route

#: A message expression that gives more is not used (apiserver, `MaxEvaluatedMessageExpressionSizeBytes`).
_LONGEST_MESSAGE = 5 * 1024


class Decision(NamedTuple):
    """What a rule holds against a request.

    `reason` is the StatusReason of a denial; `position` counts the validations from 0, -1 for none of them. `always`:
    it denies whatever the binding says is to be done about denials.
    """

    action: Literal["deny", "unknown"]
    message: str
    reason: str = "Invalid"
    position: int = -1
    always: bool = False


class Validation(NamedTuple):
    """One validation: what must hold, what to say where it does not, and the parts of the object it is about."""

    program: Program
    message: str
    message_program: Program | None
    reason: str
    routes: tuple[Route, ...]


class Validator:
    """The expressions of one rule. Safe to share between threads."""

    def __init__(
        self,
        composition: Composition,
        conditions: Sequence[Program],
        validations: Sequence[Validation],
        audit: Sequence[Program],
        dialect: Dialect,
    ) -> None:
        self.validations = validations
        self._composition = composition
        self._conditions = conditions
        self._audit = audit
        self._kyverno = dialect == "kyverno"

    def decide(self, variables: Mapping[str, Any], *, fails: bool) -> list[Decision]:
        """What is held against a request; nothing where it complies or the rule does not apply.

        `fails`: the failure policy is Fail, so that an expression without a value denies.
        """
        applies = self._applies(variables)
        if isinstance(applies, EvaluationError):
            return [Decision("deny", str(applies))] if fails else []
        if applies is False:
            return []
        bound = self._composition.bind(variables)
        # Kyverno's failure policy is about match conditions only, and it looks for the first failure.
        fails = fails or self._kyverno
        decisions: list[Decision] = []
        for index in range(len(self.validations)):
            decisions += self._judge(index, bound, fails=fails)
            if self._kyverno and decisions and decisions[-1].action == "deny":
                break
        if self._audit and fails:
            decisions += self._unauditable(bound)
        if isinstance(applies, Unknown) and decisions:
            return [Decision("unknown", doubtful(applies))]
        return decisions

    def _applies(self, variables: Mapping[str, Any]) -> bool | Unknown | EvaluationError:
        """A condition that is false decides before one that has no value, that before one that is unknown."""
        if not self._conditions:
            return True
        # An API server evaluates conditions before it asks for the namespace.
        seen = variables if self._kyverno else {**variables, "namespaceObject": None}
        bound = self._composition.bind(seen)
        doubt: Unknown | None = None
        errors: dict[str, None] = {}
        for program in self._conditions:
            try:
                value = program.evaluate(bound)
            except EvaluationError as error:
                errors[str(error) if self._kyverno else _failure(program, error)] = None
                continue
            if isinstance(value, Unknown):
                doubt = value if doubt is None else merge(doubt, value)
            elif value is not True:
                return False
        if errors:
            return EvaluationError(_aggregate(list(errors)))
        return True if doubt is None else doubt

    def _judge(self, index: int, bound: Mapping[str, Any], *, fails: bool) -> Iterator[Decision]:
        validation = self.validations[index]
        try:
            value = validation.program.evaluate(bound)
        except EvaluationError as error:
            if fails:
                message = str(error) if self._kyverno else _failure(validation.program, error)
                yield Decision("deny", message, "Invalid", index)
            return
        if isinstance(value, Unknown):
            yield Decision("unknown", doubtful(value), "", index)
        elif value is not True:
            message = _kyverno_message(validation, index, bound) if self._kyverno else _message(validation, bound)
            yield Decision("deny", message, validation.reason or "Invalid", index)

    def _unauditable(self, bound: Mapping[str, Any]) -> Iterator[Decision]:
        """An annotation that cannot be told denies the request as well."""
        for program in self._audit:
            try:
                program.evaluate(bound)
            except EvaluationError as error:
                yield Decision("deny", _failure(program, error), always=True)


def doubtful(value: Unknown) -> str:
    """The message of a verdict that cannot be given."""
    return f"cannot be judged: {'; '.join(value.reasons)}"


def _failure(program: Program, error: EvaluationError) -> str:
    return f"expression '{program.expression}' resulted in error: {error}"


def _message(validation: Validation, bound: Mapping[str, Any]) -> str:
    """The message expression's, if it gives one line that is not too long; the message; the expression."""
    said = _said(validation, bound)
    if isinstance(said, str):
        usable = said.strip()
        if usable and "\n" not in usable and len(usable.encode()) <= _LONGEST_MESSAGE:
            return usable
    return validation.message.strip() or f"failed expression: {validation.program.expression.strip()}"


def _kyverno_message(validation: Validation, index: int, bound: Mapping[str, Any]) -> str:
    """The message expression's, whatever it gives; the message; the position."""
    said = _said(validation, bound)
    if isinstance(said, EvaluationError):
        return f"failed to evaluate message expression: {said}"
    text = said if isinstance(said, str) else validation.message
    return text or f"CEL expression validation failed at index {index}"


def _said(validation: Validation, bound: Mapping[str, Any]) -> Any:
    if validation.message_program is None:
        return None
    try:
        return validation.message_program.evaluate(bound)
    except EvaluationError as error:
        return error


def _aggregate(errors: list[str]) -> str:
    """Several errors as apimachinery's aggregate prints them."""
    return errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"
