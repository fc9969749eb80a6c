"""The view `stage`: every build stage of a Dockerfile, with its FROM and what becomes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.cel.types import BOOL, INT, STRING, ListType, MapType, ObjectType
from policykit.unknown import HOLE, Unknown
from policykit.views.base_images import base_image
from policykit.views.images import reference
from policykit.views.runs import Run, locator, pattern_of, program, runs, shipped_stages, unwrapped
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.document import Span
    from policykit.parse.dockerfile import Build, Dockerfile, Stage
    from policykit.views.project import Project

STAGE = ObjectType(
    "BuildStage",
    {
        "index": INT,
        "name": STRING,  # in lower case, as the builder compares it; "" for none
        "written": STRING,  # the name as written
        "fromKeyword": STRING,  # FROM as written
        "asKeyword": STRING,  # AS as written, "" for none
        "duplicate": BOOL,  # an earlier stage has its name
        "final": BOOL,  # what a build without --target makes
        "ships": BOOL,  # it, or a stage built on it, is what such a build makes
        "copied": BOOL,  # another stage copies or mounts from it
        "built": BOOL,  # another stage is built on it
        "base": STRING,  # what FROM names, as written
        "parent": STRING,  # the earlier stage it is built on, "" for an image
        "defaultBase": STRING,  # what FROM names in a build without build arguments
        "defaultValid": BOOL,  # that can be the name of an image
        "platform": STRING,  # --platform as written
        "platformVariables": ListType(STRING),  # the variables in it
        "os": STRING,  # of a --platform without variables
        "architecture": STRING,
        "imageOs": STRING,  # the only one the image exists for, "" where it is not known or there are more
        "imageArchitecture": STRING,
        "labels": MapType(STRING, STRING),  # its own and those of the stages below
        "keywords": ListType(STRING),  # of its instructions and of those of the stages below, each once
        "programs": ListType(STRING),  # that its RUN instructions call
    },
)

_VARIABLE = re.compile(r"\$(?:\{(\w+)|(\w+))")
_OPERATING_SYSTEMS = frozenset({"linux", "windows", "darwin", "freebsd", "wasip1", "wasi"})
_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm",
    "i386": "386",
}
#: The organisations of Docker Hub that hold the official images of one architecture each.
_ONE_ARCHITECTURE = {
    "amd64": "amd64",
    "arm32v5": "arm",
    "arm32v6": "arm",
    "arm32v7": "arm",
    "arm64v8": "arm64",
    "i386": "386",
    "mips64le": "mips64le",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "winamd64": "amd64",
}


def stages(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """Every stage with a FROM."""
    build = project.build(dockerfile)
    shipped = shipped_stages(build)
    copied = _copied(build)
    defaults = _default_bases(dockerfile)
    programs = _programs(project.once(dockerfile, runs))
    names: set[str] = set()
    built = {parent.index for stage in dockerfile.stages if (parent := build.parent(stage)) is not None}
    gathered: list[_Gathered] = []
    for stage in dockerfile.stages:
        parent = build.parent(stage)
        gathered.append(_gather(build, stage, gathered[parent.index] if parent else _Gathered({}, ())))
        if stage.start is None:
            continue
        fields = _name(stage, names) | _platform(stage) | _only(build, stage)
        base = defaults[stage.index]
        fields |= {
            "final": build.target() is stage,
            "ships": stage.index in shipped,
            "copied": stage.index in copied,
            "built": stage.index in built,
            "base": stage.base.text if stage.base else "",
            "parent": parent.name if parent else "",
            "defaultBase": base,
            "defaultValid": parent is not None or reference(base).valid,
            "labels": dict(gathered[stage.index].labels),
            "keywords": list(gathered[stage.index].keywords),
            "programs": programs.get(stage.index, []),
        }
        yield Subject(fields, dockerfile, _locate(stage))


def _locate(stage: Stage) -> Any:
    assert stage.start is not None
    parts: dict[str, Span] = {}
    if stage.name_word is not None:
        parts |= {"name": stage.name_word.span, "as": stage.start.words[1].span}
    if stage.base is not None:
        parts["base"] = stage.base.span
    if stage.platform is not None:
        parts["platform"] = stage.platform.span
    return locator(stage.start.span, ("stages", stage.index), parts)


def _name(stage: Stage, names: set[str]) -> dict[str, Any]:
    """`names` are those of the stages before."""
    assert stage.start is not None
    duplicate = stage.name in names
    names |= {stage.name} - {""}
    named = stage.name_word is not None
    return {
        "index": stage.index,
        "name": stage.name,
        "written": stage.name_word.text if stage.name_word else "",
        "fromKeyword": stage.start.name.text,
        "asKeyword": stage.start.words[1].text if named else "",
        "duplicate": duplicate,
    }


def _platform(stage: Stage) -> dict[str, Any]:
    """`os[/architecture[/variant]]` or an architecture alone, in the builder's own names for them."""
    text = stage.platform.text if stage.platform else ""
    variables = [match[1] or match[2] for match in _VARIABLE.finditer(text)]
    system, _, rest = text.lower().partition("/")
    architecture = rest.partition("/")[0]
    if not rest and system not in _OPERATING_SYSTEMS:
        system, architecture = "", system
    constant = bool(text) and "$" not in text
    return {
        "platform": text,
        "platformVariables": variables,
        "os": system if constant else "",
        "architecture": _ARCHITECTURES.get(architecture, architecture) if constant else "",
    }


def _only(build: Build, stage: Stage) -> dict[str, str]:
    """The platform of an image that exists for one only, as far as its name tells."""
    base = build.base(stage)
    if base is None or build.parent(stage) is not None or isinstance(base.value, Unknown):
        return {"imageOs": "", "imageArchitecture": ""}
    image = reference(base.value)
    entry = base_image(image, ())
    organisation = pattern_of(image.repository).partition("/")[0]
    architecture = _ONE_ARCHITECTURE.get(organisation, "") if image.registry == "docker.io" else ""
    return {"imageOs": "windows" if entry and entry.windows else "", "imageArchitecture": architecture}


def _default_bases(dockerfile: Dockerfile) -> list[str]:
    """What each FROM names where no build argument is given: an ARG without a default is empty then."""
    from policykit.parse.dockerfile import Build

    build = Build(dockerfile)
    return [_default(build.base(stage)) for stage in dockerfile.stages]


def _default(base: Any) -> str:
    if base is None:
        return ""
    if not isinstance(base.value, Unknown):
        return str(base.value)
    of_platform = any("depends on the platform" in reason for reason in base.value.reasons)
    return base.value.pattern.replace(HOLE, "amd64" if of_platform else "")


def _copied(build: Build) -> set[int]:
    """The stages that another one copies or mounts from, by index."""
    found = set()
    for instruction in build.dockerfile.instructions:
        inner = instruction.onbuild or instruction
        options = [flag.option("from") for flag in inner.flags if flag.name.text == "mount"]
        words = [option.value for option in options if option is not None]
        words += [flag.value for flag in inner.flags if flag.name.text == "from"]
        sources = (build.source(word.text) for word in words if word is not None)
        found |= {stage.index for stage in sources if stage is not None}
    return found


class _Gathered(NamedTuple):
    """What a stage has, with all that the stages below it have."""

    labels: Mapping[str, str | Unknown]
    keywords: tuple[str, ...]


def _gather(build: Build, stage: Stage, below: _Gathered) -> _Gathered:
    own: dict[str, str | Unknown] = {}
    for instruction in stage.instructions:
        if instruction.keyword == "label":
            for pair in instruction.pairs:
                key = build.expand(pair.name, instruction).value
                if isinstance(key, str):
                    own[key] = build.expand(pair.value, instruction).value if pair.value else ""
    labels = {**below.labels, **own} if own else below.labels
    keywords = dict.fromkeys((*below.keywords, *(i.keyword for i in build.instructions(stage))))
    return _Gathered(labels, tuple(keywords))


def _programs(found: tuple[Run, ...]) -> dict[int, list[str]]:
    programs: dict[int, list[str]] = {}
    for run in found:
        if run.instruction.keyword == "run" and run.placed.stage is not None and not run.placed.trigger:
            words = [unwrapped(command) for command in run.script.commands]
            names = [program(w[0].text) for w in words if w]
            programs.setdefault(run.placed.stage.index, []).extend(names)
    return programs
