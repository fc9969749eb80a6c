"""A compiled policy: a subject's data to what is wrong with it. Pure, and the hot path of every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.catalogue.outcome import Outcome
from policykit.cel.composition import Composition
from policykit.cel.errors import EvaluationError
from policykit.cel.program import Program
from policykit.unknown import Unknown, merge
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.policy import Policy
    from policykit.views.project import Project
    from policykit.views.view import Subject


class PolicyCheck:
    """The check of one policy file; its programs are made from their dumps when first needed."""

    def __init__(self, policy: Policy, dumps: Mapping[str, Any]) -> None:
        self.policy = policy
        self._binding = VIEWS[policy.for_each].binding
        self._composition = Composition({name: Program.load(dump) for name, dump in dumps["variables"]})
        self._conditions = [Program.load(dump) for _, dump in dumps["conditions"]]
        self._validations = [
            (validation, Program.load(dump), Program.load(message) if message else None)
            for validation, (dump, message) in zip(policy.validations, dumps["validations"], strict=True)
        ]

    def judge(self, subject: Subject, project: Project, parameters: Mapping[str, Any]) -> list[Outcome]:  # noqa: ARG002
        """See `policykit.catalogue.outcome.Check`."""
        bindings: dict[str, Any] = {self._binding: subject.data, "params": parameters}
        if self._composition.programs:
            bindings = self._composition.bind(bindings)
        doubt = self._applies(bindings) if self._conditions else True
        if doubt is False:
            return []
        failed: list[Outcome] = []
        unknown: list[tuple[Unknown, str]] = []
        for validation, program, message in self._validations:
            value = _evaluate(program, bindings)
            if value is True:
                continue
            if isinstance(value, Unknown):
                unknown.append((value, validation.at))
            elif isinstance(doubt, Unknown):
                unknown.append((doubt, validation.at))
            else:
                failed.append(Outcome("fail", _message(validation.message, message, bindings), validation.at))
        return failed or (_merged(unknown) if unknown else [])

    def _applies(self, bindings: Mapping[str, Any]) -> bool | Unknown:
        """Whether every match condition holds; one that is false decides before one that is unknown."""
        doubt: Unknown | None = None
        for condition in self._conditions:
            value = _evaluate(condition, bindings)
            if isinstance(value, Unknown):
                doubt = value if doubt is None else merge(doubt, value)
            elif value is not True:
                return False
        return True if doubt is None else doubt


def _evaluate(program: Program, bindings: Mapping[str, Any]) -> Any:
    """An expression without a value leaves it unknown whether the subject complies."""
    try:
        return program.evaluate(bindings)
    except EvaluationError as error:
        return Unknown((f"the expression `{program.expression.strip()}` has no value here: {error}",))


def _message(message: str, program: Program | None, bindings: Mapping[str, Any]) -> str:
    if program is None:
        return message
    value = _evaluate(program, bindings)
    return value if isinstance(value, str) and value.strip() else message


def _merged(unknown: list[tuple[Unknown, str]]) -> list[Outcome]:
    """One outcome for each part that cannot be judged."""
    doubts: dict[str, Unknown] = {}
    for doubt, at in unknown:
        doubts[at] = merge(doubts[at], doubt) if at in doubts else doubt
    return [Outcome("unknown", f"cannot be judged: {'; '.join(doubt.reasons)}", at) for at, doubt in doubts.items()]
