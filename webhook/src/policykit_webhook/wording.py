"""What a policy says to what the API server lets through: denial messages, kubectl warnings, audit annotations.

The limits are the API server's (a warning with a control character is dropped without a word, a bad annotation key too)
or kinder: 1 KiB for a denial is what kubectl shows whole.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MESSAGE_BYTES = 1024
WARNING_RUNES = 120
WARNINGS = 10
WARNINGS_RUNES = 2048
ANNOTATION_BYTES = 1024
ANNOTATIONS = 32

#: Controls (C0, DEL, C1), line and paragraph separators, bidirectional overrides, surrogates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_NOT_KEY = re.compile(r"[^-A-Za-z0-9_.]+")


class Item(NamedTuple):
    """One thing to say: which rule, where, what is wrong, and what to do about it."""

    rule: str
    path: str
    message: str
    help: str = ""

    @property
    def line(self) -> str:
        where = f" at {self.path}" if self.path else ""
        return clean(f"{self.rule}{where}: {self.message}")


def clean(text: str) -> str:
    """One printable line: whatever could end a line, hide text or break UTF-8 becomes a space."""
    return _UNSAFE.sub(" ", text).strip()


def shorten(text: str, runes: int) -> str:
    """At most that many characters, the cut shown."""
    return text if len(text) <= runes else text[: runes - 1].rstrip() + "…"


def denial(items: Sequence[Item]) -> str:
    """All violations in one message: rule, field, what to change; rule ids alone where the room ends."""
    rules = list(dict.fromkeys(item.rule for item in items))
    head = f"{_count(len(items), 'violation')} of {_count(len(rules), 'policy')}"
    tail = f"Run `policykit explain {rules[0]}` for the reasons." if rules else ""
    lines: list[str] = []
    room = MESSAGE_BYTES - _size(head) - _size(tail) - 4
    for index, item in enumerate(items):
        rest = _rest(items[index + 1 :])
        said_before = any(item.rule == other.rule and item.help == other.help for other in items[:index])
        for candidate in _variants(item._replace(help="") if said_before else item):
            if _size(candidate) + 1 + (_size(rest) + 1 if rest else 0) <= room:
                lines.append(candidate)
                room -= _size(candidate) + 1
                break
        else:
            lines.append(_fit(_rest(items[index:]), room))
            break
    return _fit("\n".join([f"{head}:", *lines, tail]).strip(), MESSAGE_BYTES)


def warnings(items: Iterable[Item]) -> tuple[str, ...]:
    """Each once, short enough for the API server to pass on; the last one says how many did not fit."""
    texts = list(dict.fromkeys(shorten(item.line, WARNING_RUNES) for item in items))
    if len(texts) > WARNINGS:
        left = len(texts) - WARNINGS + 1
        texts = [*texts[: WARNINGS - 1], f"policykit: {_count(left, 'more warning')}; see the audit annotations"]
    total = 0
    kept: list[str] = []
    for text in texts:
        total += len(text)
        if total > WARNINGS_RUNES:
            break
        kept.append(text)
    return tuple(kept)


def audit_annotations(items: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Audit annotations: one for each key, several texts of a key joined."""
    joined: dict[str, list[str]] = {}
    for key, text in items:
        texts = joined.setdefault(_key(key), [])
        text = clean(text)
        if text not in texts:
            texts.append(text)
    return {key: _fit("; ".join(joined[key]), ANNOTATION_BYTES) for key in list(joined)[:ANNOTATIONS]}


def _variants(item: Item) -> tuple[str, ...]:
    line = item.line
    full = (f"- {shorten(line, 300)} - {shorten(clean(item.help), 160)}",) if item.help else ()
    return (*full, f"- {shorten(line, 300)}", f"- {shorten(line, 160)}")


def _rest(items: Sequence[Item]) -> str:
    if not items:
        return ""
    counts: dict[str, int] = {}
    for item in items:
        counts[item.rule] = counts.get(item.rule, 0) + 1
    names = [f"{rule} ({count})" if count > 1 else rule for rule, count in counts.items()]
    return clean(f"- and {len(items)} more: {', '.join(names)}")


def _key(name: str) -> str:
    """A qualified name without a prefix: what is cut off leaves a digest behind, so that two names stay two."""
    key = _NOT_KEY.sub("-", name).strip("-_.")
    if key == name and len(key) <= 63:
        return key
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{key[:54].rstrip('-_.')}-{digest}" if key else digest


def _fit(text: str, size: int) -> str:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= size:
        return text
    return encoded[: max(size - 3, 0)].decode("utf-8", "ignore") + "…"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"
