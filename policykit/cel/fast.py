"""The fast rendering: plain Python over plain data, for evaluations without errors and unknowns.

It either gives the exact rendering's answer or raises, whatever it raises; then the exact one answers. So every
operation here must refuse (`bail`, or Python's own TypeError) whatever Python would treat otherwise than CEL:
`True == 1`, a string's characters as elements, an Unknown compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.cel import syntax
from policykit.cel.inline import Inline
from policykit.cel.planner import walk
from policykit.cel.render import Code, body_weight
from policykit.cel.syntax import Call, Fold, Ident, Literal, Node, Select, path
from policykit.cel.types import is_optional

if TYPE_CHECKING:
    from policykit.cel.render import Rendering

_ORDER = {
    "_<_": ("<", "known_less"),
    "_<=_": ("<=", "known_less_equal"),
    "_>_": (">", "known_greater"),
    "_>=_": (">=", "known_greater_equal"),
}
_ARITHMETIC = {"_-_": ("-", "subtract"), "_*_": ("*", "multiply"), "_/_": ("", "divide"), "_%_": ("", "modulo")}


class Fast(Inline):
    """Renders the fast function."""

    name = "fast"

    def __init__(self) -> None:
        super().__init__()
        self.uses: dict[str, int] = {}

    def source(self, tree: Node) -> str:
        for node, _ in walk(tree):
            if isinstance(node, Select) and not node.test:
                key = _written(node)
                self.uses[key] = self.uses.get(key, 0) + 1
        return super().source(tree)

    def global_variable(self, name: str) -> Code:
        local = "v_" + "".join(c if c.isalnum() and c.isascii() else f"_{ord(c):x}_" for c in name)
        self.globals[name] = f"{local} = V[{name!r}]"
        return Code(local)

    # selections

    def select(self, node: Select) -> Rendering:
        key = "" if node.test else self.chain_key(node)
        if key in self.chains:
            return self.chains[key]
        operand = self.named((yield self.emit(node.operand)))
        if node.test:
            first, name = self.bind(operand)
            there = f"{node.field!r} in {name} and (type({name}[{node.field!r}]) is not Unknown or bail())"
            text = f"({there} if type({first}) is dict else known_has({name}, {node.field!r}))"
            return self.made(text, "bool", operand)
        if is_optional(node.operand.type):
            return self.made(f"optional_select({operand.text}, {node.field!r})", "", operand)
        code = self.made(f"{operand.text}[{node.field!r}]", "", operand)
        return self.shared(key, code) if key else code

    def chain_key(self, node: Select) -> str:
        """What identifies `x.a.b` where it is worth keeping, because it is used more than once; empty otherwise."""
        root, fields = path(node)
        if not isinstance(root, Ident) or self.uses.get(_written(node), 0) < 2:
            return ""
        return ".".join((self.ident(root).text, *fields))

    def shared(self, key: str, code: Code) -> Code:
        """A value that is used again: kept, and made sure to be known once for all uses."""
        name = self.hold(code).text
        self.lines.append(f"if type({name}) is Unknown: bail()")
        self.chains[key] = Code(name, known=True)
        return self.chains[key]

    # calls

    def call(self, node: Call) -> Rendering:
        name = node.name
        if name in {syntax.AND, syntax.OR}:
            return (yield from self.logical(node))
        if name == syntax.CONDITIONAL:
            return (yield from self.conditional(node))
        if name in {"or", "orValue"}:
            return (yield from self.alternative(node))
        args = yield from self.arguments(node.args if node.target is None else [node.target, *node.args])
        if name in {syntax.EQUALS, "_!=_"}:
            return self.equality(args, negated=name != syntax.EQUALS)
        if name in _ORDER:
            return self.order(args, *_ORDER[name])
        if name == syntax.IN:
            return self.membership(node, args)
        if name in _ARITHMETIC:
            return self.arithmetic(args, *_ARITHMETIC[name])
        if name in _OPERATORS:
            return _OPERATORS[name](self, args)
        return self.library(node, args)

    def logical(self, node: Call) -> Rendering:
        word, test = ("and", "") if node.name == syntax.AND else ("or", "not ")
        code = yield self.emit(node.args[0])
        text, depth = self.truth(code), code.depth
        before = dict(self.chains)
        for arg in node.args[1:]:
            # What one operand has computed is there for the next: it runs only after the whole of that one.
            chains = dict(self.chains)
            block, code = yield from self.branch(arg, chains)
            self.chains = chains
            right = self.truth(code)
            if block or depth > 20 or len(text) > 2000:
                result = self.temporary("r")
                self.lines += [f"{result} = {text}", f"if {test}{result}:", [*block, f"{result} = {right}"]]
                text, depth = result, 0
            else:
                text, depth = f"{text} {word} {right}", max(depth, code.depth)
        self.chains = before
        return Code(f"({text})" if not text.isidentifier() else text, "bool", depth + 1)

    def conditional(self, node: Call) -> Rendering:
        condition = self.truth((yield self.emit(node.args[0])))
        yes_block, yes = yield from self.branch(node.args[1])
        no_block, no = yield from self.branch(node.args[2])
        kind = yes.kind if yes.kind == no.kind else ""
        if not yes_block and not no_block:
            return self.made(f"({yes.text} if {condition} else {no.text})", kind, yes, no)
        result = self.temporary("r")
        self.lines += [f"if {condition}:", [*yes_block, f"{result} = {yes.text}"]]
        self.lines += ["else:", [*no_block, f"{result} = {no.text}"]]
        return Code(result, kind)

    def alternative(self, node: Call) -> Rendering:
        """`or` and `orValue`; a path of optional fields is walked without making optionals."""
        assert node.target is not None
        walked = _optional_path(node.target) if node.name == "orValue" else None
        if walked is not None:
            operand = yield self.emit(walked[0])
            fields = ", ".join(map(repr, walked[1]))
            first, name = self.bind(self.made(f"reach({operand.text}, {fields})", "", operand))
            test = f"{first} is not MISSING"
            value = name
        else:
            operand = yield self.emit(node.target)
            first, name = self.bind(operand)
            test = f"{first} is not NONE"
            value = f"{name}.value" if node.name == "orValue" else name
            if operand.kind != "Optional":
                test = f"(type({first}) is Optional or bail()) and {name} is not NONE"
        block, other = yield from self.branch(node.args[0])
        if not block:
            return self.made(f"({value} if {test} else {other.text})", "", operand, other)
        result = self.temporary("r")
        self.lines += [f"if {test}:", [f"{result} = {value}"], "else:", [*block, f"{result} = {other.text}"]]
        return Code(result)

    # comprehensions

    def fold(self, node: Fold) -> Rendering:
        range_ = self.hold(self.named((yield self.emit(node.range))))
        if range_.kind not in {"list", "dict"}:
            self.lines.append(f"if type({range_.text}) is not list and type({range_.text}) is not dict: bail()")
        self.metered = True
        # Short loops at the top are bounded by the length of the text.
        test = "" if self.loops else f"if len({range_.text}) > 99: "
        self.lines.append(f"{test}charge(n, len({range_.text}) * {body_weight(node)})")
        result = self.temporary("r")
        self.lines.append(f"{result} = {_INITIAL[node.macro]}")
        variables, heading = self.heading(node, range_)
        outer, self.lines = self.lines, []
        chains, held = dict(self.chains), dict(self.held)
        self.scopes.append(variables)
        self.loops += 1
        self.level += 1
        yield from self.body(node, result, next(iter(variables.values())).text)
        self.level -= 1
        self.loops -= 1
        self.scopes.pop()
        self.chains, self.held = chains, held
        block, self.lines = self.lines, outer
        self.lines += [heading, block]
        if node.macro == "exists_one":
            return Code(f"({result} == 1)", "bool", 1)
        return Code(result, _KINDS[node.macro])

    def heading(self, node: Fold, range_: Code) -> tuple[dict[str, Code], str]:
        first = self.temporary("x")
        if not node.variable2:
            return {node.variable: Code(first)}, f"for {first} in {range_.text}:"
        second = self.temporary("x")
        items = f"enumerate({range_.text}) if type({range_.text}) is list else {range_.text}.items()"
        return {node.variable: Code(first), node.variable2: Code(second)}, f"for {first}, {second} in {items}:"

    def body(self, node: Fold, result: str, key: str) -> Rendering:
        """The lines of a loop after its heading."""
        if node.predicate is not None:
            predicate = self.truth((yield from self.part(node.predicate)))
            if node.macro in {"all", "exists"}:
                test, value = (f"if not {predicate}:", "False") if node.macro == "all" else (f"if {predicate}:", "True")
                self.lines += [test, [f"{result} = {value}", "break"]]
                return
            if node.macro == "exists_one":
                self.lines += [f"if {predicate}:", [f"{result} += 1"]]
                return
            self.lines.append(f"if not {predicate}: continue")
        assert node.transform is not None
        code = yield from self.part(node.transform)
        self.lines.append(_COLLECT[node.macro].format(result=result, value=code.text, key=key))


_INITIAL = {
    "all": "True",
    "exists": "False",
    "exists_one": "0",
    "map": "[]",
    "filter": "[]",
    "transformList": "[]",
    "transformMap": "{}",
    "transformMapEntry": "{}",
}
_KINDS = {
    "all": "bool",
    "exists": "bool",
    "map": "list",
    "filter": "list",
    "transformList": "list",
    "transformMap": "dict",
    "transformMapEntry": "dict",
}
_COLLECT = {
    "map": "{result}.append({value})",
    "filter": "{result}.append({value})",
    "transformList": "{result}.append({value})",
    "transformMap": "{result}[{key}] = {value}",
    "transformMapEntry": "insert_all({result}, {value})",
}
_OPERATORS = {
    syntax.ADD: Fast.add,
    syntax.NOT: Fast.negation,
    syntax.NEGATE: Fast.minus,
    syntax.INDEX: Fast.index,
    syntax.OPTIONAL_INDEX: Fast.optional_index,
    syntax.OPTIONAL_SELECT: Fast.optional_select,
    "size": Fast.size,
    "dyn": Fast.dyn,
}


def _written(node: Select) -> str:
    """A chain of selections from a variable as it is written; empty for one from anything else."""
    root, fields = path(node)
    return ".".join((root.name, *fields)) if isinstance(root, Ident) else ""


def _optional_path(node: Node) -> tuple[Node, list[str]] | None:
    """`a.?b.c.?d` as the operand `a` and the fields `b c d`; None where the operand may be an optional itself."""
    fields: list[str] = []
    inner = node
    while True:
        if isinstance(inner, Call) and inner.name == syntax.OPTIONAL_SELECT:
            key = inner.args[1]
            assert isinstance(key, Literal)
            fields.append(key.value)
            inner = inner.args[0]
            if not is_optional(inner.type):
                break
        elif isinstance(inner, Select) and inner.ident is None and not inner.test and is_optional(inner.operand.type):
            fields.append(inner.field)
            inner = inner.operand
        else:
            return None
    return inner, fields[::-1]
