"""Tokens with a place among them: what the parser moves along, and how it says that it cannot go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from policykit.cel.lexer import Token


class SyntaxProblem(Exception):  # noqa: N818  becomes a `CelSyntaxError` where the text is known
    """The text ends here as an expression; a negative offset is no place."""

    def __init__(self, message: str, offset: int) -> None:
        self.offset = offset
        super().__init__(message)


class Cursor:
    """A list of tokens that ends in one of kind `end`, and the position of the next."""

    def __init__(self, found: list[Token]) -> None:
        self.tokens = found
        self.position = 0
        self.token = found[0]

    def advance(self) -> Token:
        """The next token, and on to the one after it; the end is never passed."""
        token = self.token
        if token.kind != "end":
            self.position += 1
            self.token = self.tokens[self.position]
        return token

    def peek(self, distance: int = 1) -> Token:
        """A token further on."""
        return self.tokens[min(self.position + distance, len(self.tokens) - 1)]

    def accept(self, kind: str) -> Token | None:
        """The next token if it is of a kind."""
        return self.advance() if self.token.kind == kind else None

    def expect(self, kind: str, expecting: str = "") -> Token:
        """The next token, which must be of a kind."""
        if self.token.kind != kind:
            self.fail(expecting or f"'{kind}'")
        return self.advance()

    def fail(self, expecting: str) -> NoReturn:
        """Say what could have stood in place of the next token."""
        message = f"Syntax error: mismatched input '{self.token.text}' expecting {expecting}"
        raise SyntaxProblem(message, self.token.offset)

    def no_alternative(self) -> NoReturn:
        """A minus where no operand may have one, or nothing that may follow one."""
        first, second = self.tokens[self.position - 1], self.token
        if second.kind == "-":
            first, second = second, self.peek()
        raise SyntaxProblem(f"Syntax error: no viable alternative at input '{first.text}{second.text}'", second.offset)

    def no_field(self) -> NoReturn:
        """No name after a dot, told as cel-go does."""
        if self.token.kind in {"true", "false", "null"}:
            self.fail("IDENTIFIER")
        text = "." if self.token.kind == "end" else f".{self.token.text}"
        raise SyntaxProblem(f"Syntax error: no viable alternative at input '{text}'", self.token.offset)
