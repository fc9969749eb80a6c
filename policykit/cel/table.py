"""The fixed table of names that generated code may use, and code objects made functions over it.

Whatever a policy says, its code can name nothing else: no builtins, no imports, no attributes but those that the
renderers write. A test walks the code objects.
"""

from __future__ import annotations

from importlib import import_module
from types import CodeType, FunctionType, ModuleType, NoneType
from typing import TYPE_CHECKING, Any

from policykit.cel import arithmetic, budget, fields, operators, runtime
from policykit.cel.errors import EvaluationError
from policykit.cel.library import is_a
from policykit.cel.values import NONE, Duration, Optional, Timestamp, TypeValue, UInt
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from policykit.cel.library import Overload


class _Patterns(dict[str, Any]):
    """A regular expression to its test; compiled when first used, kept while there are not too many."""

    def __missing__(self, pattern: str) -> Callable[[str], bool]:
        from policykit.cel import regex

        if len(self) > 4096:
            self.clear()
        test: Callable[[str], bool] = regex.compile(pattern).search
        self[pattern] = test
        return test


#: The functions of generated code, by the module that has them.
_FUNCTIONS: dict[ModuleType, str] = {
    arithmetic: "add divide minus modulo multiply size subtract",
    budget: "budget charge metered",
    fields: "MADE MISSING has index known_has optional_index optional_select reach select variable",
    operators: (
        "contains differs equal greater greater_equal known_contains known_equal known_greater known_greater_equal "
        "known_less known_less_equal less less_equal"
    ),
    runtime: (
        "absorb also bail call call_any call_compiled condition despite either elements insert insert_all map_of "
        "negate no_condition pairs settle some"
    ),
}

#: The globals of every generated function.
TABLE: dict[str, Any] = {
    "__builtins__": {},
    "type": type,
    "len": len,
    "enumerate": enumerate,
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "bytes": bytes,
    "list": list,
    "dict": dict,
    "NoneType": NoneType,
    "UInt": UInt,
    "Timestamp": Timestamp,
    "Duration": Duration,
    "TypeValue": TypeValue,
    "Optional": Optional,
    "NONE": NONE,
    "Unknown": Unknown,
    "EvaluationError": EvaluationError,
    "PATTERNS": _Patterns(),
    "is_a": is_a,
    **{name: getattr(module, name) for module, names in _FUNCTIONS.items() for name in names.split()},
}

_loaded: set[str] = set()


def load(module: str) -> tuple[Overload, ...]:
    """The overloads of a library module; their names are added to the table once."""
    overloads: tuple[Overload, ...] = import_module(module_path(module)).FUNCTIONS
    if module not in _loaded:
        for overload in overloads:
            TABLE[f"F_{overload.key}"] = overload.implementation
            TABLE[f"O_{overload.key}"] = overload
        _loaded.add(module)
    return overloads


def module_path(module: str) -> str:
    """Where a library module is: in `policykit.cel.library`, or where its full name says."""
    return module if "." in module else f"policykit.cel.library.{module}"


def ensure(modules: Iterable[str]) -> None:
    """Load the library modules that a program calls."""
    for module in modules:
        if module not in _loaded:
            load(module)


def functions(code: tuple[CodeType, ...]) -> Callable[[Any], Any]:
    """Code objects as functions over the table; the last is returned, the others are its parts."""
    *parts, main = code
    scope = {**TABLE, **{part.co_name: None for part in parts}} if parts else TABLE
    for part in parts:
        scope[part.co_name] = FunctionType(part, scope)
    return FunctionType(main, scope)
