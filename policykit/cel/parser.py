"""Tokens of an expression to its syntax tree, after cel-go's grammar, macros expanded.

Precedence climbing; nested expressions are parsed without Python's stack (`syntax.run`), so that depth is
a limit of the language (250, as in Kubernetes) and not of the interpreter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from policykit.cel import macros
from policykit.cel.cursor import Cursor, SyntaxProblem
from policykit.cel.errors import CelSyntaxError, Issue, Places
from policykit.cel.lexer import EscapeError, Token, number, tokens, unquote, unquote_bytes
from policykit.cel.syntax import (
    AND,
    CONDITIONAL,
    IN,
    INDEX,
    NEGATE,
    NOT,
    OPTIONAL_INDEX,
    OPTIONAL_SELECT,
    OR,
    Call,
    Entry,
    Field,
    Ident,
    ListLiteral,
    Literal,
    MapLiteral,
    Message,
    Node,
    Select,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from policykit.cel.macros import Macro

    Parsing = Generator[Any, Any, Any]

#: The longest text, in characters, that Kubernetes accepts.
SIZE_LIMIT: Final = 100_000
#: The deepest nesting. Kubernetes stops at 250 nested uses of one grammar rule; here is room for 250 levels of
#: whatever a level takes.
DEPTH_LIMITS: Final = {"expr": 600, "binary": 1_000, "member": 1_000}

_RELATIONS = frozenset({"<", "<=", ">=", ">", "==", "!=", "in"})
_PRECEDENCE = {**dict.fromkeys(_RELATIONS, 1), "+": 2, "-": 2, "*": 3, "/": 3, "%": 3}
_RESERVED = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "package",
        "namespace",
        "null",
        "return",
        "true",
        "false",
        "var",
        "void",
        "while",
    ]
)
_PRIMARY = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


def parse(text: str, known: dict[tuple[str, int, bool], Macro]) -> Node:
    """The syntax tree of `text` with the macros of an environment; raises `CelSyntaxError` with every issue."""
    if len(text) > SIZE_LIMIT:
        message = f"expression code point size exceeds limit: size: {len(text)}, limit {SIZE_LIMIT}"
        raise CelSyntaxError(text, (Issue(message, -1, 0),))
    places = Places(text)
    found, problems = tokens(text)
    parser = _Parser(found, known)
    try:
        tree: Node = run(parser.start())
    except SyntaxProblem as error:
        problems.append((str(error), error.offset))
    problems += parser.problems
    if problems:
        raise CelSyntaxError(text, tuple(sorted((places.issue(m, o) for m, o in problems), key=_place)))
    return tree


def _place(issue: Issue) -> tuple[int, int]:
    return issue.line, issue.column


class _Parser(Cursor):
    def __init__(self, found: list[Token], known: dict[tuple[str, int, bool], Macro]) -> None:
        super().__init__(found)
        self.known = known
        self.problems: list[tuple[str, int]] = []
        self.depth = dict.fromkeys(DEPTH_LIMITS, 0)

    def problem(self, message: str, offset: int) -> Literal:
        self.problems.append((message, offset))
        return Literal(offset, None)

    def deeper(self, rule: str) -> None:
        self.depth[rule] += 1
        if self.depth[rule] > DEPTH_LIMITS[rule]:
            raise SyntaxProblem(f"expression recursion limit exceeded: {DEPTH_LIMITS[rule]}", -1)

    def start(self) -> Parsing:
        tree = yield self.expr()
        if self.token.kind != "end":
            message = f"Syntax error: extraneous input '{self.token.text}' expecting <EOF>"
            raise SyntaxProblem(message, self.token.offset)
        return tree

    def expr(self) -> Parsing:
        self.deeper("expr")
        tree = yield from self.logical(OR, "||")
        if operator := self.accept("?"):
            true = yield from self.logical(OR, "||")
            self.expect(":")
            false = yield self.expr()
            tree = Call(operator.offset, CONDITIONAL, [tree, true, false])
        self.depth["expr"] -= 1
        return tree

    def logical(self, name: str, symbol: str) -> Parsing:
        inner = self.logical(AND, "&&") if name == OR else self.binary(1)
        terms = [(yield from inner)]
        offset = self.token.offset
        while self.accept(symbol):
            terms.append((yield from (self.logical(AND, "&&") if name == OR else self.binary(1))))
        return terms[0] if len(terms) == 1 else Call(offset, name, terms)

    def binary(self, precedence: int) -> Parsing:
        outside = self.depth["binary"]
        self.deeper("binary")
        left = yield from self.unary()
        while _PRECEDENCE.get(self.token.kind, 0) >= precedence:
            self.deeper("binary")
            operator = self.advance()
            right = yield from self.binary(_PRECEDENCE[operator.kind] + 1)
            name = IN if operator.kind == "in" else f"_{operator.kind}_"
            left = Call(operator.offset, name, [left, right])
        self.depth["binary"] = outside
        return left

    def unary(self) -> Parsing:
        symbol = self.token.kind
        if symbol not in {"!", "-"} or (symbol == "-" and self.peek().kind in {"int", "double"}):
            return (yield from self.member())
        operator = self.token
        count = 0
        while self.token.kind == symbol:
            if symbol == "-" and self.peek().kind in {"int", "double"} and count % 2 == 1:
                break
            self.advance()
            count += 1
        operand = yield from self.member()
        if count % 2 == 0:
            return operand
        return Call(operator.offset, NOT if symbol == "!" else NEGATE, [operand])

    def member(self) -> Parsing:
        outside = self.depth["member"]
        self.deeper("member")
        tree = yield from self.primary()
        while self.token.kind in {".", "["}:
            self.deeper("member")
            operator = self.advance()
            optional = self.accept("?") is not None
            if operator.kind == "[":
                index = yield self.expr()
                self.expect("]")
                tree = Call(operator.offset, OPTIONAL_INDEX if optional else INDEX, [tree, index])
            else:
                tree = yield from self.selection(tree, operator, optional=optional)
        self.depth["member"] = outside
        return tree

    def selection(self, operand: Node, operator: Token, *, optional: bool) -> Parsing:
        if self.token.kind == "escaped":
            name = self.advance()
            self.problem("unsupported syntax: '`'", name.offset)
            return Select(operator.offset, operand, name.text.strip("`"))
        if self.token.kind != "identifier" and not optional:
            self.no_field()
        name = self.expect("identifier", "{IDENTIFIER, ESC_IDENTIFIER}")
        if optional:
            return Call(operator.offset, OPTIONAL_SELECT, [operand, Literal(name.offset, name.text)])
        if self.token.kind == "(":
            opening = self.advance()
            args = yield from self.arguments()
            return self.call(opening.offset, name.text, args, operand)
        return Select(operator.offset, operand, name.text)

    def call(self, offset: int, name: str, args: list[Node], target: Node | None) -> Node:
        macro = self.known.get((name, len(args), target is not None))
        if macro is None:
            return Call(offset, name, args, target)
        try:
            expanded = macro(offset, target, args)
        except macros.MacroError as error:
            return self.problem(str(error), error.offset)
        return Call(offset, name, args, target) if expanded is None else expanded

    def arguments(self) -> Parsing:
        args: list[Node] = []
        if self.accept(")"):
            return args
        while True:
            args.append((yield self.expr()))
            if not self.accept(","):
                break
        self.expect(")", "{',', ')'}")
        return args

    def primary(self) -> Parsing:
        token = self.token
        if token.kind == "(":
            self.advance()
            tree = yield self.expr()
            self.expect(")")
            return tree
        if token.kind == "[":
            return (yield from self.list_literal())
        if token.kind == "{":
            return (yield from self.map_literal())
        if token.kind == "identifier" or (token.kind == "." and self.peek().kind == "identifier"):
            return (yield from self.name())
        return self.literal()

    def name(self) -> Parsing:
        dot = "." if self.accept(".") else ""
        if self.is_message():
            return (yield from self.message(dot))
        name = self.advance()
        opening = self.accept("(")
        args: list[Node] = []
        if opening:
            args = yield from self.arguments()
        if name.text in _RESERVED:
            return self.problem(f"reserved identifier: {name.text}", name.offset)
        if opening:
            return self.call(opening.offset, dot + name.text, args, None)
        return Ident(name.offset, dot + name.text)

    def is_message(self) -> bool:
        distance = 1
        while self.peek(distance).kind == "." and self.peek(distance + 1).kind == "identifier":
            distance += 2
        return self.peek(distance).kind == "{"

    def message(self, dot: str) -> Parsing:
        name = dot + self.advance().text
        while self.accept("."):
            name += "." + self.advance().text
        opening = self.expect("{")
        fields: list[Field] = []
        while self.token.kind != "}":
            optional = self.accept("?") is not None
            if self.token.kind == "escaped":
                self.problem("unsupported syntax: '`'", self.token.offset)
                field = self.advance()
            else:
                field = self.expect("identifier", "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}")
            colon = self.expect(":")
            fields.append(Field(colon.offset, field.text, (yield self.expr()), optional=optional))
            if not self.accept(","):
                break
        self.expect("}", "{'}', ','}")
        return Message(opening.offset, name, fields)

    def list_literal(self) -> Parsing:
        opening = self.advance()
        elements: list[Node] = []
        optional: set[int] = set()
        if self.token.kind == "," and self.peek().kind == "]":
            self.advance()
        while self.token.kind != "]":
            if self.accept("?"):
                optional.add(len(elements))
            elements.append((yield self.expr()))
            if not self.accept(","):
                break
        self.expect("]", "{']', ','}")
        return ListLiteral(opening.offset, elements, frozenset(optional))

    def map_literal(self) -> Parsing:
        opening = self.advance()
        entries: list[Entry] = []
        if self.token.kind == "," and self.peek().kind == "}":
            self.advance()
        while self.token.kind != "}":
            optional = self.accept("?") is not None
            key = yield self.expr()
            colon = self.expect(":")
            entries.append(Entry(colon.offset, key, (yield self.expr()), optional=optional))
            if not self.accept(","):
                break
        self.expect("}", "{'}', ','}")
        return MapLiteral(opening.offset, entries)

    def literal(self) -> Literal:
        token = self.token
        sign = ""
        if token.kind == "-" and self.peek().kind in {"int", "double"}:
            sign = self.advance().kind
        kind, text, _ = self.token
        if kind in {"-", "!"} and self.position and self.tokens[self.position - 1].kind in {"-", "!"}:
            self.no_alternative()
        if kind not in {"int", "uint", "double", "string", "bytes", "true", "false", "null"}:
            self.fail(_PRIMARY)
        self.advance()
        if kind in {"true", "false", "null"}:
            return Literal(token.offset, {"true": True, "false": False, "null": None}[kind])
        if kind in {"string", "bytes"}:
            try:
                return Literal(token.offset, unquote(text) if kind == "string" else unquote_bytes(text[1:]))
            except EscapeError as error:
                return self.problem(str(error), token.offset)
        value = number(kind, sign + text)
        return self.problem(f"invalid {kind} literal", token.offset) if value is None else Literal(token.offset, value)
