"""The `variables` of a policy: ordered expressions that later ones see as `variables.name`, evaluated at most once.

As in ValidatingAdmissionPolicy (k8s.io/apiserver pkg/admission/plugin/cel/composition.go): lazily, when first
read; the checker infers the types; an error is told with the name of the variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.budget import Bound
from policykit.cel.errors import BudgetError, CompileError, EvaluationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policykit.cel.environment import Environment
    from policykit.cel.program import Program

#: The name of the type of `variables`; expressions see it in error messages only.
_TYPE_NAME = "kubernetes.variables"


class Composition:
    """The programs of a policy's variables.

    `environment` sees them all; `errors` has those that do not compile, which count as dyn, so that whoever
    compiles a policy can go on and report everything that is wrong with it.
    """

    def __init__(
        self,
        programs: Mapping[str, Program],
        environment: Environment | None = None,
        errors: Mapping[str, CompileError] | None = None,
    ) -> None:
        self.programs = dict(programs)
        self.environment = environment
        self.errors = dict(errors or {})

    @classmethod
    def compile(cls, environment: Environment, variables: Iterable[tuple[str, str]]) -> Composition:
        """Variables (name, expression) in order; each sees those before it. What does not compile is in `errors`."""
        from policykit.cel.types import DYN, ObjectType, Type

        programs: dict[str, Program] = {}
        errors: dict[str, CompileError] = {}
        types: dict[str, Type] = {}
        seeing = environment.extend({"variables": ObjectType(_TYPE_NAME, types)})
        for name, expression in variables:
            try:
                programs[name] = seeing.compile(expression)
                types[name] = programs[name].type
            except CompileError as error:
                errors[name] = error
                types[name] = DYN
            seeing = environment.extend({"variables": ObjectType(_TYPE_NAME, types)})
        return cls(programs, seeing, errors)

    def bind(self, bindings: Mapping[str, Any]) -> Bound:
        """The bindings together with `variables`; use one for all expressions of one evaluation of a policy."""
        bound = Bound(bindings)
        bound["variables"] = Variables(self.programs, bound, self.errors)
        return bound


class Variables(dict[str, Any]):
    """The values of variables; what is not there yet is evaluated when asked for, once."""

    __slots__ = ("_bindings", "_failed", "_programs")

    def __init__(
        self, programs: Mapping[str, Program], bindings: Mapping[str, Any], errors: Mapping[str, CompileError]
    ) -> None:
        super().__init__()
        self._programs = programs
        self._bindings = bindings
        self._failed = {name: _failure(name, f"compile: {error.told}") for name, error in errors.items()}

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a variable (the checker has made sure that there is one)."""
        return self[name] if name in self._programs or name in self._failed else default

    def __missing__(self, name: str) -> Any:
        if name in self._failed:
            raise self._failed[name]
        program = self._programs[name]
        try:
            value = program.evaluate(self._bindings)
        except BudgetError:
            raise
        except EvaluationError as error:
            self._failed[name] = _failure(name, f"evaluate: {error}")
            raise self._failed[name] from None
        self[name] = value
        return value


def _failure(name: str, reason: str) -> EvaluationError:
    return EvaluationError(f'composited variable "{name}" fails to {reason}')
