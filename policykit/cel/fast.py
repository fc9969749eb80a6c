"""The fast rendering: plain Python over plain data, for evaluations without errors and unknowns.

It either gives the exact rendering's answer or raises, whatever it raises; then the exact one answers. So every
operation here must refuse (`bail`, or Python's own TypeError) whatever Python would treat otherwise than CEL:
`True == 1`, a string's characters as elements, an Unknown compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.cel import syntax
from policykit.cel.render import Code, Renderer, body_weight, is_never
from policykit.cel.planner import walk
from policykit.cel.syntax import Call, Fold, Ident, ListLiteral, Literal, Node, Select
from policykit.cel.types import Type, is_optional
from policykit.cel.values import INT_MAX, INT_MIN

if TYPE_CHECKING:
    from policykit.cel.library import Overload
    from policykit.cel.render import Rendering

#: The Python class of the values of a type that has one of its own; `guard` for arguments of library functions.
CLASSES = {
    "bool": "bool",
    "int": "int",
    "uint": "UInt",
    "double": "float",
    "string": "str",
    "bytes": "bytes",
    "list": "list",
    "map": "dict",
    "null_type": "NoneType",
    "google.protobuf.Timestamp": "Timestamp",
    "google.protobuf.Duration": "Duration",
    "optional_type": "Optional",
    "type": "TypeValue",
}
_ORDER = {"_<_": ("<", "known_less"), "_<=_": ("<=", "known_less_equal"), "_>_": (">", "known_greater"), "_>=_": (">=", "known_greater_equal")}
_ARITHMETIC = {"_-_": ("-", "subtract"), "_*_": ("*", "multiply"), "_/_": ("", "divide"), "_%_": ("", "modulo")}
#: Kinds that Python compares as CEL does when both sides are of the kind.
_EQUAL_KINDS = frozenset({"str", "int", "bool", "bytes", "float", "UInt", "NoneType", "TypeValue"})
#: What is shorter than this costs a step like any other.
_SHORT = 200
_CONTAINS = "standard__contains__string__string"
_STRING_TESTS = {"startsWith": "startswith", "endsWith": "endswith"}


class Fast(Renderer):
    """Renders the fast function."""

    name = "fast"

    def __init__(self) -> None:
        super().__init__()
        self.uses: dict[str, int] = {}

    def source(self, tree: Node) -> str:
        for node, _ in walk(tree):
            if isinstance(node, Select) and not node.test and (key := _chain(node)):
                self.uses[key] = self.uses.get(key, 0) + 1
        return super().source(tree)

    def global_variable(self, name: str) -> Code:
        local = "v_" + "".join(c if c.isalnum() and c.isascii() else f"_{ord(c):x}_" for c in name)
        self.globals[name] = f"{local} = V[{name!r}]"
        return Code(local)

    def truth(self, code: Code) -> str:
        """A condition: bails out where the value is no bool."""
        if code.kind == "bool":
            return code.text
        first, name = self.bind(self.named(code))
        return f"({first} is True or {name} is not False and bail())"

    def guard(self, code: Code, kind: str) -> tuple[str, str]:
        """A test that a value is of a class (empty where that is certain), and its name afterwards."""
        if code.kind == kind or not kind:
            return "", code.text
        first, name = self.bind(code)
        return f"type({first}) is {kind}", name

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
        """What identifies `x.a.b` where it is worth to be kept: used more than once, and not only within a longer one."""
        key = _chain(node)
        if self.uses.get(key, 0) < 2:
            return ""
        root, _, rest = key.partition(".")
        local = self.local(root)
        return f"{local.text}.{rest}" if local else key

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
        path = _optional_path(node.target) if node.name == "orValue" else None
        if path is not None:
            operand = yield self.emit(path[0])
            fields = ", ".join(map(repr, path[1]))
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

    # operators

    def equality(self, args: list[Code], *, negated: bool) -> Code:
        left, right = args
        sign, word = ("!=", "not ") if negated else ("==", "")
        if left.kind == right.kind and left.kind in _EQUAL_KINDS:
            return self.made(f"({left.text} {sign} {right.text})", "bool", left, right)
        if left.kind and not right.kind:
            left, right = right, left
        if right.kind in _EQUAL_KINDS and not left.kind:
            first, name = self.bind(left)
            if left.known and right.kind in {"str", "bytes", "TypeValue", "NoneType"}:
                text = f"({name} {'is not' if negated else 'is'} None)" if right.literal and right.kind == "NoneType" else ""
                text = text or f"({name} {sign} {right.text})"
            elif right.kind == "NoneType":
                text = f"({word}({first} is None or differs({name})))"
            elif right.kind in {"str", "bytes", "TypeValue"}:
                text = f"({word}({first} == {right.text} or type({name}) is Unknown and bail()))"
            else:
                slow = f"known_equal({name}, {right.text})"
                text = f"({word}({name} == {right.text} if type({first}) is {right.kind} else {slow}))"
            return self.made(text, "bool", left, right)
        slow = f"known_equal({left.text}, {right.text})"
        if self.loops:
            self.metered = True
            slow = f"metered(n, known_equal, {left.text}, {right.text})"
        if left.kind or right.kind:
            return self.made(f"({word}{slow})", "bool", left, right)
        (first, one), (second, two) = self.bind(left), self.bind(right)
        short = f" and len({one}) < {_SHORT}" if self.loops else ""
        slow = f"metered(n, known_equal, {one}, {two})" if self.loops else f"known_equal({one}, {two})"
        same = f"{one} == {two} if type({first}) is type({second}) is str{short} else {slow}"
        return self.made(f"({word}({same}))", "bool", left, right)

    def order(self, args: list[Code], sign: str, function: str) -> Code:
        left, right = args
        if left.kind == right.kind and left.kind in {"int", "str"}:
            return self.made(f"({left.text} {sign} {right.text})", "bool", left, right)
        for known, other in ((left, right), (right, left)):
            if known.kind in {"int", "str"} and not other.kind:
                first, name = self.bind(other)
                texts = (left.text, name) if other is right else (name, right.text)
                slow = f"{function}({texts[0]}, {texts[1]})"
                text = f"({texts[0]} {sign} {texts[1]} if type({first}) is {known.kind} else {slow})"
                return self.made(text, "bool", left, right)
        return self.made(f"{function}({left.text}, {right.text})", "bool", left, right)

    def membership(self, node: Call, args: list[Code]) -> Code:
        if is_never(node):
            return Code("False", "bool", literal=True)
        value, container = args
        constant = _constant_list(node.args[1])
        if constant is None:
            if container.kind == "dict" and value.kind == "str":
                return self.made(f"({value.text} in {container.text})", "bool", *args)
            if self.loops:
                self.metered = True
                return self.made(f"known_contains({container.text}, {value.text}, n)", "bool", *args)
            return self.made(f"known_contains({container.text}, {value.text})", "bool", *args)
        kind, members = constant
        test, name = self.guard(value, kind)
        text = f"{name} in {members}"
        if test:
            text = f"{text} if {test} else known_contains({members}, {name})"
        return self.made(f"({text})", "bool", value)

    def arithmetic(self, args: list[Code], sign: str, function: str) -> Code:
        left, right = args
        if sign and left.kind == right.kind == "int":
            return self.integer(f"{left.text} {sign} {right.text}", left, right)
        kind = left.kind if left.kind == right.kind and left.kind in {"int", "float", "UInt"} else ""
        return self.made(f"{function}({left.text}, {right.text})", kind, *args)

    def integer(self, text: str, *parts: Code) -> Code:
        name = self.temporary()
        return self.made(f"({name} if {INT_MIN} <= ({name} := {text}) <= {INT_MAX} else bail())", "int", *parts)

    def add(self, args: list[Code]) -> Code:
        left, right = args
        if left.kind == right.kind == "int":
            return self.integer(f"{left.text} + {right.text}", left, right)
        if (left.literal or right.literal) and "str" in {left.kind, right.kind} and not self.loops:
            # One literal side: the other must be a string, or Python raises; and nothing can grow beyond the text.
            return self.made(f"({left.text} + {right.text})", "str", *args)
        self.metered = True
        kind = left.kind if left.kind == right.kind and left.kind in {"str", "list", "float"} else ""
        return self.made(f"add({left.text}, {right.text}, n)", kind, *args)

    def negation(self, args: list[Code]) -> Code:
        return self.made(f"(not {self.truth(args[0])})", "bool", *args)

    def minus(self, args: list[Code]) -> Code:
        return self.made(f"minus({args[0].text})", args[0].kind if args[0].kind in {"int", "float"} else "", *args)

    def index(self, args: list[Code]) -> Code:
        operand, key = self.named(args[0]), args[1]
        if key.literal and key.kind == "str":
            first, name = self.bind(operand)
            text = f"({name}[{key.text}] if type({first}) is dict else index({name}, {key.text}))"
            return self.made(text, "", operand)
        if key.literal and key.kind == "int" and not key.text.startswith("-"):
            first, name = self.bind(operand)
            text = f"({name}[{key.text}] if type({first}) is list else index({name}, {key.text}))"
            return self.made(text, "", operand)
        (first, container), (second, value) = self.bind(operand), self.bind(key)
        test = f"(type({first}) is dict) & (type({second}) is str)"
        return self.made(f"({container}[{value}] if {test} else index({container}, {value}))", "", *args)

    def optional_index(self, args: list[Code]) -> Code:
        return self.made(f"optional_index({args[0].text}, {args[1].text})", "", *args)

    def optional_select(self, args: list[Code]) -> Code:
        return self.made(f"optional_select({args[0].text}, {args[1].text})", "", *args)

    def size(self, args: list[Code]) -> Code:
        return self.made(f"len({args[0].text})", "int", *args)

    def dyn(self, args: list[Code]) -> Code:
        return args[0]

    # library functions

    def library(self, node: Call, args: list[Code]) -> Code:
        overload = node.overloads[0]
        if node.name in _STRING_TESTS:
            return self.string_test(args, _STRING_TESTS[node.name])
        if node.name == "contains" and overload.key.startswith("standard"):
            return self.inclusion(args)
        if node.name == "matches" and args[1].literal:
            return self.matching(args)
        if len(node.overloads) > 1 or overload.inexact:
            return self.dispatch(node, args)
        tests: list[str] = []
        names: list[str] = []
        for declared, code in zip(overload.arguments, args, strict=True):
            test, name = self.library_guard(declared, code)
            tests += [test] if test else []
            names.append(name)
        text = self.invocation(overload, names)
        if tests:
            text = f"({text} if {' & '.join(f'({t})' for t in tests) if len(tests) > 1 else tests[0]} else bail())"
        return self.made(text, CLASSES.get(overload.result.name, ""), *args)

    def library_guard(self, declared: Type, code: Code) -> tuple[str, str]:
        kind = "dict" if declared.kind == "object" else CLASSES.get(declared.name, "")
        if declared.kind in {"dyn", "param"}:
            if code.kind:
                return "", code.text
            first, name = self.bind(code)
            return f"type({first}) is not Unknown", name
        if kind:
            return self.guard(code, kind)
        first, name = self.bind(code)
        return f"is_a({first}, {declared.name!r})", name

    def invocation(self, overload: Overload, names: list[str]) -> str:
        function = f"F_{overload.key}"
        sized = [n for n, t in zip(names, overload.arguments, strict=True) if t.name in {"string", "list", "bytes"}]
        return self.measured(function, names, sized) if overload.linear else f"{function}({', '.join(names)})"

    def measured(self, function: str, names: list[str], sized: list[str]) -> str:
        """A call whose time grows with its arguments: metered within a loop, where they are not short."""
        call = f"{function}({', '.join(names)})"
        lengths = [f"len({name})" for name in sized if name.isidentifier()]
        if not self.loops:
            return call
        self.metered = True
        if not lengths:
            return f"metered(n, {function}, {', '.join(names)})"
        return f"({call} if {' + '.join(lengths)} < {_SHORT} else metered(n, {function}, {', '.join(names)}))"

    def dispatch(self, node: Call, args: list[Code]) -> Code:
        candidates = ", ".join(f"O_{o.key}" for o in node.overloads)
        texts = ", ".join(code.text for code in args)
        if node.overloads[0].inexact:
            return self.made(f"F_{node.overloads[0].key}({texts})", "", *args)
        return self.made(f"call_any({node.name!r}, ({candidates},), {texts})", "", *args)

    def string_test(self, args: list[Code], method: str) -> Code:
        test, name = self.guard(args[1], "str")
        receiver = args[0] if args[0].kind in {"", "str"} else self.named(args[0])
        # Whatever is no string has no such method, or (bytes) takes no string.
        text = f"{receiver.text}.{method}({name})"
        return self.made(f"({text} if {test} else bail())" if test else text, "bool", *args)

    def inclusion(self, args: list[Code]) -> Code:
        tests = []
        names = []
        for code in args:
            test, name = self.guard(code, "str")
            tests += [f"({test})"] if test else []
            names.append(name)
        text = f"{names[1]} in {names[0]}"
        if self.loops and names[0].isidentifier():
            self.metered = True
            text = f"{text} if len({names[0]}) < {_SHORT} else metered(n, F_{_CONTAINS}, {', '.join(names)})"
        return self.made(f"(({text}) if {' & '.join(tests)} else bail())" if tests else f"({text})", "bool", *args)

    def matching(self, args: list[Code]) -> Code:
        test, name = self.guard(args[0], "str")
        pattern = self.temporary("p")
        self.globals[pattern] = f"{pattern} = PATTERNS[{args[1].text}]"
        text = self.measured(pattern, [name], [name])
        return self.made(f"({text} if {test} else bail())" if test else text, "bool", *args)

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
        chains = dict(self.chains)
        self.scopes.append(variables)
        self.loops += 1
        self.level += 1
        yield from self.body(node, result, next(iter(variables.values())).text)
        self.level -= 1
        self.loops -= 1
        self.scopes.pop()
        self.chains = chains
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


def _chain(node: Select) -> str:
    """`x.a.b` as a text, empty for a selection from anything but a variable."""
    fields: list[str] = []
    inner: Node = node
    while isinstance(inner, Select) and inner.ident is None and not inner.test:
        fields.append(inner.field)
        inner = inner.operand
    if isinstance(inner, Select) and inner.ident is not None:
        inner = inner.ident
    return ".".join([inner.name, *reversed(fields)]) if isinstance(inner, Ident) else ""


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


def _constant_list(node: Node) -> tuple[str, str] | None:
    """The kind and the text of a list of string or int constants, all of one kind."""
    if not isinstance(node, ListLiteral) or node.optional or not node.elements:
        return None
    values = [e.value for e in node.elements if isinstance(e, Literal)]
    kinds = {type(value) for value in values}
    if len(values) != len(node.elements) or len(kinds) != 1 or not kinds <= {str, int}:
        return None
    return kinds.pop().__name__, f"({', '.join(map(repr, values))},)"
