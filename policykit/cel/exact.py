"""The exact rendering: every operation a call of `runtime` or `operators`, errors and unknowns carried as CEL does.

An error is an exception; where an operator may decide without the operand (`&&`, `||`, `all`, `exists`) it is
caught and becomes a value. Python evaluates arguments from left to right as cel-go does, so the first error wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.cel import syntax
from policykit.cel.render import Code, Renderer, body_weight, is_never
from policykit.cel.syntax import Call, Fold, Literal, Node, Select

if TYPE_CHECKING:
    from policykit.cel.render import Block, Rendering

_FUNCTIONS = {
    syntax.EQUALS: "equal({0}, {1})",
    "_!=_": "negate(equal({0}, {1}))",
    "_<_": "less({0}, {1})",
    "_<=_": "less_equal({0}, {1})",
    "_>_": "greater({0}, {1})",
    "_>=_": "greater_equal({0}, {1})",
    syntax.IN: "contains({1}, {0})",
    syntax.ADD: "add({0}, {1}, n)",
    "_-_": "subtract({0}, {1})",
    "_*_": "multiply({0}, {1})",
    "_/_": "divide({0}, {1})",
    "_%_": "modulo({0}, {1})",
    syntax.NOT: "negate({0})",
    syntax.NEGATE: "minus({0})",
    syntax.INDEX: "index({0}, {1})",
    syntax.OPTIONAL_INDEX: "optional_index({0}, {1})",
    syntax.OPTIONAL_SELECT: "optional_select({0}, {1})",
    "size": "size({0})",
    "dyn": "{0}",
}
#: Within loops, those whose time grows with their operands.
_GROWING = {
    syntax.EQUALS: "metered(n, equal, {0}, {1})",
    "_!=_": "negate(metered(n, equal, {0}, {1}))",
    syntax.IN: "metered(n, contains, {1}, {0})",
}


class Exact(Renderer):
    """Renders the exact function."""

    name = "exact"

    def __init__(self) -> None:
        super().__init__()
        self.metered = True

    def global_variable(self, name: str) -> Code:
        return Code(f"variable(V, {name!r})", depth=1)

    def arguments(self, nodes: list[Node]) -> Rendering:
        """Operands from left to right, each once; an unknown one is not lost to the error of a later one."""
        codes: list[Code] = []
        for node in nodes:
            if not codes or isinstance(node, Literal | syntax.Ident):
                codes.append(self.hold((yield self.emit(node))))
                continue
            result = self.temporary()
            before = "".join(f", {c.text}" for c in codes if not c.literal)
            if not before:
                codes.append(self.hold((yield self.emit(node))))
                continue
            yield from self.attempt(node, result, f"{result} = despite(e{before})")
            codes.append(Code(result))
        return codes

    def attempt(self, node: Node, result: str, otherwise: str) -> Rendering:
        """Lines that put a value into `result`, and what to do with its error `e`."""
        block, code = yield from self.branch(node)
        self.lines += ["try:", [*block, f"{result} = {code.text}"], "except EvaluationError as e:", [otherwise]]

    # selections

    def select(self, node: Select) -> Rendering:
        operand = yield self.emit(node.operand)
        return self.made(f"{'has' if node.test else 'select'}({operand.text}, {node.field!r})", "", operand)

    # calls

    def call(self, node: Call) -> Rendering:
        if node.name in {syntax.AND, syntax.OR}:
            return (yield from self.logical(node))
        if node.name == syntax.CONDITIONAL:
            return (yield from self.conditional(node))
        if node.name in {"or", "orValue"}:
            return (yield from self.alternative(node))
        if is_never(node):
            return Code("False", literal=True)
        args = yield from self.arguments(node.args if node.target is None else [node.target, *node.args])
        texts = [code.text for code in args]
        if node.name == syntax.INDEX and not _is_data(node.args[1]):
            return self.made(f"index({texts[0]}, {texts[1]}, MADE)", "", *args)
        if self.loops and node.name in _GROWING:
            return self.made(_GROWING[node.name].format(*texts), "", *args)
        if node.name in _FUNCTIONS:
            return self.made(_FUNCTIONS[node.name].format(*texts), "", *args)
        overloads = node.overloads
        regex = overloads[0].regex
        compiled = "_compiled" if regex is not None and args[regex].literal else ""
        function = f"call{compiled}(O_{overloads[0].key}"
        if len(overloads) > 1:
            function = f"call_any({node.name!r}, ({', '.join(f'O_{o.key}' for o in overloads)},)"
        if any(o.linear for o in overloads):
            function = "metered(n, " + function.replace("(", ", ", 1)
        return self.made(f"{', '.join([function, *texts])})", "", *args)

    def logical(self, node: Call) -> Rendering:
        end, function = ("False", "also") if node.name == syntax.AND else ("True", "either")
        result = self.temporary("r")
        value = self.temporary()
        self.lines.append(f"{result} = {'True' if end == 'False' else 'False'}")
        for arg in node.args:
            outer: Block = self.lines
            self.lines = []
            self.level += 1
            yield from self.attempt(arg, value, f"{value} = absorb(e)")
            self.level -= 1
            block, self.lines = self.lines, outer
            self.lines += [f"if {result} is not {end}:", [*block, f"{result} = {function}({result}, {value})"]]
        self.lines.append(f"settle({result})")
        return Code(result)

    def conditional(self, node: Call) -> Rendering:
        condition = self.temporary()
        self.lines.append(f"{condition} = condition({(yield self.emit(node.args[0])).text})")
        yes_block, yes = yield from self.branch(node.args[1])
        no_block, no = yield from self.branch(node.args[2])
        result = self.temporary("r")
        self.lines += [f"if {condition} is True:", [*yes_block, f"{result} = {yes.text}"]]
        self.lines += [f"elif {condition} is False:", [*no_block, f"{result} = {no.text}"]]
        self.lines += ["else:", [f"{result} = {condition}"]]
        return Code(result)

    def alternative(self, node: Call) -> Rendering:
        """`or` and `orValue`, as cel-go has them: what is not an optional is the result itself."""
        assert node.target is not None
        operand = self.hold((yield self.emit(node.target))).text
        block, other = yield from self.branch(node.args[0])
        result = self.temporary("r")
        self.lines += [f"if {operand} is NONE:", [*block, f"{result} = {other.text}"]]
        if node.name == "orValue":
            self.lines += [f"elif type({operand}) is Optional:", [f"{result} = {operand}.value"]]
        self.lines += ["else:", [f"{result} = {operand}"]]
        return Code(result)

    # comprehensions

    def fold(self, node: Fold) -> Rendering:
        range_ = self.hold((yield self.emit(node.range)))
        result, steps = self.temporary("r"), body_weight(node)
        first, second = self.temporary("x"), self.temporary("x")
        variables = {node.variable: Code(first)}
        heading = f"for {first} in elements({range_.text}, n, {steps}):"
        if node.variable2:
            variables[node.variable2] = Code(second)
            heading = f"for {first}, {second} in pairs({range_.text}, n, {steps}):"
        outer, self.lines = self.lines, []
        self.scopes.append(variables)
        self.level += 2
        self.loops += 1
        if node.macro in {"all", "exists"}:
            yield from self.quantified(node, result)
        else:
            yield from self.collected(node, result, first)
        self.loops -= 1
        self.level -= 2
        self.scopes.pop()
        block, self.lines = self.lines, outer
        before = [line.format(result) for line in _BEFORE[node.macro]]
        after = [line.format(result) for line in _AFTER[node.macro]]
        self.lines += [f"if type({range_.text}) is Unknown:", [f"{result} = {range_.text}"]]
        self.lines += ["else:", [*before, heading, block, *after]]
        return Code(result)

    def quantified(self, node: Fold, result: str) -> Rendering:
        assert node.predicate is not None
        value = self.temporary()
        yield from self.attempt(node.predicate, value, f"{value} = absorb(e)")
        function, end = ("also", "False") if node.macro == "all" else ("either", "True")
        self.lines += [f"{result} = {function}({result}, {value})", f"if {result} is {end}: break"]

    def collected(self, node: Fold, result: str, key: str) -> Rendering:
        """One round of a macro that collects. `bad` is an error or unknown met, which the later of a predicate
        replaces; cel-go goes on to the end as well."""
        bad = f"b{result}"
        if node.predicate is not None:
            value = self.temporary()
            yield from self.attempt(node.predicate, value, f"{bad} = absorb(e); continue")
            self.lines += [f"if {value} is False: continue"]
            self.lines += [f"if {value} is not True:", [f"{bad} = no_condition({value})", "continue"]]
        self.lines.append(f"if {bad} is not None: continue")
        if node.macro == "exists_one":
            self.lines.append(f"{result} += 1")
            return
        assert node.transform is not None
        value = self.temporary()
        yield from self.attempt(node.transform, value, f"{bad} = absorb(e); continue")
        if node.macro == "transformMap":
            self.lines.append(f"insert({result}, {key}, {value})")
        elif node.macro == "transformMapEntry":
            self.lines += ["try:", [f"insert_all({result}, {value})"]]
            self.lines += ["except EvaluationError as e:", [f"{bad} = absorb(e)"]]
        else:
            self.lines.append(f"{result}.append({value})")


def _is_data(node: Node) -> bool:
    """Whether an expression only reads from what is bound: its values are told of by other names than those made."""
    root, _ = syntax.path(node)
    return isinstance(root, syntax.Ident) and root.scope == "global"


_COLLECTORS = {
    "exists_one": "0",
    "map": "[]",
    "filter": "[]",
    "transformList": "[]",
    "transformMap": "{{}}",
    "transformMapEntry": "{{}}",
}
#: Lines before and after the loop of a macro, by the name of its result.
_BEFORE = {
    "all": ("{0} = True",),
    "exists": ("{0} = False",),
    **{macro: (f"{{0}} = {empty}", "b{0} = None") for macro, empty in _COLLECTORS.items()},
}
_AFTER = {
    "all": ("settle({0})",),
    "exists": ("settle({0})",),
    **dict.fromkeys(_COLLECTORS, ("if b{0} is not None: {0} = settle(b{0})",)),
    "exists_one": ("{0} = {0} == 1 if b{0} is None else settle(b{0})",),
}
