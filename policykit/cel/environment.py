"""Declarations (variables, functions, types) to an environment that compiles expressions."""

from __future__ import annotations

import marshal
from functools import cache
from typing import TYPE_CHECKING

from policykit.cel import kubernetes as k8s
from policykit.cel.errors import CelSyntaxError, CelTypeError, Issue, Places, PlanningError
from policykit.cel.program import FORMAT, Program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

    from policykit.cel.library import Overload, Version
    from policykit.cel.syntax import Node
    from policykit.cel.types import Type

LATEST: Version = (1, 36)


@cache
def _libraries(version: Version, extra: tuple[str, ...]) -> tuple[dict[str, tuple[Overload, ...]], dict[str, Type]]:
    """The functions by name, and the types by name, of a Kubernetes version."""
    from importlib import import_module

    from policykit.cel import table

    functions: dict[str, list[Overload]] = {}
    types: dict[str, Type] = {}
    known = [module for module, since in k8s.LIBRARIES.items() if since <= version]
    for module in (*known, *extra):
        for overload in table.load(module):
            if overload.since <= version:
                functions.setdefault(overload.name, []).append(overload)
        types |= import_module(table.module_path(module)).TYPES
    return {name: tuple(overloads) for name, overloads in functions.items()}, types


class Environment:
    """The names that expressions may use: variables with their types, and the libraries of a Kubernetes version.

    `variables` maps names (dots allowed) to types of `policykit.cel.types`; `kubernetes` is (major, minor);
    `libraries` are importable modules with functions of one's own (see `policykit.cel.library`), each with a last
    component that no other library has.
    """

    def __init__(
        self, variables: Mapping[str, Type], *, kubernetes: Version = LATEST, libraries: tuple[str, ...] = ()
    ) -> None:
        self.variables = dict(variables)
        self.kubernetes = kubernetes
        self.libraries = libraries
        self._functions, types = _libraries(kubernetes, libraries)
        self._types = types | k8s.object_types(self.variables)
        self._macros = k8s.macros(kubernetes)

    def extend(self, variables: Mapping[str, Type]) -> Environment:
        """This environment with more variables, or others of the same name."""
        return Environment({**self.variables, **variables}, kubernetes=self.kubernetes, libraries=self.libraries)

    def check(self, text: str) -> Type:
        """The type of an expression; raises as `compile` does."""
        return self._checked(text)[1]

    def compile(self, text: str) -> Program:
        """The program of an expression; raises `CelSyntaxError` or `CelTypeError` with every issue."""
        tree, type_ = self._checked(text)
        from policykit.cel.exact import Exact
        from policykit.cel.fast import Fast

        fast = _code(Fast().source(tree))
        exact = _code(Exact().source(tree))
        modules = self._modules(fast) | self._modules(exact)
        return Program(text, type_, marshal.dumps(fast), marshal.dumps(exact), tuple(sorted(modules)))

    def digest(self, text: str) -> str:
        """What a cache may keep the program of an expression under: text, environment and Python version."""
        import hashlib

        names = "\n".join(f"{name}: {_describe(type_)}" for name, type_ in sorted(self.variables.items()))
        parts = "\0".join((FORMAT, str(self.kubernetes), " ".join(self.libraries), names, text))
        return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()

    def _modules(self, code: tuple[CodeType, ...]) -> set[str]:
        """The library modules whose functions code calls."""
        homes = {module.rpartition(".")[2]: module for module in (*k8s.LIBRARIES, *self.libraries)}
        names = {name for part in code for name in part.co_names if name.startswith(("F_", "O_"))}
        return {homes[home] for name in names if (home := name[2:].partition("__")[0]) in homes}

    def _checked(self, text: str) -> tuple[Node, Type]:
        from policykit.cel.checker import Checker
        from policykit.cel.parser import parse
        from policykit.cel.planner import PlanError, plan, validate

        tree = parse(text, self._macros)
        if self.kubernetes < k8s.LIBRARIES["optionals"]:
            self._refuse_optionals(text, tree)
        checker = Checker(self.variables, self._functions, self._types)
        type_ = checker.check(tree)
        problems = checker.problems or validate(tree, literals=self.kubernetes >= k8s.VALIDATORS)
        if problems:
            raise CelTypeError(text, _issues(text, problems))
        try:
            plan(tree)
        except PlanError as error:
            raise PlanningError(text, _issues(text, [(str(error), error.offset)])) from None
        return tree, type_

    def _refuse_optionals(self, text: str, tree: Node) -> None:
        from policykit.cel.planner import walk
        from policykit.cel.syntax import OPTIONAL_INDEX, OPTIONAL_SELECT, Call, ListLiteral, MapLiteral

        problems = []
        for node, _ in walk(tree):
            if isinstance(node, Call) and node.name in {OPTIONAL_SELECT, OPTIONAL_INDEX}:
                problems.append((f"unsupported syntax '{'.?' if node.name == OPTIONAL_SELECT else '[?'}'", node.offset))
            elif isinstance(node, ListLiteral) and node.optional:
                problems.append(("unsupported syntax '?'", node.offset))
            elif isinstance(node, MapLiteral):
                problems += [("unsupported syntax '?'", e.offset) for e in node.entries if e.optional]
        if problems:
            raise CelSyntaxError(text, _issues(text, problems))


def _describe(type_: Type) -> str:
    """A type with all its fields, for a digest."""
    from policykit.cel.types import fields_of

    fields = ",".join(f"{name}:{_describe(field)}" for name, field in sorted(fields_of(type_).items()))
    inner = ",".join(map(_describe, type_.parameters))
    return f"{type_.name}({inner}){{{fields}}}"


def _issues(text: str, problems: list[tuple[str, int]]) -> tuple[Issue, ...]:
    places = Places(text)
    return tuple(sorted((places.issue(*problem) for problem in problems), key=lambda i: (i.line, i.column)))


def _code(source: str) -> tuple[CodeType, ...]:
    """The code objects of the functions that a renderer wrote, in its order."""
    module = compile(source, "<cel>", "exec", dont_inherit=True, optimize=2)
    return tuple(const for const in module.co_consts if hasattr(const, "co_code"))
