"""Splits the text after a keyword into flags and words, as BuildKit's line parsers do."""

from __future__ import annotations

import re
from functools import lru_cache

from policykit.parse.dockerfile.ast import Flag, Pair, Word
from policykit.parse.dockerfile.fragment import SPACE, Fragment, FragmentBuilder

_BLANK = re.compile(f"[{SPACE}]*")
_FIELD = re.compile(r"[^\t\v\f\r ]+")
_GAP = re.compile(r"[\t\v\f\r ]+")
_FLAG_PART = re.compile(rf"[^{SPACE}'\"\\]+|\\(?s:.)?|'[^'\\]*|\"[^\"\\]*")
_QUOTED_PART = {quote: re.compile(rf"[^{quote}\\]+|\\(?s:.)?|{quote}") for quote in "'\""}


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The range without white space at either end."""
    start = _BLANK.match(text, start, end).end()  # type: ignore[union-attr]  # matches the empty text too
    while end > start and text[end - 1] in SPACE:
        end -= 1
    return start, end


def split_keyword(line: Fragment, start: int, end: int) -> tuple[Word, int, int]:
    """The first word, and the range of what follows."""
    text = line.text
    start, end = trim(text, start, end)
    gap = _GAP.search(text, start, end)
    stop, rest = gap.span() if gap else (end, end)
    return Word(text[start:stop], line, start, stop), rest, end


def split_flags(line: Fragment, start: int, end: int) -> tuple[tuple[Flag, ...], int]:
    """The builder flags at the beginning of the range, and where the arguments begin.

    Quotes and backslashes (whatever the escape character) are undone, as BuildKit does for flags alone. `--` ends them.
    """
    text = line.text
    flags: list[Flag] = []
    while True:
        start = _BLANK.match(text, start, end).end()  # type: ignore[union-attr]
        if not text.startswith("--", start, end):
            return tuple(flags), start
        word, start = _flag_word(line, start, end)
        if word.text == "--":
            return tuple(flags), start
        equals = word.text.find("=")
        if equals < 0:
            flags.append(Flag(word, word.sub(2, len(word.text)), None))
        else:
            flags.append(Flag(word, word.sub(2, equals), word.sub(equals + 1, len(word.text))))


def _flag_word(line: Fragment, start: int, end: int) -> tuple[Word, int]:
    text = line.text
    match = _FLAG_PART.match(text, start, end)
    assert match is not None
    if match.end() == end or text[match.end()] in SPACE:
        return Word(match[0], line, start, match.end()), match.end()
    builder = FragmentBuilder(line)
    at = start
    quote = ""
    while at < end:
        match = (_QUOTED_PART[quote] if quote else _FLAG_PART).match(text, at, end)
        if match is None:
            break  # white space
        part = match[0]
        if part == quote:
            quote = ""
        elif part[0] == "\\":
            builder.add(part[1:], *match.span(), whole=True)
        elif not quote and part[0] in "'\"":
            quote = part[0]
            builder.add(part[1:], at + 1, match.end())
        else:
            builder.add(part, *match.span())
        at = match.end()
    decoded = builder.build(start)
    return Word(decoded.text, line, start, at, decoded), at


def split_fields(line: Fragment, start: int, end: int) -> tuple[Word, ...]:
    """Words between white space, quotes ignored (FROM, EXPOSE, COPY, ADD, VOLUME)."""
    return tuple(Word(m[0], line, m.start(), m.end()) for m in _FIELD.finditer(line.text, start, end))


@lru_cache(maxsize=2)
def _word_pattern(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    return re.compile(
        rf"(?:[^{SPACE}'\"{e}]++|{e}(?s:.)|'[^']*+(?:'|\Z)|\"(?:[^\"{e}]++|{e}(?s:.))*+(?:\"|(?={e}?\Z)))++"
    )


def split_words(line: Fragment, start: int, end: int, escape: str) -> tuple[Word, ...]:
    """Words between white space outside quotes; quotes and escapes stay in them (ENV, LABEL, ARG).

    A quote may stay open to the end; an escape character that ends the text is dropped.
    """
    text = line.text[:end]
    return tuple(Word(m[0], line, m.start(), m.end()) for m in _word_pattern(escape).finditer(text, start))


def split_pairs(
    line: Fragment, start: int, end: int, escape: str, keyword: str
) -> tuple[tuple[Word, ...], tuple[Pair, ...], tuple[str, Word] | None]:
    """The words and pairs of an ENV or LABEL, and what is wrong: a message and the word to blame.

    The old form `ENV name value` is meant where the first word has no `=`; its value is all of the rest.
    """
    words = split_words(line, start, end, escape)
    if not words:
        return (), (), None
    if "=" not in words[0].text:
        gap = _GAP.search(line.text, start, end)
        if gap is None:
            return words, (), (f"{keyword} needs a name and a value", words[0])
        name = Word(line.text[start : gap.start()], line, start, gap.start())
        value = Word(line.text[gap.end() : end], line, gap.end(), end)
        return (name, value), (Pair(name, value, ""),), None
    pairs: list[Pair] = []
    for word in words:
        pair = split_pair(word)
        if pair.value is None:
            message = f"no `=` in {word.text!r}: write name=value"
            return words, tuple(pairs), (message, word)
        pairs.append(pair)
    return words, tuple(pairs), None


def split_pair(word: Word) -> Pair:
    """`name[=value]` at its first `=`."""
    equals = word.text.find("=")
    if equals < 0:
        return Pair(word, None)
    return Pair(word.sub(0, equals), word.sub(equals + 1, len(word.text)))
