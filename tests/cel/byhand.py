"""CEL as a person would write it in Python by hand: a text -> a function, without CEL's errors, types and unknowns.

The yardstick for speed. What a person would not write in one line (durations, quantities, ...) is not covered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.cel.macros import OPTIONALS, STANDARD, TWO_VARIABLES
from policykit.cel.parser import parse
from policykit.cel.syntax import Call, Fold, Ident, ListLiteral, Literal, MapLiteral, Node, Select

if TYPE_CHECKING:
    from collections.abc import Callable

_BINARY = {
    "_==_": "==",
    "_!=_": "!=",
    "_<_": "<",
    "_<=_": "<=",
    "_>_": ">",
    "_>=_": ">=",
    "_+_": "+",
    "_-_": "-",
    "_*_": "*",
    "_%_": "%",
    "@in": "in",
}
_METHODS = {
    "startsWith": "startswith",
    "endsWith": "endswith",
    "lowerAscii": "lower",
    "upperAscii": "upper",
    "trim": "strip",
    "split": "split",
    "replace": "replace",
    "indexOf": "find",
    "lastIndexOf": "rfind",
}
_FOLDS = {
    "all": "all({0} for {2} in {3})",
    "exists": "any({0} for {2} in {3})",
    "exists_one": "sum(1 for {2} in {3} if {0}) == 1",
    "filter": "[{2} for {2} in {3} if {0}]",
}
_FUNCTIONS = {"size": "len", "string": "str", "int": "int", "dyn": "", "bool": "bool"}


class NotCovered(Exception):  # noqa: N818
    """No one would write this as one line."""


def by_hand(expression: str) -> Callable[[dict[str, Any]], Any]:
    """The function; `o` is what the variables are bound to. Raises `NotCovered`."""
    tree = parse(expression, {**STANDARD, **OPTIONALS, **TWO_VARIABLES})
    source = f"lambda o: {_text(tree, frozenset())}"
    return eval(source, {"search": re.search, "compiled": re.compile, "get": _get})  # type: ignore[no-any-return]


def _get(value: Any, default: Any, *fields: str) -> Any:
    for field in fields:
        if value is None or field not in value:
            return default
        value = value[field]
    return value


def _text(node: Node, local: frozenset[str]) -> str:
    if isinstance(node, Literal):
        return repr(node.value)
    if isinstance(node, Ident):
        return node.name if node.name in local else f"o[{node.name!r}]"
    if isinstance(node, Select):
        operand = _text(node.operand, local)
        return f"({node.field!r} in {operand})" if node.test else f"{operand}[{node.field!r}]"
    if isinstance(node, ListLiteral) and not node.optional:
        return f"[{', '.join(_text(e, local) for e in node.elements)}]"
    if isinstance(node, MapLiteral):
        return f"{{{', '.join(f'{_text(e.key, local)}: {_text(e.value, local)}' for e in node.entries)}}}"
    if isinstance(node, Fold):
        return _fold(node, local)
    if isinstance(node, Call):
        return _call(node, local)
    raise NotCovered


def _fold(node: Fold, local: frozenset[str]) -> str:
    if node.variable2 or (node.macro not in _FOLDS and node.macro != "map"):
        raise NotCovered
    inner = local | {node.variable}
    predicate = _text(node.predicate, inner) if node.predicate is not None else ""
    transform = _text(node.transform, inner) if node.transform is not None else ""
    range_ = _text(node.range, local)
    if node.macro == "map":
        condition = f" if {predicate}" if predicate else ""
        return f"[{transform} for {node.variable} in {range_}{condition}]"
    return f"({_FOLDS[node.macro].format(predicate, transform, node.variable, range_)})"


def _call(node: Call, local: frozenset[str]) -> str:
    if node.name == "orValue":
        return _or_value(node, local)
    args = [_text(a, local) for a in node.args]
    if node.name in {"_&&_", "_||_"}:
        return f"({' and '.join(args) if node.name == '_&&_' else ' or '.join(args)})"
    if node.name == "_?_:_":
        return f"({args[1]} if {args[0]} else {args[2]})"
    if node.name in _BINARY:
        return f"({args[0]} {_BINARY[node.name]} {args[1]})"
    if node.name == "!_":
        return f"(not {args[0]})"
    if node.name == "_[_]":
        return f"{args[0]}[{args[1]}]"
    if node.target is None:
        if node.name not in _FUNCTIONS:
            raise NotCovered
        return f"{_FUNCTIONS[node.name]}({args[0]})"
    return _method(node, _text(node.target, local), args)


def _method(node: Call, target: str, args: list[str]) -> str:
    if node.name in _METHODS:
        return f"{target}.{_METHODS[node.name]}({', '.join(args)})"
    if node.name == "size":
        return f"len({target})"
    if node.name == "contains":
        return f"({args[0]} in {target})"
    if node.name == "matches":
        return f"(search({args[0]}, {target}) is not None)"
    if node.name == "join":
        return f"{args[0]}.join({target})"
    raise NotCovered


def _or_value(node: Call, local: frozenset[str]) -> str:
    """`a.?b.?c.orValue(d)` as a chain of gets."""
    fields: list[str] = []
    inner: Node | None = node.target
    while isinstance(inner, Call | Select):
        if isinstance(inner, Select):
            fields.append(repr(inner.field))
            inner = inner.operand
            continue
        if inner.name != "_?._":
            break
        key = inner.args[1]
        assert isinstance(key, Literal)
        fields.append(repr(key.value))
        inner = inner.args[0]
    if inner is None or not fields:
        raise NotCovered
    return f"get({_text(inner, local)}, {_text(node.args[0], local)}, {', '.join(reversed(fields))})"
