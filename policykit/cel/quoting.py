"""A text -> the same as Go's `%q` writes it, for error messages that are to read as the API server's."""

from __future__ import annotations

_SHORT = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def quote(text: str) -> str:
    """The text in double quotes, with Go's escapes for what cannot be printed.

    A byte that was no UTF-8 may stand in the text as Python's `surrogateescape` leaves it.
    """
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    point = ord(char)
    if point in _SHORT:
        return _SHORT[point]
    if char.isprintable():
        return char
    if point < 0x80 or 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point & 0xFF:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
