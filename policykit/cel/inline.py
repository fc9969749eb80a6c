"""Operators and functions of CEL as inline Python: right for values of the usual kinds, a call of the table for others.

Part of the fast rendering (`policykit.cel.fast`), whose rules hold here: no Unknown may be compared unnoticed, no
bool taken for an int, no text for a list of characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.cel.render import Code, Renderer, is_never
from policykit.cel.syntax import ListLiteral, Literal
from policykit.cel.values import INT_MAX, INT_MIN

if TYPE_CHECKING:
    from policykit.cel.library import Overload
    from policykit.cel.syntax import Call, Node
    from policykit.cel.types import Type

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
#: Kinds that Python compares as CEL does when both sides are of the kind.
_EQUAL_KINDS = frozenset({"str", "int", "bool", "bytes", "float", "UInt", "NoneType", "TypeValue"})
#: What is shorter than this costs a step like any other.
_SHORT = 200
_CONTAINS = "standard__contains__string__string"
_STRING_TESTS = {"startsWith": "startswith", "endsWith": "endswith"}


class Inline(Renderer):
    """The operators and functions of the fast rendering. Methods take the codes of the operands."""

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

    # operators

    def equality(self, args: list[Code], *, negated: bool) -> Code:
        left, right = args
        sign, word = ("!=", "not ") if negated else ("==", "")
        if left.kind == right.kind and left.kind in _EQUAL_KINDS:
            return self.made(f"({left.text} {sign} {right.text})", "bool", left, right)
        if left.kind and not right.kind:
            left, right = right, left
        if right.kind in _EQUAL_KINDS and not left.kind:
            return self.made(f"({word}{self.equals(left, right)})", "bool", left, right)
        (first, one), (second, two) = self.bind(left), self.bind(right)
        slow, short = f"known_equal({one}, {two})", ""
        if self.loops:
            self.metered = True
            slow, short = f"metered(n, known_equal, {one}, {two})", f" and len({one}) < {_SHORT}"
        texts = f"type({first}) is type({second}) is str{short}"
        return self.made(f"({word}({one} == {two} if {texts} else {slow}))", "bool", left, right)

    def equals(self, left: Code, right: Code) -> str:
        """`left == right` where the kind of the right side is certain and nothing of the left one."""
        first, name = self.bind(left)
        if right.kind == "NoneType":
            return f"({first} is None)" if left.known else f"({first} is None or differs({name}))"
        if right.kind in {"str", "bytes", "TypeValue"}:
            unknown = "" if left.known else f" or type({name}) is Unknown and bail()"
            return f"({first} == {right.text}{unknown})"
        return f"({name} == {right.text} if type({first}) is {right.kind} else known_equal({name}, {right.text}))"

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
            return self.inclusion(value, container)
        kind, members = constant
        test, name = self.guard(value, kind)
        text = f"{name} in {members}"
        if test:
            text = f"{text} if {test} else known_contains({members}, {name})"
        return self.made(f"({text})", "bool", value)

    def inclusion(self, value: Code, container: Code) -> Code:
        """Whether a value is in a list or a map that is computed: texts are looked for by Python."""
        if container.kind == "dict" and value.kind == "str":
            return self.made(f"({value.text} in {container.text})", "bool", value, container)
        meter, short = "", ""
        (first, one), (second, two) = self.bind(value), self.bind(container)
        if self.loops:
            self.metered = True
            meter, short = ", n", f" and len({two}) < {_SHORT}"
        slow = f"known_contains({two}, {one}{meter})"
        if value.kind not in {"", "str"}:
            return self.made(f"known_contains({second}, {first}{meter})", "bool", value, container)
        test = f"(type({first}) is str) & (type({second}) is dict)"
        quick = f"(type({one}) is str and type({two}) is list{short} and {one} in {two})"
        if value.kind == "str":
            test, quick = f"type({second}) is dict", f"(type({two}) is list{short} and {value.text} in {two})"
            slow, one = f"known_contains({two}, {value.text}{meter})", value.text
        return self.made(f"({one} in {two} if {test} else {quick} or {slow})", "bool", value, container)

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
            return self.part_of(args)
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
        return self.made(text, "" if overload.partial else CLASSES.get(overload.result.name, ""), *args)

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

    def part_of(self, args: list[Code]) -> Code:
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


def _constant_list(node: Node) -> tuple[str, str] | None:
    """The kind and the text of a list of string or int constants, all of one kind."""
    if not isinstance(node, ListLiteral) or node.optional or not node.elements:
        return None
    values = [e.value for e in node.elements if isinstance(e, Literal)]
    kinds = {type(value) for value in values}
    if len(values) != len(node.elements) or len(kinds) != 1 or not kinds <= {str, int}:
        return None
    return kinds.pop().__name__, f"({', '.join(map(repr, values))},)"
