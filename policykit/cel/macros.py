"""Macro calls to the comprehensions they stand for, as cel-go expands them (parser/macro.go, ext/comprehensions.go)."""

from __future__ import annotations

from collections.abc import Callable

from policykit.cel.syntax import (
    ADD,
    AND,
    CONDITIONAL,
    EQUALS,
    MAP_INSERT,
    NOT,
    NOT_STRICTLY_FALSE,
    OR,
    RESULT,
    Call,
    Fold,
    Ident,
    ListLiteral,
    Literal,
    MapLiteral,
    Message,
    Node,
    Select,
)

#: Offset of the call, its target, its arguments -> the expansion, or None to leave the call as it is.
Macro = Callable[[int, Node | None, list[Node]], Node | None]


class MacroError(Exception):
    """A macro is not called as it must be."""

    def __init__(self, message: str, offset: int) -> None:
        self.offset = offset
        super().__init__(message)


def _name(argument: Node, message: str) -> str:
    if not isinstance(argument, Ident):
        raise MacroError(message, argument.offset)
    if argument.name in {RESULT, "__result__"}:
        raise MacroError("iteration variable overwrites accumulator variable", argument.offset)
    return argument.name


def _has(offset: int, _: Node | None, args: list[Node]) -> Node:
    argument = args[0]
    if not isinstance(argument, Select):
        raise MacroError("invalid argument to has() macro", argument.offset)
    return Select(offset, argument.operand, argument.field, test=True)


def _quantifier(macro: str, offset: int, range_: Node, variables: tuple[str, str], predicate: Node) -> Fold:
    def result() -> Ident:
        return Ident(offset, RESULT)

    parts: tuple[Node, Node, Node, Node]
    if macro == "all":
        condition = Call(offset, NOT_STRICTLY_FALSE, [result()])
        parts = Literal(offset, True), condition, Call(offset, AND, [result(), predicate]), result()
    elif macro == "exists":
        condition = Call(offset, NOT_STRICTLY_FALSE, [Call(offset, NOT, [result()])])
        parts = Literal(offset, False), condition, Call(offset, OR, [result(), predicate]), result()
    else:
        plus = Call(offset, ADD, [result(), Literal(offset, 1)])
        step = Call(offset, CONDITIONAL, [predicate, plus, result()])
        one = Call(offset, EQUALS, [result(), Literal(offset, 1)])
        parts = Literal(offset, 0), Literal(offset, True), step, one
    return Fold(offset, macro, range_, variables, RESULT, parts, predicate=predicate)


def _builder(
    macro: str, offset: int, range_: Node, variables: tuple[str, str], predicate: Node | None, transform: Node
) -> Fold:
    """`map`, `filter` and `transform...`: a comprehension that collects."""

    def result() -> Ident:
        return Ident(offset, RESULT)

    step: Node
    if macro == "transformMap":
        step = Call(offset, MAP_INSERT, [result(), Ident(offset, variables[0]), transform])
    elif macro == "transformMapEntry":
        step = Call(offset, MAP_INSERT, [result(), transform])
    else:
        step = Call(offset, ADD, [result(), ListLiteral(offset, [transform])])
    if predicate is not None:
        step = Call(offset, CONDITIONAL, [predicate, step, result()])
    initial: Node = MapLiteral(offset, []) if "Map" in macro else ListLiteral(offset, [])
    parts = initial, Literal(offset, True), step, result()
    return Fold(offset, macro, range_, variables, RESULT, parts, predicate=predicate, transform=transform)


def _one_variable(macro: str) -> Macro:
    def expand(offset: int, target: Node | None, args: list[Node]) -> Node:
        assert target is not None
        collects = macro in {"map", "filter"}
        name = _name(args[0], "argument is not an identifier" if collects else "argument must be a simple name")
        variables = name, ""
        if not collects:
            return _quantifier(macro, offset, target, variables, args[1])
        if macro == "filter":
            return _builder(macro, offset, target, variables, args[1], args[0])
        predicate = args[1] if len(args) == 3 else None
        return _builder(macro, offset, target, variables, predicate, args[-1])

    return expand


def _two_variables(macro: str) -> Macro:
    def expand(offset: int, target: Node | None, args: list[Node]) -> Node:
        assert target is not None
        for argument in args[:2]:
            if not isinstance(argument, Ident):
                raise MacroError("argument must be a simple name", argument.offset)
        first, second = args[0], args[1]
        assert isinstance(first, Ident)
        assert isinstance(second, Ident)
        if first.name == second.name:
            raise MacroError(f"duplicate variable name: {first.name}", second.offset)
        variables = _name(first, ""), _name(second, "")
        if macro in {"all", "exists", "exists_one"}:
            return _quantifier(macro, offset, target, variables, args[2])
        predicate = args[2] if len(args) == 4 else None
        return _builder(macro, offset, target, variables, predicate, args[-1])

    return expand


def _opt_map(macro: str) -> Macro:
    def expand(offset: int, target: Node | None, args: list[Node]) -> Node:
        assert target is not None
        if not isinstance(args[0], Ident):
            raise MacroError(f"{macro}() variable name must be a simple identifier", args[0].offset)
        name = args[0].name
        value = Call(offset, "value", [], target)
        parts = value, Literal(offset, False), Ident(offset, name), args[1]
        fold: Node = Fold(offset, macro, ListLiteral(offset, []), ("#unused", ""), name, parts, transform=args[1])
        if macro == "optMap":
            fold = Call(offset, "optional.of", [fold])
        present = Call(offset, "hasValue", [], target)
        return Call(offset, CONDITIONAL, [present, fold, Call(offset, "optional.none", [])])

    return expand


def _sort_by(offset: int, target: Node | None, args: list[Node]) -> Node:
    assert target is not None
    if isinstance(target, Literal | MapLiteral | Message):
        message = "sortBy can only be applied to a list, identifier, comprehension, call or select expression"
        raise MacroError(message, target.offset)
    name = "@__sortBy_input__"
    keys = _one_variable("map")(offset, Ident(offset, name), args)
    assert keys is not None
    call = Call(offset, "@sortByAssociatedKeys", [keys], Ident(offset, name))
    parts = target, Literal(offset, False), Ident(offset, name), call
    return Fold(offset, "optBind", ListLiteral(offset, []), ("#unused", ""), name, parts, transform=call)


#: Macros by name, number of arguments, and whether they are members.
STANDARD: dict[tuple[str, int, bool], Macro] = {
    ("has", 1, False): _has,
    ("all", 2, True): _one_variable("all"),
    ("exists", 2, True): _one_variable("exists"),
    ("exists_one", 2, True): _one_variable("exists_one"),
    ("existsOne", 2, True): _one_variable("exists_one"),
    ("map", 2, True): _one_variable("map"),
    ("map", 3, True): _one_variable("map"),
    ("filter", 2, True): _one_variable("filter"),
}

OPTIONALS: dict[tuple[str, int, bool], Macro] = {
    ("optMap", 2, True): _opt_map("optMap"),
    ("optFlatMap", 2, True): _opt_map("optFlatMap"),
}

TWO_VARIABLES: dict[tuple[str, int, bool], Macro] = {
    ("all", 3, True): _two_variables("all"),
    ("exists", 3, True): _two_variables("exists"),
    ("existsOne", 3, True): _two_variables("exists_one"),
    ("exists_one", 3, True): _two_variables("exists_one"),
    ("transformList", 3, True): _two_variables("transformList"),
    ("transformList", 4, True): _two_variables("transformList"),
    ("transformMap", 3, True): _two_variables("transformMap"),
    ("transformMap", 4, True): _two_variables("transformMap"),
    ("transformMapEntry", 3, True): _two_variables("transformMapEntry"),
    ("transformMapEntry", 4, True): _two_variables("transformMapEntry"),
}

SORT_BY: dict[tuple[str, int, bool], Macro] = {("sortBy", 2, True): _sort_by}
