"""How an extension declares functions: a module here lists overloads, an environment picks the modules.

A module has `FUNCTIONS`, a tuple of what `member` and `function` make. An implementation is a pure function over
CEL values (see `policykit.cel.values`); it raises `EvaluationError` with cel-go's message, is called only with
arguments of the declared types, and never with an Unknown: the caller deals with both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policykit.cel.values import type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from policykit.cel.types import Type

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature of a function.

    `arguments` begins with the receiver of a member. `since`: the first Kubernetes version that has it. `linear`: the
    time grows with the size of the arguments, which costs budget inside of loops. `inexact`: implemented for
    arguments of any type (it raises `no such overload` itself). `regex`: which argument is a regular expression (a
    constant one is vetted at compile time). `partial`: it may give an Unknown, so that nothing is sure of its result.
    """

    name: str
    member: bool
    arguments: tuple[Type, ...]
    result: Type
    implementation: Callable[..., Any]
    since: Version = (1, 0)
    linear: bool = False
    inexact: bool = False
    regex: int | None = None
    partial: bool = False

    @property
    def key(self) -> str:
        """The name that generated code knows the overload by: module, implementation and argument types."""
        module = self.implementation.__module__.rpartition(".")[2]
        types = "__".join("".join(c if c.isalnum() else "_" for c in str(declared)) for declared in self.arguments)
        return f"{module}__{self.implementation.__name__}__{types}"

    def accepts(self, arguments: tuple[Any, ...]) -> bool:
        """Whether values fit the declared types."""
        if self.inexact:
            return True
        return len(arguments) == len(self.arguments) and all(map(_fits, self.arguments, arguments))


def _fits(declared: Type, value: Any) -> bool:
    """Whether a value is of a type; of a list or a map cel-go looks at the first element only."""
    if declared.kind in {"dyn", "param"}:
        return True
    if declared.kind == "object":
        return isinstance(value, dict)
    if type_name(value) != declared.name:
        return False
    if declared.kind == "list" and value:
        return _fits(declared.parameters[0], value[0])
    if declared.kind == "map" and value:
        key = next(iter(value))
        return _fits(declared.parameters[0], key) and _fits(declared.parameters[1], value[key])
    return True


def member(
    name: str, arguments: tuple[Type, ...], result: Type, implementation: Callable[..., Any], **options: Any
) -> Overload:
    """An overload called as `arguments[0].name(arguments[1:])`."""
    return Overload(name, True, arguments, result, implementation, **options)


def function(
    name: str, arguments: tuple[Type, ...], result: Type, implementation: Callable[..., Any], **options: Any
) -> Overload:
    """An overload called as `name(arguments)`; the name may have dots (`optional.of`)."""
    return Overload(name, False, arguments, result, implementation, **options)


def is_a(value: Any, name: str) -> bool:
    """Whether a value is of a type that a library brings."""
    return getattr(type(value), "cel_type", "") == name
