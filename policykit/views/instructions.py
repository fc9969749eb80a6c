"""The views `instruction` and `comment`: every instruction of a Dockerfile, those within ONBUILD too; every comment."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, INT, STRING, ListType, ObjectType
from policykit.parse.dockerfile.scope import EXPANDED
from policykit.views.runs import Placed, is_absolute, locator, placed_instructions, runs
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.document import Span
    from policykit.parse.dockerfile import Build, Dockerfile, Instruction, Stage
    from policykit.unknown import Unknown
    from policykit.views.project import Project

INSTRUCTION = ObjectType(
    "Instruction",
    {
        "keyword": STRING,  # in lower case
        "name": STRING,  # the keyword as written
        "text": STRING,  # all of it in one line, as written
        "words": ListType(STRING),  # the arguments, variables expanded where the builder expands them
        "form": STRING,  # shell, exec
        "legacy": BOOL,  # ENV or LABEL as `name value`
        "onbuild": BOOL,  # it stands in an ONBUILD
        "trigger": STRING,  # for ONBUILD: the keyword of the instruction in it
        "stage": INT,  # the index of its stage, -1 before the first FROM
        "overridden": BOOL,  # a later one of the same keyword in its stage takes its place
        "shell": ListType(STRING),  # for what runs a command: the SHELL in force, empty where the file sets none
        "absolute": BOOL,  # for WORKDIR: the path begins at the root
        "workdirSet": BOOL,  # a WORKDIR stands before it in its stage, or in one that it is built on
        "casing": STRING,  # of its keyword: lowercase, uppercase, mixed
        "majority": STRING,  # the casing of most keywords in the stages; "" where it does not count
        "emptyContinuation": BOOL,  # an empty line stands among its continued lines
        "description": STRING,  # the comment line directly above
        "describes": ListType(STRING),  # the names it declares: a stage, arguments
        "commands": INT,  # for RUN: how many
        "follows": STRING,  # the keyword of the instruction before it in its stage
        "followsCommands": INT,  # for RUN after RUN: how many commands that one has
        "sameFlags": BOOL,  # it has the flags of the instruction before it
    },
)

COMMENT = ObjectType("Comment", {"text": STRING})

_OVERRIDING = frozenset({"cmd", "entrypoint", "healthcheck"})
_SHELLS = frozenset({"cmd", "entrypoint", "healthcheck", "run"})


def instructions(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """Every instruction, and after an ONBUILD the one within it."""
    around = _Around(dockerfile, project)
    for placed in project.once(dockerfile, placed_instructions):
        yield Subject(_fields(placed, around), dockerfile, _locate(placed))
        if not placed.trigger:
            around.previous = placed


def comments(dockerfile: Dockerfile, _project: Project) -> Iterator[Subject]:
    """Every comment line outside heredocs."""
    for index, comment in enumerate(dockerfile.comments):
        yield Subject({"text": comment.text}, dockerfile, locator(comment.span, ("comments", index)))


def _locate(placed: Placed) -> Any:
    instruction = placed.instruction
    arguments = instruction.words[0].span if instruction.words else instruction.span
    parts: dict[str, Span] = {"keyword": instruction.name.span, "arguments": arguments}
    if instruction.blank_lines:
        line = _last_line(instruction)
        parts["end"] = instruction.span._replace(line=line, column=1, end_line=line, end_column=1)
    return locator(instruction.span, placed.route, parts)


def _last_line(instruction: Instruction) -> int:
    """The line where an instruction itself ends: the one that BuildKit names for an empty continuation line."""
    if instruction.heredocs:
        first = instruction.heredocs[0]
        return (first.content.span() if first.content.text else first.terminator.span).line - 1
    return instruction.last_line


class _Around:
    """What the other instructions of a file are to one of them; `previous` is the one before it."""

    def __init__(self, dockerfile: Dockerfile, project: Project) -> None:
        self.build = project.build(dockerfile)
        self.majority = _majority(dockerfile)
        self.workdirs = project.once(dockerfile, first_workdirs)
        self.commands = {
            id(run.instruction): len(run.script.commands)
            for run in project.once(dockerfile, runs)
            if run.instruction.keyword == "run"
        }
        self.previous: Placed | None = None
        self._last: dict[tuple[int, str], int] = {}
        for stage in dockerfile.stages:
            for instruction in stage.instructions:
                self._last[stage.index, instruction.keyword] = instruction.index

    def overrides(self, placed: Placed) -> bool:
        """Whether a later instruction takes the place of one."""
        keyword = placed.instruction.keyword
        if keyword not in _OVERRIDING or placed.trigger or placed.stage is None:
            return False
        return self._last[placed.stage.index, keyword] > placed.instruction.index

    def before(self, placed: Placed) -> Placed | None:
        """The instruction before one in the same stage."""
        previous = self.previous
        return None if placed.trigger or previous is None or previous.stage is not placed.stage else previous


def first_workdirs(dockerfile: Dockerfile, project: Project) -> Iterator[float]:
    """For each stage, the index of the first instruction from which a WORKDIR of the file is in force; infinity where
    none is."""
    build = project.build(dockerfile)
    found: list[float] = []
    for stage in dockerfile.stages:
        parent = build.parent(stage)
        inherited = parent is not None and found[parent.index] < inf
        own = (i.index + 1 for i in build.instructions(stage) if i.keyword == "workdir")
        found.append(-1 if inherited else next(own, inf))
    yield from found


def _fields(placed: Placed, around: _Around) -> dict[str, Any]:
    instruction, _, stage, trigger = placed
    build = around.build
    keyword = instruction.keyword
    words = _words(instruction, build, trigger=trigger)
    previous = around.before(placed)
    return {
        "keyword": keyword,
        "name": instruction.name.text,
        "text": instruction.raw,
        "words": words,
        "form": instruction.form,
        "legacy": keyword in ("env", "label") and any(pair.separator == "" for pair in instruction.pairs),
        "onbuild": trigger,
        "trigger": instruction.onbuild.keyword if instruction.onbuild else "",
        "stage": -1 if stage is None else stage.index,
        "overridden": around.overrides(placed),
        "shell": list(build.shell(instruction) or ()) if keyword in _SHELLS else [],
        "absolute": is_absolute(words[0]) if keyword == "workdir" and words else True,
        "workdirSet": stage is not None and around.workdirs[stage.index] <= instruction.index,
        "casing": _casing(instruction.name.text),
        "majority": around.majority if stage is not None and not trigger else "",
        "emptyContinuation": bool(instruction.blank_lines) and not trigger,
        "description": instruction.comments[-1].text if instruction.comments and not trigger else "",
        "describes": _declared(instruction, stage),
        "commands": around.commands.get(id(instruction), 0),
        "follows": previous.instruction.keyword if previous else "",
        "followsCommands": around.commands.get(id(previous.instruction), 0) if previous and keyword == "run" else 0,
        "sameFlags": previous is not None and _flags(previous.instruction) == _flags(instruction),
    }


def _words(instruction: Instruction, build: Build, *, trigger: bool) -> list[str | Unknown]:
    if instruction.keyword not in EXPANDED or trigger:
        return [word.text for word in instruction.words]
    return [build.expand(word, instruction).value for word in instruction.words]


def _casing(name: str) -> str:
    if name == name.upper():
        return "uppercase"
    return "lowercase" if name == name.lower() else "mixed"


def _majority(dockerfile: Dockerfile) -> str:
    """The casing that most keywords in the stages have; ARG before the first FROM does not count (as in BuildKit)."""
    own = [stage.start for stage in dockerfile.stages if stage.start]
    names = [i.name.text for i in (*own, *(i for stage in dockerfile.stages for i in stage.instructions))]
    casings = [_casing(name) for name in names]
    return "lowercase" if casings.count("lowercase") > casings.count("uppercase") else "uppercase"


def _declared(instruction: Instruction, stage: Stage | None) -> list[str]:
    if instruction.keyword == "from":
        return [stage.name] if stage is not None and stage.name else []
    return [pair.name.text for pair in instruction.pairs] if instruction.keyword == "arg" else []


def _flags(instruction: Instruction) -> list[str]:
    return sorted(flag.word.text for flag in instruction.flags)
