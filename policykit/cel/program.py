"""A compiled expression: code objects to a value, an Unknown or an `EvaluationError`.

What is needed for evaluation only; neither parser nor checker is loaded from here.
"""

from __future__ import annotations

import marshal
import sys
from typing import TYPE_CHECKING, Any, Final

from policykit.cel import table
from policykit.cel.errors import BudgetError, EvaluationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

    from policykit.cel.types import Type

#: Changes whenever generated code of an older version would not run; part of every dump.
FORMAT: Final = f"policykit-cel-1 {sys.implementation.cache_tag}"


class StaleProgram(ValueError):  # noqa: N818  the fault of no one: compile again
    """A dump was made by another version of Python or of this package."""


class Program:
    """One expression, compiled. Safe to share between threads."""

    __slots__ = ("_exact", "_exact_code", "_fast", "_fast_code", "_modules", "_type", "expression")

    def __init__(
        self,
        expression: str,
        type_: Type | tuple[Any, ...],
        fast: tuple[CodeType, ...],
        exact: bytes,
        modules: tuple[str, ...],
    ) -> None:
        self.expression = expression
        self._type = type_
        self._fast_code = fast
        self._exact_code = exact
        self._modules = modules
        table.ensure(modules)
        self._fast = table.functions(fast)
        self._exact: Any = None

    @property
    def type(self) -> Type:
        """The type that the checker inferred for the result."""
        return _type(self._type) if isinstance(self._type, tuple) else self._type

    def evaluate(self, bindings: Mapping[str, Any]) -> Any:
        """The value for these variables, which are plain values (`policykit.cel.values`).

        Gives an `Unknown` where the value depends on one. Raises `EvaluationError` with cel-go's message.
        """
        try:
            return self._fast(bindings)
        except BudgetError:
            raise
        except Exception:
            return self._evaluate_exactly(bindings)

    def _evaluate_exactly(self, bindings: Mapping[str, Any]) -> Any:
        if self._exact is None:
            self._exact = table.functions(marshal.loads(self._exact_code))  # noqa: S302  our own dump
        try:
            return self._exact(bindings)
        except RecursionError:
            raise EvaluationError("a value is nested too deeply") from None

    def dump(self) -> bytes:
        """The program as bytes for `load`; no text of it is ever executed, but keep it where only you can write."""
        parts = (FORMAT, self.expression, flat_type(self.type), self._fast_code, self._exact_code, self._modules)
        return marshal.dumps(parts)

    @classmethod
    def load(cls, data: bytes) -> Program:
        """What `dump` gave. Raises `StaleProgram` for a dump of another version; the bytes must be trusted."""
        form, *parts = marshal.loads(data)  # noqa: S302  our own dump
        if form != FORMAT:
            raise StaleProgram(form)
        return cls(*parts)


def flat_type(type_: Type) -> tuple[Any, ...]:
    """A type as nested tuples, for a dump. Fields are not kept."""
    return (type_.kind, type_.name, tuple(map(flat_type, type_.parameters)))


def _type(flat: tuple[Any, ...]) -> Type:
    from policykit.cel.types import Type

    kind, name, parameters = flat
    return Type(kind, name, tuple(map(_type, parameters)))
