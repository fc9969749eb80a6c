"""A ValidatingAdmissionPolicy's expressions, compiled, and what they decide about a request.

Semantics of k8s.io/apiserver `pkg/admission/plugin/policy/validating/validator.go`: match conditions first, then every
validation; an error is the failure policy's case; a message expression that gives nothing usable falls back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from policykit.cel.errors import EvaluationError
from policykit.unknown import Unknown, merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policykit.cel.composition import Composition
    from policykit.cel.program import Program

Action = Literal["deny", "unknown"]

#: Messages longer than this are not used (apiserver: `validator.go`, MessageExpression; CEL's string limit).
_LONGEST_MESSAGE = 5 * 1024


class Decision(NamedTuple):
    """What a policy holds against a request.

    `reason` is the StatusReason of a denial; `position` counts the validations from 0, -1 for none of them.
    """

    action: Action
    message: str
    reason: str
    position: int


class Rule(NamedTuple):
    """One validation: `message` as written, `expression` for the message of last resort."""

    program: Program
    expression: str
    message: str
    message_program: Program | None
    reason: str


class Validator:
    """The expressions of one policy. Pure and safe to share between threads."""

    def __init__(
        self,
        composition: Composition,
        conditions: Sequence[tuple[str, Program]],
        rules: Sequence[Rule],
        *,
        fails: bool = True,
    ) -> None:
        """`fails`: the failure policy is Fail, so that an error denies."""
        self._composition = composition
        self._conditions = conditions
        self._rules = rules
        self._fails = fails

    def decide(self, bindings: Mapping[str, Any]) -> list[Decision]:
        """What is held against a request; nothing where it complies or the policy does not apply."""
        bound = self._composition.bind(bindings)
        applies = self._applies(bound)
        if isinstance(applies, EvaluationError):
            return [Decision("deny", str(applies), "Invalid", -1)] if self._fails else []
        if applies is False:
            return []
        decisions = [d for index, rule in enumerate(self._rules) for d in self._judge(rule, index, bound)]
        if isinstance(applies, Unknown) and decisions:
            return [Decision("unknown", _doubt(applies), "", -1)]
        return decisions

    def _applies(self, bound: Mapping[str, Any]) -> bool | Unknown | EvaluationError:
        """A condition that is false decides before one that has no value, that before one that is unknown."""
        doubt: Unknown | None = None
        errors: list[str] = []
        for _, program in self._conditions:
            try:
                value = program.evaluate(bound)
            except EvaluationError as error:
                errors.append(str(error))
                continue
            if isinstance(value, Unknown):
                doubt = value if doubt is None else merge(doubt, value)
            elif value is not True:
                return False
        if errors:
            return EvaluationError(_errors(errors))
        return True if doubt is None else doubt

    def _judge(self, rule: Rule, index: int, bound: Mapping[str, Any]) -> Iterator[Decision]:
        try:
            value = rule.program.evaluate(bound)
        except EvaluationError as error:
            if self._fails:
                message = f"expression '{rule.expression.strip()}' resulted in error: {error}"
                yield Decision("deny", message, "Invalid", index)
            return
        if isinstance(value, Unknown):
            yield Decision("unknown", _doubt(value), "", index)
        elif value is not True:
            yield Decision("deny", _message(rule, bound), rule.reason or "Invalid", index)


def _message(rule: Rule, bound: Mapping[str, Any]) -> str:
    if rule.message_program is not None:
        try:
            value = rule.message_program.evaluate(bound)
        except EvaluationError:
            value = None
        if isinstance(value, str):
            usable = value.strip()
            if usable and "\n" not in usable and len(usable.encode()) <= _LONGEST_MESSAGE:
                return usable
    return rule.message.strip() or f"failed expression: {rule.expression.strip()}"


def _doubt(value: Unknown) -> str:
    return f"cannot be judged: {'; '.join(value.reasons)}"


def _errors(errors: list[str]) -> str:
    """Several errors as apimachinery's aggregate prints them."""
    return errors[0] if len(errors) == 1 else f"[{', '.join(dict.fromkeys(errors))}]"
