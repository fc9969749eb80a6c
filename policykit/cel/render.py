"""A checked syntax tree to Python source: what both renderings, `fast` and `exact`, have in common.

An expression becomes the text of a Python expression; what cannot be one (a loop, a `try`) becomes statements
before it. Deep trees never make deep text: an expression nested too far is put into a variable, a block nested
too far into a function of its own. The text has nothing but names of the fixed table
(`policykit.cel.table`), local names made here, and literals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from policykit.cel.planner import children, walk
from policykit.cel.syntax import IN, Call, Fold, Ident, ListLiteral, Literal, MapLiteral, Message, Node, Select, run
from policykit.cel.values import UInt

if TYPE_CHECKING:
    from collections.abc import Generator

    Rendering = Generator[Any, Any, Any]
    Block = list[Any]  # lines, and blocks within

#: How deep an expression's text and how deep blocks may be; Python's own limits are 200 and 20.
_DEEPEST_TEXT: Final = 24
_DEEPEST_BLOCK: Final = 12


class Code(NamedTuple):
    """The text of an expression. `kind` is the name of the Python class of its value where that is certain: the
    value is then no Unknown either, as where `known` is set. `depth` counts nesting. `literal`: a constant."""

    text: str
    kind: str = ""
    depth: int = 0
    literal: bool = False
    known: bool = False


class Renderer:
    """Renders one expression as the function `name(V)`, `V` being the bindings."""

    name: str

    def __init__(self) -> None:
        self.functions: list[Block] = []
        self.lines: Block = []
        self.level = 0
        self.loops = 0
        self.count = 0
        self.metered = False
        self.scopes: list[dict[str, Code]] = []
        self.globals: dict[str, str] = {}
        self.chains: dict[str, Code] = {}
        self.twice: set[int] = set()
        self.held: dict[int, Code] = {}

    def source(self, tree: Node) -> str:
        """The source of a module that defines the function."""
        met: set[int] = set()
        for node, _ in walk(tree):
            for child in map(id, children(node)):
                (self.twice if child in met else met).add(child)
        code: Code = run(self.emit(tree))
        self.lines.append(f"return {code.text}")
        prologue = ["n = budget(V)"] if self.metered else []
        body: Block = [f"def {self.name}(V):", [*prologue, *self.loads(), *self.lines]]
        out: list[str] = []
        for block in (*self.functions, body):
            _write(block, 0, out)
        return "\n".join(out) + "\n"

    # names and lines

    def temporary(self, prefix: str = "t") -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def hold(self, code: Code) -> Code:
        """The same value as a name or a literal, computed once and before what follows."""
        if _is_name(code.text) or code.literal:
            return code
        name = self.temporary()
        self.lines.append(f"{name} = {code.text}")
        return Code(name, code.kind, known=code.known)

    def named(self, code: Code) -> Code:
        """The same value, a literal as a name: Python warns of what is done to a literal and cannot work."""
        if code.literal or code.kind not in {"", "dict"}:
            return self.hold(code._replace(literal=False))
        return code

    def bind(self, code: Code) -> tuple[str, str]:
        """A text that computes a value and keeps it, and the name it is kept under."""
        if code.literal:
            code = self.named(code)
        if _is_name(code.text):
            return code.text, code.text
        name = self.temporary()
        return f"({name} := {code.text})", name

    def made(self, text: str, kind: str, *parts: Code) -> Code:
        """An expression made of others; put into a variable where its text gets too deep or too long."""
        code = Code(text, kind, 1 + max((p.depth for p in parts), default=0))
        return self.hold(code) if code.depth > _DEEPEST_TEXT or len(text) > 4000 else code

    def loads(self) -> list[str]:
        """The lines that fetch global variables into local ones; begins a new function's set."""
        lines = list(self.globals.values())
        self.globals = {}
        return lines

    # blocks

    def branch(self, node: Node, chains: dict[str, Code] | None = None) -> Rendering:
        """The statements and the text of a part that runs under a condition.

        What it keeps for another use is added to `chains`.
        """
        if self.level >= _DEEPEST_BLOCK:
            return (yield from self.outlined(node))
        outer, self.lines = self.lines, []
        before, self.chains = self.chains, dict(self.chains)
        held, self.held = self.held, dict(self.held)
        self.level += 1
        code = yield self.emit(node)
        self.level -= 1
        block, self.lines = self.lines, outer
        if chains is not None:
            chains |= self.chains
        self.chains, self.held = before, held
        return block, code

    def part(self, node: Node) -> Rendering:
        """The body of a loop: in place, or outlined where loops are nested too far for Python."""
        if self.level <= _DEEPEST_BLOCK:
            return (yield self.emit(node))
        _, code = yield from self.outlined(node)
        return code

    def outlined(self, node: Node) -> Rendering:
        """A part as a function of its own: what Python cannot nest."""
        outer = self.lines, self.level, self.globals, self.chains, self.held
        visible = [*(c for scope in self.scopes for c in scope.values()), *self.held.values()]
        locals_ = sorted({c.text for c in visible if _is_name(c.text)})
        self.lines, self.level, self.globals, self.chains, self.held = [], 0, {}, {}, dict(self.held)
        code = yield self.emit(node)
        self.lines.append(f"return {code.text}")
        name = self.temporary("g")
        parameters = ", ".join(["V", "n", *locals_])
        self.functions.append([f"def {name}({parameters}):", [*self.loads(), *self.lines]])
        self.metered = True
        self.lines, self.level, self.globals, self.chains, self.held = outer
        return [], Code(f"{name}({parameters})", code.kind)

    def local(self, name: str) -> Code | None:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    # dispatch

    def emit(self, node: Node) -> Rendering:
        """The code of an expression; may add lines before it. What stands in two places (`optMap`) is computed once."""
        if id(node) not in self.twice:
            return (yield self.rendered(node))
        if id(node) not in self.held:
            self.held[id(node)] = self.hold((yield self.rendered(node)))
        return self.held[id(node)]

    def rendered(self, node: Node) -> Rendering:
        if isinstance(node, Literal):
            return literal(node.value)
        if isinstance(node, Select):
            return (yield from self.select(node)) if node.ident is None else self.ident(node.ident)
        if isinstance(node, Ident):
            return self.ident(node)
        if isinstance(node, Call):
            return (yield from self.call(node))
        if isinstance(node, ListLiteral):
            return (yield from self.list_literal(node))
        if isinstance(node, MapLiteral):
            return (yield from self.map_literal(node))
        if isinstance(node, Message):
            return (yield from self.message(node))
        assert isinstance(node, Fold)
        return (yield from (self.opt_map(node) if node.macro.startswith("opt") else self.fold(node)))

    def ident(self, node: Ident) -> Code:
        if node.scope == "local":
            local = self.local(node.name)
            assert local is not None
            return local
        if node.scope == "type":
            return Code(f"TypeValue({type_literal(node)!r})", "TypeValue")
        return self.global_variable(node.resolved)

    def arguments(self, nodes: list[Node]) -> Rendering:
        codes = []
        for node in nodes:
            codes.append((yield self.emit(node)))
        return codes

    def list_literal(self, node: ListLiteral) -> Rendering:
        codes = yield from self.arguments(node.elements)
        parts = []
        for position, code in enumerate(codes):
            if position in node.optional:
                parts.append(f"*some({code.text})")
            else:
                parts.append(code.text)
        return self.made(f"[{', '.join(parts)}]", "list", *codes)

    def map_literal(self, node: MapLiteral) -> Rendering:
        keys = yield from self.arguments([entry.key for entry in node.entries])
        values = yield from self.arguments([entry.value for entry in node.entries])
        plain = all(k.literal and k.kind == "str" for k in keys) and len({k.text for k in keys}) == len(keys)
        if plain and not any(entry.optional for entry in node.entries):
            pairs = ", ".join(f"{k.text}: {v.text}" for k, v in zip(keys, values, strict=True))
            return self.made(f"{{{pairs}}}", "dict", *keys, *values)
        triples = ", ".join(
            f"({k.text}, {v.text}, {e.optional})" for k, v, e in zip(keys, values, node.entries, strict=True)
        )
        return self.made(f"map_of(({triples}{',' if len(keys) == 1 else ''}))", "", *keys, *values)

    def message(self, node: Message) -> Rendering:
        codes = yield from self.arguments([field.value for field in node.fields])
        triples = ", ".join(f"({f.name!r}, {c.text}, {f.optional})" for f, c in zip(node.fields, codes, strict=True))
        return self.made(f"map_of(({triples}{',' if len(codes) == 1 else ''}))", "", *codes)

    def opt_map(self, node: Fold) -> Rendering:
        """The fold inside of `optMap`: one variable bound for one expression."""
        value = self.hold((yield self.emit(node.initial)))
        self.scopes.append({node.accumulator: value})
        code = yield self.emit(node.result)
        self.scopes.pop()
        return code

    # what the renderings do differently

    def global_variable(self, name: str) -> Code:
        raise NotImplementedError

    def select(self, node: Select) -> Rendering:
        raise NotImplementedError

    def call(self, node: Call) -> Rendering:
        raise NotImplementedError

    def fold(self, node: Fold) -> Rendering:
        raise NotImplementedError


def body_weight(node: Fold) -> int:
    """The steps that one round of a loop takes: a quarter of the operations in it, since not all of them run."""
    parts = [part for part in (node.predicate, node.transform) if part is not None]
    return 1 + sum(1 for part in parts for _ in walk(part)) // 4


def is_never(node: Call) -> bool:
    """Whether a call is `x in []`, which Kubernetes takes for false without a look at `x`."""
    if node.name != IN or len(node.overloads) != 1:
        return False
    return isinstance(node.args[1], ListLiteral) and not node.args[1].elements


def type_literal(node: Ident) -> str:
    """The name of the type that an identifier names."""
    return node.type.parameters[0].name if node.type.parameters else node.resolved


def _is_name(text: str) -> bool:
    return text.isidentifier() and text not in {"True", "False", "None"}


_PLAIN_KINDS = {bool: "bool", int: "int", str: "str", bytes: "bytes", float: "float"}


def literal(value: Any) -> Code:
    """A constant."""
    if value is None:
        return Code("None", "NoneType", literal=True)
    if type(value) is UInt:
        return Code(f"UInt({int(value)})", "UInt")
    return Code(repr(value), _PLAIN_KINDS[type(value)], literal=True)


def _write(block: Block, level: int, out: list[str]) -> None:
    """A block as lines; blocks are few levels deep (`_DEEPEST_BLOCK`)."""
    for line in block:
        if isinstance(line, str):
            out.append(" " * level + line)
        else:
            _write(line or ["pass"], level + 1, out)
