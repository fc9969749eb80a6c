"""Text of an expression to tokens, after the lexer rules of cel-go's grammar (parser/gen/CEL.g4)."""

from __future__ import annotations

import re
from typing import NamedTuple

from policykit.cel.values import INT_MAX, INT_MIN, UINT_MAX, UInt

_ESCAPE = r"""\\(?:[abfnrtv"'\\?`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"""
_QUOTED = "|".join(
    (
        rf'"""(?:{_ESCAPE}|[^\\])*?"""',
        rf"'''(?:{_ESCAPE}|[^\\])*?'''",
        rf'"(?:{_ESCAPE}|[^\\"\n\r])*"',
        rf"'(?:{_ESCAPE}|[^\\'\n\r])*'",
    )
)
_RAW = "|".join(
    (
        r'[rR]"""[\s\S]*?"""',
        r"[rR]'''[\s\S]*?'''",
        r'[rR]"[^"\n\r]*"',
        r"[rR]'[^'\n\r]*'",
    )
)

_TOKEN = re.compile(
    "|".join(
        (
            r"(?P<space>[\t \r\n\f]+|//[^\n]*)",
            rf"(?P<bytes>[bB](?:{_RAW}|{_QUOTED}))",
            rf"(?P<string>{_RAW}|{_QUOTED})",
            r"(?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)",
            r"(?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])",
            r"(?P<int>0x[0-9a-fA-F]+|[0-9]+)",
            r"(?P<identifier>[A-Za-z_][A-Za-z0-9_]*)",
            r"(?P<escaped>`[A-Za-z0-9_.\-/ ]+`)",
            r"(?P<operator>==|!=|<=|>=|&&|\|\||[<>\[\]{}().,\-!?:+*/%])",
        )
    )
)

#: Identifiers that the grammar takes for tokens of their own.
_WORDS = frozenset({"in", "true", "false", "null"})


class Token(NamedTuple):
    """`kind` is the rule's name; for operators and `in true false null` the text itself; `end` for the end."""

    kind: str
    text: str
    offset: int


def tokens(text: str) -> tuple[list[Token], list[tuple[str, int]]]:
    """All tokens of `text`, ending in one of kind `end`, and messages of what is none, with their offsets."""
    found: list[Token] = []
    problems: list[tuple[str, int]] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            refused = _NO_TOKEN.match(text, position)
            word = refused.group() if refused else text[position]
            problems.append((f"Syntax error: token recognition error at: '{word}'", position))
            position += len(word)
            continue
        kind = match.lastgroup or ""
        word = match.group()
        if kind == "operator" or word in _WORDS:
            found.append(Token(word, word, position))
        elif kind != "space":
            found.append(Token(kind, word, position))
        position = match.end()
    found.append(Token("end", "<EOF>", len(text)))
    return found, problems


#: What cel-go's lexer reads before it gives up: the beginning of a token and the character that spoils it.
_NO_TOKEN = re.compile(
    rf"""[&|=][\s\S]?|"(?:{_ESCAPE}|[^\\"\n\r])*(?:\\?[\s\S])?|'(?:{_ESCAPE}|[^\\'\n\r])*(?:\\?[\s\S])?"""
)


class EscapeError(ValueError):
    """A string literal has an escape that stands for nothing."""


_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPES = re.compile(r"\\(?:([0-3][0-7][0-7])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.S)


def unquote(literal: str) -> str:
    """The text that a string literal stands for; raises `EscapeError`."""
    body, raw = _body(literal)
    if raw or "\\" not in body:
        return body

    def replace(match: re.Match[str]) -> str:
        octal, *hexadecimal, simple = match.groups()
        if simple is not None:
            return _SIMPLE.get(simple, simple)
        code = int(octal, 8) if octal else int(next(h for h in hexadecimal if h), 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise EscapeError("invalid unicode code point")
        return chr(code)

    return _ESCAPES.sub(replace, body)


def unquote_bytes(literal: str) -> bytes:
    r"""The bytes that a bytes literal (without its `b`) stands for: `\x` and octal escapes are one byte each."""
    body, raw = _body(literal)
    if raw or "\\" not in body:
        return body.encode("utf-8", "replace")
    parts: list[bytes] = []
    position = 0
    for match in _ESCAPES.finditer(body):
        parts.append(body[position : match.start()].encode("utf-8", "replace"))
        position = match.end()
        octal, short, *unicode, simple = match.groups()
        if unicode[0] or unicode[1]:
            raise EscapeError("unable to unescape string")
        if simple is not None:
            parts.append(_SIMPLE.get(simple, simple).encode("utf-8", "replace"))
        else:
            parts.append(bytes([int(octal, 8) if octal else int(short, 16)]))
    parts.append(body[position:].encode("utf-8", "replace"))
    return b"".join(parts)


def _body(literal: str) -> tuple[str, bool]:
    """What stands between the quotes, line ends normalised, and whether escapes are off."""
    raw = literal[0] in "rR"
    text = literal[1:] if raw else literal
    quotes = 3 if text.startswith(('"""', "'''")) and len(text) >= 6 else 1
    return text[quotes:-quotes].replace("\r\n", "\n").replace("\r", "\n"), raw


def number(kind: str, text: str) -> int | float | None:
    """The value of an `int`, `uint` or `double` literal; None where it is too large."""
    if kind == "double":
        value = float(text)
        return None if abs(value) == float("inf") else value
    digits = text.rstrip("uU")
    if len(digits) > 99:  # longer than 64 bits in any base; and Python refuses to convert thousands of digits
        return None
    whole = int(digits, 16) if "x" in digits else int(digits)
    if kind == "uint":
        return UInt(whole) if whole <= UINT_MAX else None
    return whole if INT_MIN <= whole <= INT_MAX else None
