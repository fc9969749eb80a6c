"""The abstract syntax of CEL: what the parser makes and the checker decorates with types.

Macros are expanded as cel-go expands them, so that types and errors come out the same; a `Fold` remembers
which macro it was (`macro`), so that code generation need not guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator

    from policykit.cel.library import Overload
    from policykit.cel.types import Type


class Node:
    """An expression. `offset` is where messages point: characters from the start of the text."""

    __slots__ = ("offset", "type")

    type: Type
    offset: int


class Literal(Node):
    """A constant; the type of the Python value says which kind."""

    __slots__ = ("value",)

    def __init__(self, offset: int, value: Any) -> None:
        self.offset = offset
        self.value = value


class Ident(Node):
    """A name. The checker sets `resolved`: the variable's full name, and `scope`: `global`, `local` or `type`."""

    __slots__ = ("name", "resolved", "scope")

    def __init__(self, offset: int, name: str) -> None:
        self.offset = offset
        self.name = name
        self.resolved = name
        self.scope = ""


class Select(Node):
    """`operand.field`, or `has(operand.field)` where `test` is set.

    The checker sets `ident` where the whole chain names a variable (`authorizer.requestResource`).
    """

    __slots__ = ("field", "ident", "operand", "test")

    def __init__(self, offset: int, operand: Node, field: str, *, test: bool = False) -> None:
        self.offset = offset
        self.operand = operand
        self.field = field
        self.test = test
        self.ident: Ident | None = None


class Call(Node):
    """A function or an operator. `target` is the receiver of a member call.

    The checker clears `target` where `target.name` is a dotted function name, and sets `overloads`.
    """

    __slots__ = ("args", "name", "overloads", "target")

    def __init__(self, offset: int, name: str, args: list[Node], target: Node | None = None) -> None:
        self.offset = offset
        self.name = name
        self.args = args
        self.target = target
        self.overloads: tuple[Overload, ...] = ()


class ListLiteral(Node):
    """`[a, ?b]`; `optional` has the positions of elements that may be absent."""

    __slots__ = ("elements", "optional")

    def __init__(self, offset: int, elements: list[Node], optional: frozenset[int] = frozenset()) -> None:
        self.offset = offset
        self.elements = elements
        self.optional = optional


class Entry:
    """`key: value` or `?key: value` of a map."""

    __slots__ = ("key", "offset", "optional", "value")

    def __init__(self, offset: int, key: Node, value: Node, *, optional: bool) -> None:
        self.offset = offset
        self.key = key
        self.value = value
        self.optional = optional


class MapLiteral(Node):
    """`{key: value}`."""

    __slots__ = ("entries",)

    def __init__(self, offset: int, entries: list[Entry]) -> None:
        self.offset = offset
        self.entries = entries


class Field:
    """`name: value` of a message."""

    __slots__ = ("name", "offset", "optional", "value")

    def __init__(self, offset: int, name: str, value: Node, *, optional: bool) -> None:
        self.offset = offset
        self.name = name
        self.value = value
        self.optional = optional


class Message(Node):
    """`type.Name{field: value}`."""

    __slots__ = ("fields", "name")

    def __init__(self, offset: int, name: str, fields: list[Field]) -> None:
        self.offset = offset
        self.name = name
        self.fields = fields


class Fold(Node):
    """A comprehension: `accumulator = initial; for variables in range: if not condition: break; accumulator = step`.

    `macro` is the macro it comes from; `predicate` and `transform` are its parts (shared with `step`), of which a
    macro has one or both.
    """

    __slots__ = (
        "accumulator",
        "condition",
        "initial",
        "macro",
        "predicate",
        "range",
        "result",
        "step",
        "transform",
        "variable",
        "variable2",
    )

    def __init__(
        self,
        offset: int,
        macro: str,
        range_: Node,
        variables: tuple[str, str],
        accumulator: str,
        parts: tuple[Node, Node, Node, Node],
        predicate: Node | None = None,
        transform: Node | None = None,
    ) -> None:
        self.offset = offset
        self.macro = macro
        self.range = range_
        self.variable, self.variable2 = variables
        self.accumulator = accumulator
        self.initial, self.condition, self.step, self.result = parts
        self.predicate = predicate
        self.transform = transform


def path(node: Node) -> tuple[Node, list[str]]:
    """A chain of selections as what it begins with and the fields: `a.b.c` as `a` and `["b", "c"]`."""
    fields: list[str] = []
    while isinstance(node, Select) and not node.test and node.ident is None:
        fields.append(node.field)
        node = node.operand
    if isinstance(node, Select) and node.ident is not None:
        return node.ident, fields[::-1]
    return node, fields[::-1]


#: Functions behind operators, named as in cel-go because error messages say them.
AND: Final = "_&&_"
OR: Final = "_||_"
NOT: Final = "!_"
NEGATE: Final = "-_"
CONDITIONAL: Final = "_?_:_"
INDEX: Final = "_[_]"
OPTIONAL_INDEX: Final = "_[?_]"
OPTIONAL_SELECT: Final = "_?._"
NOT_STRICTLY_FALSE: Final = "@not_strictly_false"
IN: Final = "@in"
ADD: Final = "_+_"
EQUALS: Final = "_==_"
MAP_INSERT: Final = "cel.@mapInsert"
RESULT: Final = "@result"


def run(task: Generator[Any, Any, Any]) -> Any:
    """Run a recursive algorithm written as generators without Python's stack.

    A generator yields the generator of a sub-problem and is resumed with its result.
    """
    stack = [task]
    value: Any = None
    while stack:
        try:
            stack.append(stack[-1].send(value))
            value = None
        except StopIteration as stop:
            stack.pop()
            value = stop.value
    return value
