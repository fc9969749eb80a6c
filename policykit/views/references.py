"""The view `reference`: every use of a variable that nothing in the file sets, where the builder expands it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, STRING, ObjectType
from policykit.parse.dockerfile.scope import EXPANDED
from policykit.unknown import Unknown
from policykit.views.runs import base_variables, locator
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
#: How many letters may differ in a suggestion.
_CLOSE = 2


def references(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each name and instruction, at its first use there."""
    build = project.build(dockerfile)
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
                    fields = _fields(name, instruction, stage, build)
                    yield Subject(fields, dockerfile, locator(_use(word, name), ("instructions", instruction.index)))


def _words(instruction: Instruction, stage: Stage) -> tuple[Word, ...]:
    if instruction.keyword == "from":
        return tuple(word for word in (stage.platform, stage.base) if word is not None)
    if instruction.keyword in ("env", "label"):
        return tuple(word for pair in instruction.pairs for word in (pair.name, pair.value) if word is not None)
    if instruction.keyword == "arg":
        return tuple(pair.value for pair in instruction.pairs if pair.value is not None)
    return instruction.words


def _fields(name: str, instruction: Instruction, stage: Stage, build: Build) -> dict[str, Any]:
    if instruction.keyword == "from":
        names = [p.name.text for i in build.dockerfile.global_args if i.index < instruction.index for p in i.pairs]
        return _subject(name, "from", False, [*names, *_PLATFORMS])
    declared = {pair.name.text for pair in instruction.pairs} if instruction.keyword == "arg" else set()
    image = base_variables(build, stage)
    doubt = Unknown((f"`{name}` is not set in the file and may come from the base image",))
    defined = True if name in declared else doubt if image is None else name in image
    lookup = build.lookup(instruction)
    known = [other for other in build.environment(stage) if lookup(other).is_set]
    global_names = [pair.name.text for i in build.dockerfile.global_args for pair in i.pairs]
    return _subject(name, instruction.keyword, defined, [*global_names, *known, *sorted(image or {"PATH"})])


def _subject(name: str, keyword: str, defined: bool | Unknown, names: Iterable[str]) -> dict[str, Any]:
    return {"name": name, "keyword": keyword, "defined": defined, "suggestion": _suggestion(name, names)}


def _use(word: Word, name: str) -> Any:
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
