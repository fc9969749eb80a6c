"""The text of a regular expression in Go's syntax -> a tree, or the error that Go's `regexp/syntax` reports.

The syntax: https://pkg.go.dev/regexp/syntax, with the flags that `regexp.Compile` sets. Groups leave no trace in the
tree: CEL never asks for what a group matched. Case-insensitive characters become sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from policykit.cel.regex import charset
from policykit.cel.regex.tree import Alternate, Assertion, Chars, Concat, Repeat, repeats_allowed

if TYPE_CHECKING:
    from policykit.cel.regex.charset import Ranges
    from policykit.cel.regex.tree import Node

#: Above Go's limits for a repetition count, an expression does not load. Go allows a nesting of 1,000 and some million
#: instructions; less is enough for any real expression and keeps the work of one evaluation small.
MAX_REPEAT, MAX_NESTING, MAX_POSITIONS = 1000, 150, 20_000


class RegexError(ValueError):
    """The text is not a regular expression; the message is Go's."""


class Flags(NamedTuple):
    """What `(?imsU)` sets."""

    ignore_case: bool = False
    multi_line: bool = False
    dot_newline: bool = False
    ungreedy: bool = False


_FLAG_LETTERS = {"i": "ignore_case", "m": "multi_line", "s": "dot_newline", "U": "ungreedy"}
_SIMPLE_ESCAPES = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_PERL_CLASSES = {"d": charset.DIGIT, "s": charset.SPACE, "w": charset.WORD}
_DIGITS, _OCTAL, _HEX = "0123456789", "01234567", "0123456789abcdefABCDEF"


class _Group:
    """An open parenthesis: the flags to restore, the finished alternatives and the one that is being read."""

    __slots__ = ("alternatives", "flags", "items")

    def __init__(self, flags: Flags) -> None:
        self.flags = flags
        self.alternatives: list[Node] = []
        self.items: list[Node] = []

    def end_alternative(self) -> None:
        self.alternatives.append(self.items[0] if len(self.items) == 1 else Concat(tuple(self.items)))
        self.items = []

    def close(self) -> Node:
        self.end_alternative()
        chars = [item.ranges for item in self.alternatives if isinstance(item, Chars)]
        if len(chars) == len(self.alternatives):
            return Chars(charset.union(*chars))
        return self.alternatives[0] if len(self.alternatives) == 1 else Alternate(tuple(self.alternatives))


def parse(text: str) -> Node:
    """The tree of an expression. Raises RegexError."""
    return _Parser(text).run()


class _Parser:
    """Reads from left to right; what is open is on a stack, so that no nesting exhausts Python's."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.flags = Flags()
        self.groups = [_Group(self.flags)]
        #: Where the repetition that was just read begins: `a**` is an error, `(a*)*` is not.
        self.repetition: int | None = None

    def run(self) -> Node:
        while self.at < len(self.text):
            repetition, self.repetition = self.repetition, None
            char = self.text[self.at]
            if char in "*+?":
                least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
                self._repeat(self.at + 1, least, most, repetition)
            elif char == "{":
                self._counted(repetition)
            elif char == "[":
                self._push(Chars(self._class()))
            elif char == "\\":
                self._escape()
            else:
                self._plain(char)
        if len(self.groups) > 1:
            raise self._error("missing closing )", self.text)
        return self._checked(self.groups[0].close())

    def _error(self, what: str, where: str) -> RegexError:
        return RegexError(f"error parsing regexp: {what}: `{where}`")

    def _checked(self, node: Node) -> Node:
        if node.depth > MAX_NESTING:
            raise self._error("expression nests too deeply", self.text)
        if node.positions > MAX_POSITIONS:
            raise self._error("expression too large", self.text)
        return node

    def _push(self, node: Node) -> None:
        self.groups[-1].items.append(node)

    def _literal(self, point: int) -> None:
        ranges: Ranges = ((point, point),)
        self._push(Chars(charset.fold(ranges) if self.flags.ignore_case else ranges))

    def _plain(self, char: str) -> None:
        if char == "(":
            self._open()
            return
        self.at += 1
        if char == "|":
            self.groups[-1].end_alternative()
        elif char == ")":
            self._close()
        elif char in "^$":
            self._push(Assertion(("line" if self.flags.multi_line else "text") + char))
        elif char == ".":
            self._push(Chars(charset.ANY if self.flags.dot_newline else charset.NOT_NEWLINE))
        else:
            self._literal(ord(char))

    def _close(self) -> None:
        if len(self.groups) == 1:
            raise self._error("unexpected )", self.text)
        group = self.groups.pop()
        self.flags = group.flags
        self._push(self._checked(group.close()))

    def _open(self) -> None:
        """`(`, `(?P<name>`, `(?<name>`, `(?flags:` open a group; `(?flags)` only sets flags."""
        if not self.text.startswith("(?", self.at):
            self.groups.append(_Group(self.flags))
            self.at += 1
        elif self.text.startswith(("(?P<", "(?<"), self.at):
            self._open_named(self.text[self.at :])
        else:
            self._open_flags()

    def _open_named(self, rest: str) -> None:
        if rest in {"(?P<", "(?<"}:
            raise self._error("invalid or unsupported Perl syntax", rest[:3])
        end = rest.find(">")
        if end < 0:
            raise self._error("invalid named capture", rest)
        name = rest[rest.index("<") + 1 : end]
        if not (name and name.isascii() and name.replace("_", "a").isalnum()):
            raise self._error("invalid named capture", rest[: end + 1])
        self.groups.append(_Group(self.flags))
        self.at += end + 1

    def _open_flags(self) -> None:
        start, self.at = self.at, self.at + 2
        flags, setting, seen = self.flags, True, False
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char in _FLAG_LETTERS:
                flags, seen = flags._replace(**{_FLAG_LETTERS[char]: setting}), True
            elif char == "-" and setting:
                setting = seen = False
            elif char in ":)" and (setting or seen):
                if char == ":":
                    self.groups.append(_Group(self.flags))
                self.flags = flags
                return
            else:
                break
        raise self._error("invalid or unsupported Perl syntax", self.text[start : self.at])

    def _repeat(self, after: int, least: int, most: int | None, previous: int | None) -> None:
        start = self.at
        greedy = not self.flags.ungreedy
        if self.text[after : after + 1] == "?":
            after, greedy = after + 1, not greedy
        if previous is not None:
            raise self._error("invalid nested repetition operator", self.text[previous:after])
        items = self.groups[-1].items
        if not items:
            raise self._error("missing argument to repetition operator", self.text[start:after])
        node = Repeat(items[-1], least, most, greedy)
        if max(least, most or 0) >= 2 and not repeats_allowed(node, MAX_REPEAT):
            raise self._error("invalid repeat count", self.text[start:after])
        items[-1] = self._checked(node)
        self.at, self.repetition = after, start

    def _counted(self, previous: int | None) -> None:
        """`{2}`, `{2,}`, `{2,5}`; anything else that begins so is a literal brace."""
        low = high = _run(self.text, self.at + 1, _DIGITS, len(self.text))
        end = self.at + 1 + len(low)
        comma = self.text.startswith(",", end)
        if comma:
            high = _run(self.text, end + 1, _DIGITS, len(self.text))
            end += 1 + len(high)
        if not _is_count(low) or (high and not _is_count(high)) or not self.text.startswith("}", end):
            self.at += 1
            self._literal(ord("{"))
            return
        least, most = _count(low), _count(high) if high else None
        if max(least, most or 0) > MAX_REPEAT or (most is not None and least > most):
            raise self._error("invalid repeat count", self.text[self.at : end + 1])
        self._repeat(end + 1, least, most, previous)

    def _escape(self) -> None:
        kind = self.text[self.at + 1 : self.at + 2]
        if kind == "Q":
            literal, _, _ = self.text[self.at + 2 :].partition("\\E")
            closed = self.text.startswith("\\E", self.at + 2 + len(literal))
            self.at += 2 + len(literal) + 2 * closed
            for char in literal:
                self._literal(ord(char))
        elif kind in {"A", "z", "b", "B"}:
            self.at += 2
            self._push(Assertion({"A": "text^", "z": "text$", "b": "word", "B": "!word"}[kind]))
        elif kind == "C":
            raise self._error("invalid escape sequence", "\\C")
        else:
            ranges = self._class_escape()
            if ranges is None:
                self._literal(self._char_escape())
            else:
                self._push(Chars(ranges))

    def _class_escape(self) -> Ranges | None:
        """`\\d`, `\\S`, `\\pL`, `\\P{Greek}` at the current place, None where there is something else."""
        kind = self.text[self.at + 1 : self.at + 2]
        if kind.lower() in _PERL_CLASSES and kind:
            self.at += 2
            return self._named(_PERL_CLASSES[kind.lower()], negate=kind.isupper())
        return self._unicode_class() if kind in {"p", "P"} else None

    def _named(self, ranges: Ranges, negate: bool) -> Ranges:
        if self.flags.ignore_case:
            ranges = charset.fold(ranges)
        return charset.complement(ranges) if negate else ranges

    def _unicode_class(self) -> Ranges:
        start = self.at
        name = self.text[start + 2 : start + 3]
        end = start + 3
        if name == "{":
            end = self.text.find("}", start) + 1
            if not end:
                raise self._error("invalid character class range", self.text[start:])
            name = self.text[start + 3 : end - 1]
        negate = (self.text[start + 1] == "P") != name.startswith("^")
        ranges = charset.unicode_class(name.removeprefix("^"))
        if ranges is None:
            raise self._error("invalid character class range", self.text[start:end])
        self.at = end
        return self._named(ranges, negate)

    def _char_escape(self) -> int:
        """The code point of an escape such as `\\n`, `\\x{10FFFF}`, `\\012`, `\\.`."""
        start = self.at
        char = self.text[start + 1 : start + 2]
        self.at += 2
        if not char:
            raise self._error("trailing backslash at end of expression", "")
        if char in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[char]
        if char in _OCTAL:
            digits = _run(self.text, start + 1, _OCTAL, 3)
            # A single digit other than zero would be a back-reference.
            if char == "0" or len(digits) > 1:
                self.at = start + 1 + len(digits)
                return int(digits, 8)
        elif char == "x":
            return self._hex_escape(start)
        elif char < "\x80" and not char.isalnum():
            return ord(char)
        raise self._error("invalid escape sequence", self.text[start : self.at])

    def _hex_escape(self, start: int) -> int:
        """`\\x7F` or `\\x{10FFFF}`; an error names what was read up to the character that is wrong."""
        if self.text[self.at : self.at + 1] != "{":
            digits = self.text[self.at : self.at + 2]
            self.at += len(digits)
            if len(digits) == 2 and all(digit in _HEX for digit in digits):
                return int(digits, 16)
            raise self._error("invalid escape sequence", self.text[start : self.at])
        self.at += 1
        first, value = self.at, 0
        while self.at < len(self.text) and value <= charset.LAST:
            char = self.text[self.at]
            self.at += 1
            if char == "}" and self.at - 1 > first:
                return value
            if char not in _HEX:
                break
            value = value * 16 + int(char, 16)
        raise self._error("invalid escape sequence", self.text[start : self.at])

    def _class(self) -> Ranges:
        """`[...]` at the current place."""
        start = self.at
        self.at += 1
        negate = self.text.startswith("^", self.at)
        self.at += negate
        parts: list[Ranges] = []
        while not parts or not self.text.startswith("]", self.at):
            parts.append(self._class_part(start))
        self.at += 1
        ranges = charset.union(*parts)
        return charset.complement(ranges) if negate else ranges

    def _class_part(self, start: int) -> Ranges:
        if self.text.startswith("[:", self.at) and (end := self.text.find(":]", self.at + 2)) >= 0:
            return self._posix_class(end + 2)
        if self.text.startswith("\\", self.at) and (named := self._class_escape()) is not None:
            return named
        begin = self.at
        low = high = self._class_char(start)
        following = self.text[self.at : self.at + 2]
        if len(following) == 2 and following[0] == "-" and following[1] != "]":
            self.at += 1
            high = self._class_char(start)
            if high < low:
                raise self._error("invalid character class range", self.text[begin : self.at])
        ranges: Ranges = ((low, high),)
        return charset.fold(ranges) if self.flags.ignore_case else ranges

    def _posix_class(self, end: int) -> Ranges:
        name = self.text[self.at + 2 : end - 2]
        ranges = charset.POSIX.get(name.removeprefix("^"))
        if ranges is None:
            raise self._error("invalid character class range", self.text[self.at : end])
        self.at = end
        return self._named(ranges, negate=name.startswith("^"))

    def _class_char(self, start: int) -> int:
        if self.at >= len(self.text):
            raise self._error("missing closing ]", self.text[start:])
        if self.text[self.at] == "\\":
            return self._char_escape()
        self.at += 1
        return ord(self.text[self.at - 1])


def _run(text: str, at: int, members: str, most: int) -> str:
    """The longest piece from `at` on that has only `members`."""
    end = at
    while end < len(text) and end - at < most and text[end] in members:
        end += 1
    return text[at:end]


def _is_count(text: str) -> bool:
    """Whether digits are a count: there are some, without a leading zero."""
    return text == "0" or (text != "" and text[0] != "0")


def _count(text: str) -> int:
    """A number, or one that is too large to repeat anything."""
    return int(text) if len(text) <= 9 else MAX_REPEAT + 1
