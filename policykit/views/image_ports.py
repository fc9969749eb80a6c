"""A build stage into the ports that its image exposes: those of its Dockerfile, and those of the base image.

What well-known base images expose is data (`base_ports.json`, first match wins); for others it is unknown.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.unknown import Unknown
from policykit.views.image_reference import matches_any
from policykit.views.images import reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.parse.dockerfile import Build, Instruction, Stage

#: A word of EXPOSE: `[[address:]published:]port[-port][/protocol]`.
_EXPOSED = re.compile(r"(?:.*:)?([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(\w+))?")


class ExposedPorts(NamedTuple):
    """Words of EXPOSE, variables expanded, and the first instruction with one; None where the Dockerfile has none.

    `base` are those of the base image, as `port/PROTOCOL`.
    """

    words: tuple[str | Unknown, ...]
    instruction: Instruction | None
    base: frozenset[str] | Unknown

    def hold(self, number: Any, protocol: Any) -> bool | Unknown:
        """Whether that port is exposed."""
        for value in (number, protocol):
            if isinstance(value, Unknown):
                return value
        unknown = [word for word in self.words if isinstance(word, Unknown)]
        if any(_holds(word, number, protocol) for word in self.words if isinstance(word, str)):
            return True
        if not isinstance(self.base, Unknown):
            if f"{number}/{protocol}" in self.base:
                return True
            return unknown[0] if unknown else False
        return self.base


def exposed_ports(build: Build, stage: Stage) -> ExposedPorts:
    """What a stage exposes, with what the stages below it and the base image do."""
    found = list(_words(build, stage))
    first = found[0][1] if found else None
    return ExposedPorts(tuple(word for word, _ in found), first, _base(build, stage))


def _words(build: Build, stage: Stage) -> Iterator[tuple[str | Unknown, Instruction]]:
    for ancestor in build.ancestry(stage):
        for instruction in build.instructions(ancestor):
            if instruction.keyword == "expose":
                for word in instruction.words:
                    for expansion in build.expand_words(word, instruction, ancestor):
                        yield expansion.value, instruction


def _holds(word: str, number: int, protocol: str) -> bool:
    match = _EXPOSED.fullmatch(word)
    if match is None:
        return False
    first = int(match[1])
    return first <= number <= int(match[2] or first) and (match[3] or "TCP").upper() == protocol


def _base(build: Build, stage: Stage) -> frozenset[str] | Unknown:
    base = build.base(list(build.ancestry(stage))[-1])
    if base is None or isinstance(base.value, Unknown):
        return Unknown(("the base image is not known",))
    if base.value == "scratch":
        return frozenset()
    image = reference(base.value)
    for row in _built_in():
        named = matches_any(image.name, row["images"])
        if named is True and isinstance(image.tag, str) and fnmatchcase(image.tag, row.get("tags", "*")):
            return frozenset(row["ports"])
    return Unknown((f"the ports that the base image `{base.value}` exposes are not known",))


@cache
def _built_in() -> tuple[Mapping[str, Any], ...]:
    return tuple(json.loads(Path(__file__).with_name("base_ports.json").read_text("utf-8")))
