"""The views `copy` and `source`: every COPY and ADD, and each thing that one of them copies."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from policykit.cel.types import BOOL, INT, STRING, ListType, ObjectType
from policykit.unknown import Unknown
from policykit.views.dockerignore import DockerIgnore, read_dockerignore
from policykit.views.instructions import first_workdirs
from policykit.views.package_calls import Call, calls
from policykit.views.runs import (
    Placed,
    Run,
    is_absolute,
    locator,
    pattern_of,
    placed_instructions,
    program,
    runs,
    shipped_stages,
)
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.document import Span
    from policykit.parse.dockerfile import Build, Dockerfile, Word
    from policykit.parse.shell import Command
    from policykit.views.project import Project

COPY = ObjectType(
    "Copy",
    {
        "keyword": STRING,  # copy, add
        "sources": ListType(STRING),  # variables expanded; heredocs are not among them
        "heredocs": INT,
        "destination": STRING,
        "absolute": BOOL,  # the destination begins at the root
        "workdirSet": BOOL,  # a WORKDIR stands before it in its stage or in one below, or the stage starts from scratch
        "from": STRING,  # --from as written, "" for none
        "fromStage": STRING,  # what it means: self, earlier, later, image; "" for none
        "onbuild": BOOL,
        "ships": BOOL,
        "installsAfter": STRING,  # the program of a later RUN in the stage that fetches dependencies, "" for none
    },
)

SOURCE = ObjectType(
    "CopySource",
    {
        "keyword": STRING,
        "path": STRING,
        "name": STRING,  # its last segment
        "kind": STRING,  # context, stage, url, git
        "archive": BOOL,  # a tar archive that ADD would unpack
        "ignored": BOOL,  # .dockerignore leaves it out of the context
        "unpacked": BOOL,  # a later RUN of the stage unpacks it with tar
        "destination": STRING,
        "onbuild": BOOL,
        "ships": BOOL,
    },
)

_ARCHIVE = re.compile(
    r"\.(?:tar|tar\.(?:gz|bz2|xz|zst|lzma|z)|tgz|tbz2?|txz|tlz|tpz|tz|taz|gz|bz2?|xz|lzma|lz|z)$", re.I
)
_TAR = re.compile(r"\.(?:tar\.\w+|t[a-z]+2?)$", re.I)
_DECOMPRESSORS = frozenset({"gunzip", "bunzip2", "unlzma", "unxz", "uncompress"})
_SEPARATOR = re.compile(r"[/\\]")
_GIT = re.compile(r"(?:git@|git://|ssh://)|https?://.*\.git(?:[#?].*)?$", re.IGNORECASE)

#: Package managers' calls without a package that install what a manifest of the project lists.
_PROJECT_INSTALLS = {
    "npm": frozenset({"install", "i", "ci", "clean-install", "install-ci-test"}),
    "yarn": frozenset({"install", ""}),
    "pnpm": frozenset({"install", "i"}),
    "bundle": frozenset({"install", ""}),
    "composer": frozenset({"install"}),
    "poetry": frozenset({"install"}),
    "pipenv": frozenset({"install", "sync"}),
    "mvn": frozenset({"dependency:go-offline", "dependency:resolve"}),
}


class Copied(NamedTuple):
    """A COPY or ADD; `words` are its sources, `texts` the same expanded."""

    placed: Placed
    words: tuple[Word, ...]
    texts: tuple[str | Unknown, ...]
    destination: str | Unknown
    last: Word | None


def copied(dockerfile: Dockerfile, project: Project) -> Iterator[Copied]:
    """Every COPY and ADD, those within ONBUILD included."""
    build = project.build(dockerfile)
    for placed in project.once(dockerfile, placed_instructions):
        instruction = placed.instruction
        if instruction.keyword in ("copy", "add") and instruction.words:
            heredocs = {heredoc.marker.raw for heredoc in instruction.heredocs}
            *words, last = instruction.words
            words = [word for word in words if word.raw not in heredocs]
            texts = tuple(build.expand(word, instruction).value for word in words)
            yield Copied(placed, tuple(words), texts, build.expand(last, instruction).value, last)


def copies(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each COPY and ADD."""
    build = project.build(dockerfile)
    shipped = shipped_stages(build)
    installs = _installs(project.once(dockerfile, runs), project.once(dockerfile, calls))
    workdirs = project.once(dockerfile, first_workdirs)
    for copy in project.once(dockerfile, copied):
        placed = copy.placed
        flag = placed.instruction.flag("from")
        origin = flag.value if flag else None
        fields = {
            "keyword": placed.instruction.keyword,
            "sources": list(copy.texts),
            "heredocs": len(placed.instruction.heredocs),
            "destination": copy.destination,
            "absolute": is_absolute(copy.destination),
            "workdirSet": _knows_workdir(build, placed, workdirs),
            "from": origin.text if origin else "",
            "fromStage": _from_stage(build, placed, origin.text) if origin else "",
            "onbuild": placed.trigger,
            "ships": _ships(placed, shipped),
            "installsAfter": _first_after(placed, installs),
        }
        parts: dict[str, Span] = {"from": origin.span} if origin else {}
        if copy.last is not None:
            parts["destination"] = copy.last.span
        if copy.words:
            parts["sources"] = copy.words[0].span
        yield Subject(fields, dockerfile, locator(placed.instruction.span, placed.route, parts))


def sources(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """One subject for each source of each COPY and ADD."""
    shipped = shipped_stages(project.build(dockerfile))
    ignored = _ignore_file(dockerfile, project)
    unpacked = _unpacked_files(project.once(dockerfile, runs))
    for copy in project.once(dockerfile, copied):
        placed = copy.placed
        from_stage = placed.instruction.flag("from") is not None
        for word, text in zip(copy.words, copy.texts, strict=True):
            path = pattern_of(text)
            kind = "stage" if from_stage else _kind(path) if placed.instruction.keyword == "add" else "context"
            fields = {
                "keyword": placed.instruction.keyword,
                "path": text,
                "name": _last_segment(path.rstrip("/")),
                "kind": kind if not isinstance(text, Unknown) or path[:1] != "\0" else text,
                "archive": _ARCHIVE.search(path.strip("'\"")) is not None,
                "ignored": _ignored(ignored, text) if kind == "context" and not placed.trigger else False,
                "unpacked": _unpacked(word.text, copy, unpacked),
                "destination": copy.destination,
                "onbuild": placed.trigger,
                "ships": _ships(placed, shipped),
            }
            yield Subject(fields, dockerfile, locator(word.span, placed.route))


def _knows_workdir(build: Build, placed: Placed, workdirs: tuple[float, ...]) -> bool:
    """Whether a relative path is joined to a directory that the file tells: one it sets, or the root of `scratch`."""
    if placed.stage is None:
        return False
    base = build.base(list(build.ancestry(placed.stage))[-1])
    return workdirs[placed.stage.index] <= placed.instruction.index or (base is not None and base.value == "scratch")


def _ships(placed: Placed, shipped: frozenset[int]) -> bool:
    return placed.trigger or placed.stage is None or placed.stage.index in shipped


def _from_stage(build: Build, placed: Placed, name: str) -> str:
    """What --from means: BuildKit looks for a stage of that name, then for one of that index, then for an image."""
    stage = build.source(name)
    own = placed.stage
    if stage is None or stage.start is None:
        return "image"
    if own is None or stage.index < own.index:
        return "earlier"
    return "self" if stage is own else "later"


def _kind(path: str) -> str:
    if _GIT.match(path):
        return "git"
    return "url" if re.match(r"https?://", path, re.IGNORECASE) else "context"


def _ignore_file(dockerfile: Dockerfile, project: Project) -> DockerIgnore | None:
    """The ignore file of the Dockerfile's own name, else the one at the root of the context, its directory."""
    name = dockerfile.source.name
    beside = posixpath.join(posixpath.dirname(name), ".dockerignore")
    source = project.file(f"{name}.dockerignore") or project.file(beside)
    return None if source is None else read_dockerignore(source)


def _ignored(rules: DockerIgnore | None, path: str | Unknown) -> bool | Unknown:
    if rules is None:
        return False
    return path if isinstance(path, Unknown) else rules.ignores(path)


def _unpacked_files(found: tuple[Run, ...]) -> dict[tuple[int, str], int]:
    """The tar archives that RUN unpacks, by stage and name, with the index of the last instruction that does."""
    last: dict[tuple[int, str], int] = {}
    for run in found:
        for command in run.script.commands:
            name = program(command.name)
            if name in _DECOMPRESSORS or (name == "tar" and _extracts([word.text for word in command.arguments])):
                for word in command.arguments:
                    file = _last_segment(word.text)
                    if name == "tar" or _TAR.search(file):
                        last[_stage(run.placed), file] = run.instruction.index
    return last


def _unpacked(source: str, copy: Copied, unpacked: dict[tuple[int, str], int]) -> bool:
    """Whether a later RUN of the stage unpacks a file, by the name it has there."""
    names = {_last_segment(source), _last_segment(pattern_of(copy.destination))} - {""}
    stage, index = _stage(copy.placed), copy.placed.instruction.index
    return any(unpacked.get((stage, name), -1) > index for name in names)


def _stage(placed: Placed) -> int:
    return -1 if placed.stage is None else placed.stage.index


def _last_segment(path: str) -> str:
    return _SEPARATOR.split(path.strip("'\""))[-1]


def _extracts(arguments: list[str]) -> bool:
    letters = "".join(a[1:] for a in arguments if re.match(r"-[^-]", a)) or (arguments[0] if arguments else "")
    return "x" in letters or bool({"--extract", "--get"} & set(arguments))


def _installs(found: tuple[Run, ...], installs: tuple[Call, ...]) -> dict[int, list[tuple[int, str]]]:
    """For each stage its RUNs that fetch what a manifest of the project lists: their index and the program."""
    with_lists = {
        id(call.run): call.tool
        for call in installs
        if call.manager.name == "pip" and {"r", "requirement"} & call.values.keys()
    }
    stages: dict[int, list[tuple[int, str]]] = {}
    for run in found:
        if run.instruction.keyword == "run" and not run.placed.trigger and run.placed.stage is not None:
            name = next(filter(None, map(_project_install, run.script.commands)), with_lists.get(id(run), ""))
            if name:
                stages.setdefault(run.placed.stage.index, []).append((run.instruction.index, name))
    return stages


def _project_install(command: Command) -> str:
    """The program, where a command installs the dependencies of the project it stands in; else ""."""
    name = program(command.name)
    operands = [word.text for word in command.arguments if not word.text.startswith("-")]
    if name == "go":
        return name if operands[:2] == ["mod", "download"] else ""
    wanted = _PROJECT_INSTALLS.get(name, frozenset())
    return name if (operands[0] if operands else "") in wanted and len(operands) < 2 else ""


def _first_after(placed: Placed, installs: dict[int, list[tuple[int, str]]]) -> str:
    found = installs.get(placed.stage.index, []) if placed.stage is not None else []
    at = bisect_right(found, (placed.instruction.index, "\U0010ffff"))
    return found[at][1] if at < len(found) else ""
