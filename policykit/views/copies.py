"""The views `copy` and `source`: every COPY and ADD, and each thing that one of them copies."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from policykit.cel.types import BOOL, INT, STRING, ListType, ObjectType
from policykit.unknown import Unknown
from policykit.views.dockerignore import DockerIgnore, read_dockerignore
from policykit.views.instructions import workdir_set
from policykit.views.packages import Call, calls
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
    installs = project.once(dockerfile, calls)
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
            "workdirSet": _knows_workdir(build, placed),
            "from": origin.text if origin else "",
            "fromStage": _from_stage(build, placed, origin.text) if origin else "",
            "onbuild": placed.trigger,
            "ships": _ships(placed, shipped),
            "installsAfter": _installs_after(placed, project.once(dockerfile, runs), installs),
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
    for copy in project.once(dockerfile, copied):
        placed = copy.placed
        from_stage = placed.instruction.flag("from") is not None
        for word, text in zip(copy.words, copy.texts, strict=True):
            path = pattern_of(text)
            kind = "stage" if from_stage else _kind(path) if placed.instruction.keyword == "add" else "context"
            fields = {
                "keyword": placed.instruction.keyword,
                "path": text,
                "name": re.split(r"[/\\]", path.rstrip("/"))[-1],
                "kind": kind if not isinstance(text, Unknown) or path[:1] != "\0" else text,
                "archive": _ARCHIVE.search(path.strip("'\"")) is not None,
                "ignored": _ignored(ignored, text) if kind == "context" and not placed.trigger else False,
                "unpacked": _unpacked(placed, word.text, copy, project.once(dockerfile, runs)),
                "destination": copy.destination,
                "onbuild": placed.trigger,
                "ships": _ships(placed, shipped),
            }
            yield Subject(fields, dockerfile, locator(word.span, placed.route))


def _knows_workdir(build: Build, placed: Placed) -> bool:
    """Whether a relative path is joined to a directory that the file tells: one it sets, or the root of `scratch`."""
    if placed.stage is None:
        return False
    base = build.base(list(build.ancestry(placed.stage))[-1])
    return workdir_set(build, placed.stage, placed.instruction) or (base is not None and base.value == "scratch")


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


def _unpacked(placed: Placed, source: str, copy: Copied, found: tuple[Run, ...]) -> bool:
    """Whether a later RUN of the stage unpacks the file with tar, by the name it has there."""
    name = re.split(r"[/\\]", source.strip("'\""))[-1]
    target = pattern_of(copy.destination).strip("'\"")
    names = {name, re.split(r"[/\\]", target)[-1]} - {""}
    for run in found:
        if run.placed.stage is not placed.stage or run.instruction.index <= placed.instruction.index:
            continue
        for command in run.script.commands:
            if program(command.name) == "tar" and _extracts([word.text for word in command.arguments]):
                files = {re.split(r"[/\\]", word.text)[-1] for word in command.arguments}
                if names & files:
                    return True
    return False


def _extracts(arguments: list[str]) -> bool:
    letters = "".join(a[1:] for a in arguments if re.match(r"-[^-]", a)) or (arguments[0] if arguments else "")
    return "x" in letters or bool({"--extract", "--get"} & set(arguments))


def _installs_after(placed: Placed, found: tuple[Run, ...], installs: tuple[Call, ...]) -> str:
    """The first later RUN of the same stage that fetches what a manifest among the copied files lists."""
    for run in found:
        if run.placed.stage is not placed.stage or run.instruction.index <= placed.instruction.index:
            continue
        if run.instruction.keyword != "run" or run.placed.trigger:
            continue
        for command in run.script.commands:
            verb = next((w.text for w in command.arguments if not w.text.startswith("-")), "")
            if verb in _PROJECT_INSTALLS.get(program(command.name), ()):
                return program(command.name)
            if program(command.name) == "go" and [w.text for w in command.arguments[:2]] == ["mod", "download"]:
                return "go"
        for call in installs:
            if call.run is run and call.manager.name == "pip" and {"r", "requirement"} & call.values.keys():
                return call.tool
    return ""
