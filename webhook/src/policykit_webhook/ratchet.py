"""Which violations of an updated object are new, and which stood in it before.

A violation stands where the same rule blames the same place for the same value: the place is spelled with the names of
list elements instead of their indexes, so that a reordered list violates nothing anew, and a changed image of a
container that had a bad one before is a violation of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from policykit_webhook.judge import Violation

_STEP = re.compile(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.\[\]]+)')

#: What names an element of a list, as strategic merge patches have it.
_NAMES = ("name", "mountPath", "devicePath", "containerPort", "port", "key", "ip", "topologyKey")

Identity = tuple[str, str, str, bytes]


def split(
    violations: Sequence[Violation], subject: Mapping[str, Any], before: Sequence[Violation], old: Mapping[str, Any]
) -> tuple[list[Violation], list[Violation]]:
    """The violations that are new in `subject`, and those that `old` had already, each as often as it stood."""
    standing = Counter(identity(violation, old) for violation in before)
    new: list[Violation] = []
    known: list[Violation] = []
    for violation in violations:
        key = identity(violation, subject)
        if standing[key] > 0:
            standing[key] -= 1
            known.append(violation)
        else:
            new.append(violation)
    return new, known


def identity(violation: Violation, subject: Mapping[str, Any]) -> Identity:
    """What makes a violation the same one in another version of its object."""
    place, value = resolve(violation.path, subject)
    message = "" if violation.path else violation.message
    return violation.rule, violation.outcome, place + message, _canonical(value)


def resolve(path: str, subject: Mapping[str, Any]) -> tuple[str, Any]:
    """A path with the names of elements for their indexes, and the value there (None where there is none)."""
    place: list[str] = []
    value: Any = subject
    for match in _STEP.finditer(path):
        index, quoted, key = match.groups()
        if index is not None:
            items = value if isinstance(value, list) else []
            value = items[int(index)] if int(index) < len(items) else None
            place.append(f"[{_name(value, index)}]")
        else:
            step = key if key is not None else re.sub(r"\\(.)", r"\1", quoted)
            value = value.get(step) if isinstance(value, Mapping) else None
            place.append(f".{step}")
    return "".join(place), value


def _name(element: Any, index: str) -> str:
    if isinstance(element, Mapping):
        for key in _NAMES:
            name = element.get(key)
            if isinstance(name, str | int):
                return f"{key}={name}"
    return index if element is None or isinstance(element, Mapping | list) else "*"


def _canonical(value: Any) -> bytes:
    if isinstance(value, Mapping):
        return b"{}"  # the place is to blame, not all that is in it: an unrelated change beneath is not a new violation
    if isinstance(value, list):
        return b"[]"
    return orjson.dumps(value, default=repr)
