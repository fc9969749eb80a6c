"""A syntax tree to one whose every node has a type and every call its overloads: cel-go's checker/checker.go.

Messages are cel-go's. All problems of an expression are found in one pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.syntax import (
    AND,
    OPTIONAL_SELECT,
    OR,
    Call,
    Fold,
    Ident,
    ListLiteral,
    Literal,
    MapLiteral,
    Message,
    Node,
    Select,
    path,
    run,
)
from policykit.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    UINT,
    ListType,
    MapType,
    OptionalType,
    Type,
    TypeType,
    fields_of,
    is_optional,
)
from policykit.cel.unify import Unifier, most_general, substitute
from policykit.cel.values import UInt

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from policykit.cel.library import Overload

    Checking = Generator[Any, Any, Any]

_LITERALS: dict[type, Type] = {
    bool: BOOL,
    int: INT,
    UInt: UINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
    type(None): NULL,
}


#: The most problems that are told.
_MOST = 100


class Checker(Unifier):
    """One check of one expression. `problems` has messages and offsets in the order met."""

    def __init__(
        self,
        variables: Mapping[str, Type],
        functions: Mapping[str, Sequence[Overload]],
        types: Mapping[str, Type],
    ) -> None:
        super().__init__()
        self.variables = variables
        self.functions = functions
        self.types = types
        self.problems: list[tuple[str, int]] = []
        self.nodes: list[Node] = []
        self.visited: dict[int, tuple[int, int]] = {}
        self.scopes: list[dict[str, Type]] = []

    def check(self, tree: Node) -> Type:
        """Check the whole tree and return its type; what is wrong is in `problems`."""
        run(self.visit(tree))
        for node in self.nodes:
            node.type = substitute(self.subs, node.type, to_dyn=True)
        return tree.type

    def visit(self, node: Node) -> Checking:
        """Give a node its type. One that stands in two places (`optMap`) is visited once, its problems told twice."""
        before = self.visited.get(id(node))
        if before is not None:
            self.problems += self.problems[slice(*before)] if len(self.problems) < _MOST else []
            return
        start = len(self.problems)
        yield self.checked(node)
        self.visited[id(node)] = start, len(self.problems)

    def checked(self, node: Node) -> Checking:
        self.nodes.append(node)
        node.type = ERROR
        if isinstance(node, Literal):
            node.type = _LITERALS[type(node.value)]
        elif isinstance(node, Ident):
            self.ident(node)
        elif isinstance(node, Select):
            node.type = yield from self.select(node)
        elif isinstance(node, Call):
            node.type = yield from self.call(node)
        elif isinstance(node, ListLiteral):
            node.type = yield from self.list_literal(node)
        elif isinstance(node, MapLiteral):
            node.type = yield from self.map_literal(node)
        elif isinstance(node, Message):
            node.type = yield from self.message(node)
        else:
            assert isinstance(node, Fold)
            node.type = yield from self.fold(node)

    def problem(self, message: str, offset: int) -> None:
        self.problems.append((message, offset))

    def undeclared(self, name: str, offset: int) -> None:
        self.problem(f"undeclared reference to '{name}' (in container '')", offset)

    def mismatch(self, node: Node, expected: Type, found: Type) -> None:
        self.problem(f"expected type '{expected}' but found '{found}'", node.offset)

    # names

    def local(self, name: str) -> Type | None:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    def resolve(self, node: Ident, name: str) -> bool:
        """Bind an identifier to a global variable or a type."""
        name = name.removeprefix(".")
        found = self.variables.get(name)
        node.resolved = name
        if found is not None:
            node.type, node.scope = found, "global"
        elif name in self.types:
            node.type, node.scope = TypeType(self.types[name]), "type"
        return node.scope != ""

    def ident(self, node: Ident) -> None:
        node.scope = ""
        local = None if node.name.startswith(".") else self.local(node.name)
        if local is not None:
            node.type, node.scope = local, "local"
        elif not self.resolve(node, node.name):
            self.undeclared(node.name, node.offset)

    def qualified(self, node: Select) -> Ident | None:
        """The variable or type that a chain of selections names as a whole, where it names one."""
        root, names = path(node)
        if not isinstance(root, Ident) or self.local(root.name) is not None:
            return None
        ident = Ident(root.offset, ".".join((root.name, *names)))
        return ident if self.resolve(ident, ident.name) else None

    # selections

    def select(self, node: Select) -> Checking:
        if not node.test:
            node.ident = self.qualified(node)
            if node.ident is not None:
                return node.ident.type
        result = yield from self.field(node, node.operand, node.field, optional=False)
        return BOOL if node.test else substitute(self.subs, result)

    def field(self, node: Node, operand: Node, name: str, *, optional: bool) -> Checking:
        yield self.visit(operand)
        target = substitute(self.subs, operand.type)
        wrapped = is_optional(target)
        if wrapped:
            target = target.parameters[0]
        if target.kind == "map":
            result = target.parameters[1]
        elif target.kind == "object":
            result = self.declared_field(node, target, name)
        elif target.kind == "param":
            self.fits((DYN,), (target,))
            result = DYN
        else:
            if target.kind not in {"dyn", "error"}:
                self.problem(f"type '{target}' does not support field selection", node.offset)
            result = DYN
        return OptionalType(result) if wrapped or optional else result

    def declared_field(self, node: Node, target: Type, name: str) -> Type:
        fields = fields_of(target)
        if name in fields:
            return fields[name]
        message = f"undefined field '{name}'"
        if not target.name.startswith("kubernetes."):
            message += _suggestion(name, fields)
        self.problem(message, node.offset)
        return ERROR

    # calls

    def call(self, node: Call) -> Checking:
        if node.name == OPTIONAL_SELECT:
            key = node.args[1]
            assert isinstance(key, Literal)
            result = yield from self.field(node, node.args[0], key.value, optional=True)
            return substitute(self.subs, result)
        for arg in node.args:
            yield self.visit(arg)
        name = node.name.removeprefix(".")
        if node.target is not None:
            root, names = path(node.target)
            dotted = ".".join((root.name, *names, name)).removeprefix(".") if isinstance(root, Ident) else ""
            if dotted in self.functions:
                name, node.target = dotted, None
            else:
                yield self.visit(node.target)
        overloads = self.functions.get(name)
        if overloads is None:
            self.undeclared(node.name, node.offset)
            return ERROR
        node.name = name
        return self.overload(node, overloads)

    def overload(self, node: Call, overloads: Sequence[Overload]) -> Type:
        if node.name in {AND, OR}:
            return self.logical(node)
        args = node.args if node.target is None else [node.target, *node.args]
        types = [arg.type for arg in args]
        result: Type | None = None
        matching: list[Overload] = []
        for overload in overloads:
            if overload.member != (node.target is not None):
                continue
            expected, returned = self.instance(overload)
            if not self.fits(types, expected):
                continue
            matching.append(overload)
            returned = substitute(self.subs, returned)
            if result is None:
                result = returned
            elif result.kind != "dyn" and returned != result:
                result = DYN
        if result is None:
            shown = [str(substitute(self.subs, t, to_dyn=True)) for t in types]
            receiver = f"{shown.pop(0)}." if node.target is not None else ""
            signature = f"{receiver}({', '.join(shown)})"
            self.problem(f"found no matching overload for '{node.name}' applied to '{signature}'", node.offset)
            return ERROR
        # One that fits is called as it is; of several the arguments decide, and then cel-go looks at all there are.
        node.overloads = tuple(matching) if len(matching) == 1 else tuple(overloads)
        return result

    def logical(self, node: Call) -> Type:
        valid = True
        for arg in node.args:
            if not self.fits((arg.type,), (BOOL,)):
                self.mismatch(arg, BOOL, arg.type)
                valid = False
        return BOOL if valid else ERROR

    # literals

    def join(self, previous: Type | None, current: Type) -> Type:
        """The type that elements have in common; that they should be of one type is for `planner.validate` to say."""
        if previous is None:
            return current
        return most_general(previous, current) if self.fits((previous,), (current,)) else DYN

    def unwrapped(self, node: Node) -> Type:
        """The type of a value marked with `?`."""
        if is_optional(node.type):
            return node.type.parameters[0]
        if node.type.kind != "dyn":
            self.mismatch(node, OptionalType(node.type), node.type)
        return node.type

    def list_literal(self, node: ListLiteral) -> Checking:
        element: Type | None = None
        for index, item in enumerate(node.elements):
            yield self.visit(item)
            element = self.join(element, self.unwrapped(item) if index in node.optional else item.type)
        return ListType(element or self.variable())

    def map_literal(self, node: MapLiteral) -> Checking:
        key: Type | None = None
        value: Type | None = None
        for entry in node.entries:
            yield self.visit(entry.key)
            key = self.join(key, entry.key.type)
            yield self.visit(entry.value)
            value = self.join(value, self.unwrapped(entry.value) if entry.optional else entry.value.type)
        return MapType(key or self.variable(), value or self.variable())

    def message(self, node: Message) -> Checking:
        name = node.name.removeprefix(".")
        result = self.types.get(name)
        if result is None:
            self.undeclared(node.name, node.offset)
            return ERROR
        fields = fields_of(result)
        if result.kind != "object":
            self.problem(f"'{result.name}' is not a message type", node.offset)
            result = ERROR
        for field in node.fields:
            yield self.visit(field.value)
            expected = fields.get(field.name, ERROR)
            if field.name not in fields:
                self.problem(f"undefined field '{field.name}'", field.offset)
            found = self.unwrapped(field.value) if field.optional else field.value.type
            if not self.fits((expected,), (found,)):
                message = f"expected type of field '{field.name}' is '{expected}' but provided type is '{found}'"
                self.problem(message, field.offset)
        return result

    # comprehensions

    def fold(self, node: Fold) -> Checking:
        yield self.visit(node.range)
        yield self.visit(node.initial)
        range_ = substitute(self.subs, node.range.type)
        accumulated = node.initial.type
        self.scopes.append({node.accumulator: accumulated})
        self.scopes.append(self.iterated(node, range_))
        yield self.visit(node.condition)
        self.require(node.condition, BOOL)
        yield self.visit(node.step)
        self.require(node.step, accumulated)
        self.scopes.pop()
        yield self.visit(node.result)
        self.scopes.pop()
        return substitute(self.subs, node.result.type)

    def iterated(self, node: Fold, range_: Type) -> dict[str, Type]:
        if range_.kind == "list":
            types = (INT, range_.parameters[0]) if node.variable2 else (range_.parameters[0], DYN)
        elif range_.kind == "map":
            types = range_.parameters[0], range_.parameters[1]
        elif range_.kind in {"dyn", "error", "param"}:
            self.fits((DYN,), (range_,))
            types = DYN, DYN
        else:
            self.problem(
                f"expression of type '{range_}' cannot be range of a comprehension (must be list, map, or dynamic)",
                node.range.offset,
            )
            types = ERROR, ERROR
        scope = {node.variable: types[0]}
        if node.variable2:
            scope[node.variable2] = types[1]
        return scope

    def require(self, node: Node, expected: Type) -> None:
        if not self.fits((expected,), (node.type,)):
            self.mismatch(node, expected, node.type)


def _suggestion(name: str, fields: Mapping[str, Type]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, fields, n=1)
    return f", did you mean '{close[0]}'?" if close else ""
