"""The view `reference`: every use of a variable that nothing in the file sets, where the builder expands it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policykit.cel.types import BOOL, STRING, ObjectType
from policykit.parse.dockerfile.scope import EXPANDED
from policykit.unknown import Unknown
from policykit.views.runs import base_variables, locator
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policykit.document import Span
    from policykit.parse.dockerfile import Build, Dockerfile, Instruction, Stage, Word
    from policykit.views.project import Project

REFERENCE = ObjectType(
    "Reference",
    {
        "name": STRING,
        "keyword": STRING,  # of the instruction; FROM sees the ARGs before the first FROM, others those of their stage
        "defined": BOOL,  # the image below sets it; unknown where its variables are not known
        "suggestion": STRING,  # a variable in force whose name is close, "" for none
    },
)

_PLATFORM = ("BUILDPLATFORM", "BUILDOS", "BUILDOSVERSION", "BUILDARCH", "BUILDVARIANT")
_PLATFORMS = (*_PLATFORM, *(name.replace("BUILD", "TARGET", 1) for name in _PLATFORM), "TARGETSTAGE")
#: Arguments that BuildKit reads itself, wherever they are declared or not.
_BUILDER = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})
#: How many references of a file get a suggestion: more are no slips, and looking through all names takes its time.
_SUGGESTIONS = 50
#: How many letters may differ in a suggestion.
_CLOSE = 2


def references(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each name and instruction, at its first use there."""
    build = project.build(dockerfile)
    found = 0
    for instruction in dockerfile.instructions:
        if instruction.keyword not in EXPANDED:
            continue
        stage = build.stage(instruction)
        if stage is None:
            continue
        seen: set[str] = set()
        for word in _words(instruction, stage):
            for name in build.expand(word, instruction).undeclared:
                if name not in seen and name not in _BUILDER:
                    seen.add(name)
                    found += 1
                    names = _in_force(instruction, stage, build) if found <= _SUGGESTIONS else ()
                    fields = {
                        "name": name,
                        "keyword": instruction.keyword,
                        "defined": _defined(name, instruction, stage, build),
                        "suggestion": _suggestion(name, names),
                    }
                    yield Subject(fields, dockerfile, locator(_use(word, name), ("instructions", instruction.index)))


def _words(instruction: Instruction, stage: Stage) -> tuple[Word, ...]:
    if instruction.keyword == "from":
        return tuple(word for word in (stage.platform, stage.base) if word is not None)
    if instruction.keyword in ("env", "label"):
        return tuple(word for pair in instruction.pairs for word in (pair.name, pair.value) if word is not None)
    if instruction.keyword == "arg":
        return tuple(pair.value for pair in instruction.pairs if pair.value is not None)
    return instruction.words


def _defined(name: str, instruction: Instruction, stage: Stage, build: Build) -> bool | Unknown:
    if instruction.keyword == "from":
        return False
    if instruction.keyword == "arg" and any(pair.name.text == name for pair in instruction.pairs):
        return True
    image = base_variables(build, stage)
    if image is None:
        return Unknown((f"`{name}` is not set in the file and may come from the base image",))
    return name in image


def _in_force(instruction: Instruction, stage: Stage, build: Build) -> Iterator[str]:
    """The names that a word of an instruction may use, the arguments of the whole file first."""
    for argument in build.dockerfile.global_args:
        if instruction.keyword != "from" or argument.index < instruction.index:
            yield from (pair.name.text for pair in argument.pairs)
    if instruction.keyword == "from":
        yield from _PLATFORMS
        return
    lookup = build.lookup(instruction)
    yield from (name for name in build.environment(stage) if lookup(name).is_set)
    yield from sorted(base_variables(build, stage) or {"PATH"})


def _use(word: Word, name: str) -> Span:
    match = re.search(rf"\$\{{?{re.escape(name)}\b", word.text)
    return word.part(match.start(), match.end()) if match else word.span


def _suggestion(name: str, names: Iterable[str]) -> str:
    """The first of the names that are closest, at most `_CLOSE` letters away."""
    best, least = "", _CLOSE + 1
    for other in names:
        distance = _distance(name, other, least)
        if 0 < distance < least:
            best, least = other, distance
    return best


def _distance(one: str, other: str, limit: int) -> int:
    """The Levenshtein distance of two names, or `limit` where it is not below that."""
    if abs(len(one) - len(other)) >= limit:
        return limit
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)
