"""Bytes to JSON values, for every text that the API server's own decoder accepts.

`orjson` reads all but a few of them in one go. What it refuses and Go reads is nesting beyond 1,024 levels, lone
surrogates and broken UTF-8 (both become U+FFFD): these take the slow way, which keeps its own stack.
Duplicate keys: the last one wins. Keys keep their case.
"""

from __future__ import annotations

import math
import re
from json.decoder import scanstring as _scanstring  # type: ignore[attr-defined]
from typing import Any

import orjson

#: sigs.k8s.io/json refuses deeper texts.
MAX_DEPTH = 10_000

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None}
_INT64 = 1 << 63


class NotJsonError(ValueError):
    """The bytes are not one JSON value."""


def loads_fast(body: bytes) -> Any:
    """The value of `body`, or ValueError where `loads` may still know better."""
    return orjson.loads(body)


def loads(body: bytes) -> Any:
    """The value of `body`. Raises NotJsonError; never RecursionError."""
    try:
        return orjson.loads(body)
    except ValueError:
        return _Reader(body.decode("utf-8", "replace")).read()


class _Reader:
    """A JSON reader that nests on a list of its own, not on the interpreter's stack."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Any:
        root: list[Any] = []
        stack: list[dict[str, Any] | list[Any]] = [root]
        key = ""
        while True:
            value, opened = self._value()
            top = stack[-1]
            if isinstance(top, dict):
                top[key] = value
            else:
                top.append(value)
            if opened:
                if len(stack) > MAX_DEPTH:
                    raise NotJsonError("exceeded max depth")
                stack.append(value)
            elif not self._continues(stack):
                break
            if isinstance(stack[-1], dict):
                key = self._key()
        self._skip()
        if self._at != len(self._text):
            raise self._error("unexpected text after the value")
        return root[0]

    def _continues(self, stack: list[dict[str, Any] | list[Any]]) -> bool:
        """After a value: closes what ends here; False where the outermost value is complete."""
        while len(stack) > 1:
            close = "}" if isinstance(stack[-1], dict) else "]"
            sign = self._sign()
            if sign == ",":
                return True
            if sign != close:
                raise self._error(f"expected , or {close}")
            stack.pop()
        return False

    def _value(self) -> tuple[Any, bool]:
        """The value here, and whether it is a container with something in it, still to be read."""
        self._skip()
        start = self._text[self._at : self._at + 1]
        if start in ("{", "["):
            self._at += 1
            empty: Any = {} if start == "{" else []
            self._skip()
            if self._text[self._at : self._at + 1] == ("}" if start == "{" else "]"):
                self._at += 1
                return empty, False
            return empty, True
        if start == '"':
            return self._string(), False
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value, False
        return self._number(), False

    def _key(self) -> str:
        self._skip()
        if self._text[self._at : self._at + 1] != '"':
            raise self._error("expected a key")
        key = self._string()
        if self._sign() != ":":
            raise self._error("expected :")
        return key

    def _string(self) -> str:
        try:
            value, self._at = _scanstring(self._text, self._at + 1, True)
        except ValueError as error:
            raise self._error("broken string") from error
        return _SURROGATE.sub("�", value)

    def _number(self) -> int | float:
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            raise self._error("unexpected character")
        self._at = match.end()
        digits = match[0]
        if match[1] is None and match[2] is None and len(digits) < 20 and -_INT64 <= int(digits) < _INT64:
            return int(digits)
        number = float(digits)
        if math.isinf(number):
            raise self._error("number out of range")
        return number

    def _sign(self) -> str:
        self._skip()
        self._at += 1
        return self._text[self._at - 1 : self._at]

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _error(self, what: str) -> NotJsonError:
        return NotJsonError(f"{what} at character {self._at}")
