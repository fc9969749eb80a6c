"""What the API server finds wrong with a well-typed expression: literals that can be no value.

Two stages, as there. `validate` looks at literals of some functions and at the element types of literal lists and
maps (cel-go cel/validator.go). `plan` evaluates constant parts as cel-go does when it makes a program
(interpreter/decorators.go) and fails where one has no value, even in a branch that is never taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from policykit.cel import syntax
from policykit.cel.errors import EvaluationError
from policykit.cel.library.standard import CONVERSIONS
from policykit.cel.runtime import call_any, map_of, some
from policykit.cel.syntax import Call, Fold, Ident, ListLiteral, Literal, MapLiteral, Message, Node, Select, run
from policykit.cel.types import is_optional
from policykit.cel.values import TypeValue, UInt, type_name

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from policykit.cel.types import Type

#: The value of what is not constant.
VARIES: Final = object()


class PlanError(Exception):
    """A constant part has no value."""

    def __init__(self, message: str, offset: int) -> None:
        self.offset = offset
        super().__init__(message)


def children(node: Node) -> list[Node]:
    """The parts of a node in the order of evaluation."""
    if isinstance(node, Select):
        return [] if node.ident is not None else [node.operand]
    if isinstance(node, Call):
        return node.args if node.target is None else [node.target, *node.args]
    if isinstance(node, ListLiteral):
        return node.elements
    if isinstance(node, MapLiteral):
        return [part for entry in node.entries for part in (entry.key, entry.value)]
    if isinstance(node, Message):
        return [field.value for field in node.fields]
    if isinstance(node, Fold):
        return [node.initial, node.range, node.condition, node.step, node.result]
    return []


#: How many nodes are looked at twice where they stand in two places: `optMap` after `optMap` doubles each time.
_COPIES: Final = 20_000


def walk(tree: Node, *, copies: bool = False) -> Iterator[tuple[Node, bool]]:
    """Every node from the root down, and whether it stands within a call of `format`.

    With `copies` a node that stands in two places (`optMap`) comes twice, while that is not too often.
    """
    stack = [(tree, False)]
    seen: set[int] = set()
    left = _COPIES if copies else 0
    while stack:
        node, formatted = stack.pop()
        if id(node) in seen:
            if left <= 0:
                continue
            left -= 1
        seen.add(id(node))
        yield node, formatted
        formatted = formatted or (isinstance(node, Call) and node.name == "format")
        stack.extend((child, formatted) for child in reversed(children(node)))


# validation


def validate(tree: Node, *, literals: bool) -> list[tuple[str, int]]:
    """Problems of literals, as messages and offsets: mixed types and, with `literals`, arguments of functions."""
    nodes = list(walk(tree, copies=True))
    calls = [node for node, _ in nodes if isinstance(node, Call)] if literals else []
    problems: list[tuple[str, int]] = []
    for name, check in (("duration", _convert), ("timestamp", _convert), ("matches", _compile)):
        for call in calls:
            argument = call.args[0] if call.name == name and call.args else None
            if isinstance(argument, Literal) and not check(call, argument.value):
                problems.append((f"invalid {name} argument", argument.offset))
    for node, formatted in nodes:
        if isinstance(node, ListLiteral) and not formatted:
            problems += _mixed_list(node)
    for node, formatted in nodes:
        if isinstance(node, MapLiteral) and not formatted:
            problems += _mixed_map(node)
    for call in calls:
        if call.name == "format" and isinstance(call.target, Literal) and isinstance(call.args[0], ListLiteral):
            from policykit.cel.library.formatting import validate_format

            problems += validate_format(call, call.target.value, call.args[0].elements)
    return problems


def _convert(call: Call, value: Any) -> bool:
    try:
        call_any(call.name, call.overloads, value)
    except EvaluationError:
        return False
    return True


def _compile(_: Call, value: Any) -> bool:
    return isinstance(value, str) and not _pattern_problem(value)


def _pattern_problem(pattern: str) -> str:
    from policykit.cel import regex

    try:
        regex.compile(pattern)
    except regex.RegexError as error:
        return str(error)
    return ""


def _mismatch(expected: Type, node: Node, found: Type) -> tuple[str, int]:
    return f"expected type '{expected}' but found '{found}'", node.offset


def _element_type(node: Node, *, optional: bool) -> Type:
    return node.type.parameters[0] if optional and is_optional(node.type) else node.type


def _mixed_list(node: ListLiteral) -> list[tuple[str, int]]:
    types = [_element_type(e, optional=i in node.optional) for i, e in enumerate(node.elements)]
    for element, found in zip(node.elements, types, strict=True):
        if found != types[0]:
            return [_mismatch(types[0], element, found)]
    return []


def _mixed_map(node: MapLiteral) -> list[tuple[str, int]]:
    problems: list[tuple[str, int]] = []
    expected: tuple[Type, Type] | None = None
    for entry in node.entries:
        found = entry.key.type, _element_type(entry.value, optional=entry.optional)
        expected = expected or found
        for part, wanted, has in zip((entry.key, entry.value), expected, found, strict=True):
            if has != wanted:
                problems.append(_mismatch(wanted, part, has))
    return problems


# planning

_QUALIFIERS = frozenset({str, int, UInt, bool, float})
_GO_NAMES = {type(None): "types.Null", bytes: "types.Bytes", list: "*types.baseList", dict: "*types.baseMap"}


def plan(tree: Node) -> None:
    """Evaluate what is constant; raises `PlanError` where a constant part has no value."""
    run(_constant(tree, {}))


def _constant(node: Node, known: dict[int, Any]) -> Generator[Any, Any, Any]:
    """The value of a constant expression, `VARIES` of any other; `known` has those of nodes met before."""
    values = []
    for child in children(node):
        if id(child) not in known:
            known[id(child)] = yield _constant(child, known)
        values.append(known[id(child)])
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Ident) or (isinstance(node, Select) and node.ident is not None):
        ident = node.ident if isinstance(node, Select) else node
        return TypeValue(ident.type.parameters[0].name) if ident and ident.scope == "type" else VARIES
    try:
        if isinstance(node, ListLiteral) and VARIES not in values:
            return [v for i, e in enumerate(values) for v in (some(e) if i in node.optional else (e,))]
        if isinstance(node, MapLiteral) and VARIES not in values:
            entries = zip(values[::2], values[1::2], node.entries, strict=True)
            return map_of(tuple((k, v, e.optional) for k, v, e in entries))
    except EvaluationError:
        return VARIES  # an error that is met only if the literal is evaluated
    return _call(node, values) if isinstance(node, Call) else VARIES


def _call(node: Call, values: list[Any]) -> Any:
    if node.name in {syntax.INDEX, syntax.OPTIONAL_INDEX}:
        key = values[1]
        if key is not VARIES and type(key) not in _QUALIFIERS:
            shown = _GO_NAMES.get(type(key)) or f"types.{type_name(key).rpartition('.')[2]}"
            raise PlanError(f"invalid qualifier type: {shown}", node.args[1].offset)
    if node.name == syntax.IN and values[1] == [] and node.overloads[0].arguments[1].name == "list":
        return False if len(node.overloads) == 1 else VARIES
    regex = node.overloads[0].regex if node.overloads else None
    if regex is not None and type(values[regex]) is str:
        problem = _pattern_problem(values[regex])
        if problem:
            raise PlanError(problem, node.offset)
    if node.name in CONVERSIONS and len(values) == 1 and values[0] is not VARIES:
        try:
            return call_any(node.name, node.overloads, values[0])
        except EvaluationError as error:
            raise PlanError(str(error), node.offset) from None
    return VARIES
