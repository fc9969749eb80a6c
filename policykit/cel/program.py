"""A compiled expression: code objects to a value, an Unknown or an `EvaluationError`.

What is needed for evaluation only; neither parser nor checker is loaded from here.
"""

from __future__ import annotations

import marshal
import sys
from typing import TYPE_CHECKING, Any, Final

from policykit import __version__
from policykit.cel import table
from policykit.cel.errors import BudgetError, EvaluationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from policykit.cel.types import Type

#: Changes whenever generated code of an older version would not run; part of every dump.
FORMAT: Final = f"policykit.cel {__version__} {sys.implementation.cache_tag}"


class StaleProgram(ValueError):  # noqa: N818  the fault of no one: compile again
    """A dump was made by another version of Python or of this package."""


class Program:
    """One expression, compiled. Safe to share between threads.

    `fast` and `exact` are the marshalled code objects of the two renderings; they become functions when first called.
    """

    __slots__ = ("_codes", "_exact", "_fast", "_modules", "_type", "expression")

    def __init__(
        self, expression: str, type_: Type | tuple[Any, ...], fast: bytes, exact: bytes, modules: tuple[str, ...]
    ) -> None:
        self.expression = expression
        self._type = type_
        self._codes = fast, exact
        self._modules = modules
        self._fast: Callable[[Mapping[str, Any]], Any] = self._first_fast
        self._exact: Callable[[Mapping[str, Any]], Any] = self._first_exact

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
            return self.evaluate_exactly(bindings)

    def evaluate_exactly(self, bindings: Mapping[str, Any]) -> Any:
        """`evaluate` by the exact rendering alone: slower, the same answers."""
        try:
            return self._exact(bindings)
        except RecursionError:
            raise EvaluationError("a value is nested too deeply") from None

    def dump(self) -> bytes:
        """The program as bytes for `load`; keep them where only you can write."""
        return marshal.dumps((FORMAT, self.expression, flat_type(self.type), *self._codes, self._modules))

    @classmethod
    def load(cls, data: bytes) -> Program:
        """What `dump` gave. Raises `StaleProgram` for anything else; the bytes must be trusted all the same."""
        try:
            form, *parts = marshal.loads(data)  # noqa: S302  our own dump
        except (EOFError, ValueError, TypeError):
            raise StaleProgram("not a program") from None
        if form != FORMAT:
            raise StaleProgram(form)
        return cls(*parts)

    def _first_fast(self, bindings: Mapping[str, Any]) -> Any:
        self._fast = self._function(self._codes[0])
        return self._fast(bindings)

    def _first_exact(self, bindings: Mapping[str, Any]) -> Any:
        self._exact = self._function(self._codes[1])
        return self._exact(bindings)

    def _function(self, code: bytes) -> Callable[[Mapping[str, Any]], Any]:
        table.ensure(self._modules)
        return table.functions(marshal.loads(code))  # noqa: S302  our own dump


def flat_type(type_: Type) -> tuple[Any, ...]:
    """A type as nested tuples, for a dump. Fields are not kept."""
    return (type_.kind, type_.name, tuple(map(flat_type, type_.parameters)))


def _type(flat: tuple[Any, ...]) -> Type:
    from policykit.cel.types import Type

    kind, name, parameters = flat
    return Type(kind, name, tuple(map(_type, parameters)))
