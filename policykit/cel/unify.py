"""Whether one type fits another, with type variables bound on the way: cel-go's checker/types.go.

A substitution is a dict from the name of a type variable to a type. `assignable` returns an extended copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.cel.types import DYN, NULL, Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.cel.library import Overload

Substitution = dict[str, Type]

_NULLABLE_KINDS = frozenset({"opaque", "object", "time"})


def assignable(subs: Substitution, first: Sequence[Type], second: Sequence[Type]) -> Substitution | None:
    """The bindings under which every type of `first` fits its counterpart in `second`; None where they do not."""
    if len(first) != len(second):
        return None
    extended = dict(subs)
    if all(_fits(extended, a, b) for a, b in zip(first, second, strict=True)):
        return extended
    return None


def _fits(subs: Substitution, first: Type, second: Type) -> bool:
    if second.kind == "param":
        valid, bound = _binds(subs, first, second)
        if valid:
            return True
        if bound:
            return False
    if first.kind == "param":
        return _binds(subs, second, first)[0]
    if first.kind in {"dyn", "error"} or second.kind in {"dyn", "error"}:
        return True
    if first.kind == "null" or second.kind == "null":
        other = second if first.kind == "null" else first
        return other.kind in _NULLABLE_KINDS or other == NULL
    if first.kind == "type":
        return second.kind == "type"
    if first.kind != second.kind or first.name != second.name or len(first.parameters) != len(second.parameters):
        return False
    return all(_fits(subs, a, b) for a, b in zip(first.parameters, second.parameters, strict=True))


def _binds(subs: Substitution, type_: Type, variable: Type) -> tuple[bool, bool]:
    """Whether `variable` may stand for `type_`, and whether it was bound before."""
    if type_ == variable:
        return True, True
    bound = subs.get(variable.name)
    if bound is not None:
        if type_ == bound:
            return True, True
        if not _fits(subs, type_, bound):
            return False, True
        wider = most_general(type_, bound)
        if not _occurs(subs, variable, wider):
            subs[variable.name] = wider
        return True, True
    if _occurs(subs, variable, type_):
        return False, False
    subs[variable.name] = type_
    return True, False


def _occurs(subs: Substitution, variable: Type, within: Type) -> bool:
    if variable == within:
        return True
    if within.kind == "param":
        bound = subs.get(within.name)
        return bound is not None and _occurs(subs, variable, bound)
    return any(_occurs(subs, variable, p) for p in within.parameters)


def most_general(first: Type, second: Type) -> Type:
    """The less specific of two types that fit each other."""
    return first if _less_specific(first, second) else second


def _less_specific(first: Type, second: Type) -> bool:
    if first.kind in {"dyn", "param"}:
        return True
    if second.kind in {"dyn", "param"} or first.kind != second.kind:
        return False
    if first.kind == "type":
        return True
    if first.name != second.name or len(first.parameters) != len(second.parameters):
        return False
    return all(_less_specific(a, b) for a, b in zip(first.parameters, second.parameters, strict=True))


def substitute(subs: Substitution, type_: Type, *, to_dyn: bool = False) -> Type:
    """`type_` with every bound variable replaced; with `to_dyn` the unbound ones become dyn."""
    if type_.kind == "param":
        bound = subs.get(type_.name)
        if bound is not None:
            return substitute(subs, bound, to_dyn=to_dyn)
        return DYN if to_dyn else type_
    if not type_.parameters:
        return type_
    parameters = tuple(substitute(subs, p, to_dyn=to_dyn) for p in type_.parameters)
    return type_ if parameters == type_.parameters else Type(type_.kind, type_.name, parameters)


def type_variables(type_: Type) -> list[Type]:
    """The type variables that occur in a type."""
    if type_.kind == "param":
        return [type_]
    return [variable for parameter in type_.parameters for variable in type_variables(parameter)]


class Unifier:
    """The type variables of one check and what they stand for so far."""

    def __init__(self) -> None:
        self.subs: Substitution = {}
        self.fresh = 0

    def fits(self, first: Sequence[Type], second: Sequence[Type]) -> bool:
        """Whether types fit their counterparts; if so their type variables are bound."""
        extended = assignable(self.subs, first, second)
        if extended is None:
            return False
        self.subs = extended
        return True

    def variable(self) -> Type:
        """A new type variable."""
        self.fresh += 1
        return Type("param", f"_var{self.fresh - 1}")

    def instance(self, overload: Overload) -> tuple[Sequence[Type], Type]:
        """The argument types and the result type of an overload, its type variables made new."""
        names = {p.name for t in (*overload.arguments, overload.result) for p in type_variables(t)}
        if not names:
            return overload.arguments, overload.result
        new = {name: self.variable() for name in sorted(names)}
        return [substitute(new, t) for t in overload.arguments], substitute(new, overload.result)
