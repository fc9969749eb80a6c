"""The views `variable`, `label` and `exposedPort`: each name that ARG and ENV set, each LABEL, each port of EXPOSE."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, INT, STRING, ListType, ObjectType
from policykit.unknown import HOLE, Unknown
from policykit.views.runs import Placed, locator, pattern_of, placed_instructions
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.parse.dockerfile import Build, Dockerfile, Instruction, Pair, Word
    from policykit.parse.dockerfile.expand import Expansion
    from policykit.views.project import Project

VARIABLE = ObjectType(
    "Variable",
    {
        "name": STRING,
        "keyword": STRING,  # arg, env
        "value": STRING,  # variables expanded, "" where none is given
        "written": STRING,  # the value as written
        "given": BOOL,  # a value is given
        "uses": ListType(STRING),  # the variables in its value
        "usesSiblings": ListType(STRING),  # those of them that others in the same instruction set, and nothing before
        "onbuild": BOOL,
    },
)

LABEL = ObjectType(
    "Label",
    {
        "key": STRING,
        "written": STRING,  # the key as written
        "value": STRING,
        "spdx": BOOL,  # the value is a licence expression of SPDX
        "onbuild": BOOL,
    },
)

EXPOSED_PORT = ObjectType(
    "ExposedPort",
    {
        "text": STRING,
        "first": INT,  # of the container's ports; -1 where it is no number
        "last": INT,
        "protocol": STRING,  # as written, "" for none
        "host": STRING,  # what stands before the container's port: an address, a port of the host
        "onbuild": BOOL,
    },
)

_USE = re.compile(r"\\.|'[^']*'|\$(?:\{(\w+)[^}]*\}|(\w+))")
_LICENCE = re.compile(r"[A-Za-z0-9.:+-]+|[()]")


def variables(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each name that an ARG or ENV sets."""
    build = project.build(dockerfile)
    siblings_of: dict[int, Counter[str]] = {}
    for placed, pair in _pairs(dockerfile, project, ("arg", "env")):
        instruction = placed.instruction
        name, value = _expanded(build, placed, pair)
        uses = _uses(pair.value.text) if pair.value else []
        if id(instruction) not in siblings_of:
            siblings_of[id(instruction)] = Counter(other.name.text for other in instruction.pairs)
        siblings = siblings_of[id(instruction)]
        fields = {
            "name": name,
            "keyword": instruction.keyword,
            "value": value,
            "written": pair.value.text if pair.value else "",
            "given": pair.value is not None,
            "uses": uses,
            "usesSiblings": [
                used
                for used in uses
                if siblings[used] > (used == pair.name.text) and not _is_known(build, placed, used)
            ],
            "onbuild": placed.trigger,
        }
        yield _subject(fields, dockerfile, placed, pair)


def labels(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each label."""
    build = project.build(dockerfile)
    for placed, pair in _pairs(dockerfile, project, ("label",)):
        key, value = _expanded(build, placed, pair)
        spdx = value if isinstance(value, Unknown) else is_licence(value)
        written = pair.name.text.strip("\"'")
        fields = {"key": key, "written": written, "value": value, "spdx": spdx, "onbuild": placed.trigger}
        yield _subject(fields, dockerfile, placed, pair)


def exposed_ports(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each word of EXPOSE, after variables are expanded and the words split."""
    build = project.build(dockerfile)
    for placed in project.once(dockerfile, placed_instructions):
        if placed.instruction.keyword == "expose":
            for word in placed.instruction.words:
                for expansion in _split(build, placed, word):
                    span = expansion.fragment.span()
                    fields = _port(expansion.value) | {"onbuild": placed.trigger}
                    yield Subject(fields, dockerfile, locator(span, placed.route))


def _pairs(dockerfile: Dockerfile, project: Project, keywords: tuple[str, ...]) -> Iterator[tuple[Placed, Pair]]:
    for placed in project.once(dockerfile, placed_instructions):
        if placed.instruction.keyword in keywords:
            for pair in placed.instruction.pairs:
                yield placed, pair


def _subject(fields: dict[str, Any], dockerfile: Dockerfile, placed: Placed, pair: Pair) -> Subject:
    parts = {"value": (pair.value or pair.name).span}
    return Subject(fields, dockerfile, locator(pair.name.span, placed.route, parts))


def _expanded(build: Build, placed: Placed, pair: Pair) -> tuple[str | Unknown, str | Unknown]:
    at = placed.instruction
    if at.keyword == "arg":
        name: str | Unknown = pair.name.text
    else:
        name = build.expand(pair.name, at).value
    return name, build.expand(pair.value, at).value if pair.value is not None else ""


def _is_known(build: Build, placed: Placed, name: str) -> bool:
    """Whether a variable has a value before an instruction that the file tells."""
    binding = build.lookup(placed.instruction)(name)
    return bool(binding.is_set) and not isinstance(binding.value, Unknown)


def _uses(value: str) -> list[str]:
    """The variables that a value refers to, outside single quotes."""
    return [match[1] or match[2] for match in _USE.finditer(value) if match[1] or match[2]]


def _split(build: Build, placed: Placed, word: Word) -> tuple[Expansion, ...]:
    at: Instruction = placed.instruction
    return build.expand_words(word, at)


def _port(value: str | Unknown) -> dict[str, Any]:
    text = pattern_of(value)
    host, _, rest = text.rpartition(":")
    ports, _, protocol = rest.partition("/")
    first, dash, last = ports.partition("-")
    fields: dict[str, Any] = {
        "text": value,
        "first": _number(first, value),
        "last": _number(last if dash else first, value),
        "protocol": protocol,
        "host": host,
    }
    if isinstance(value, Unknown):
        return {name: value if HOLE in str(part) else part for name, part in fields.items()}
    return fields


def _number(text: str, value: str | Unknown) -> int | Unknown:
    if HOLE in text and isinstance(value, Unknown):
        return value
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def is_licence(text: str) -> bool:
    """Whether a text is a licence expression of SPDX: `MIT`, `Apache-2.0 OR (MIT AND GPL-2.0-only+)`."""
    tokens = _LICENCE.findall(text)
    if not tokens or "".join(tokens) != "".join(text.split()):
        return False
    names = [token for token in tokens if token not in ("(", ")", "AND", "OR", "WITH")]
    return (
        bool(names)
        and len(names) == sum(token in ("AND", "OR", "WITH") for token in tokens) + 1
        and all(name.rstrip("+") in _licences() or name.startswith(("LicenseRef-", "DocumentRef-")) for name in names)
    )


@cache
def _licences() -> frozenset[str]:
    text = Path(__file__).with_name("spdx_licences.json").read_text("utf-8")
    return frozenset(json.loads(text))
