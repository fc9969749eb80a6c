"""A Dockerfile into its instructions with their places, and those that run something with their shell commands.

What the views of commands, packages, stages and copies have in common; no subjects here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.document import route_text
from policykit.parse.shell import script_of
from policykit.unknown import HOLE, Unknown
from policykit.views.base_environments import variables_of
from policykit.views.images import reference
from policykit.views.view import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policykit.document import Route, Span
    from policykit.parse.dockerfile import Build, Dockerfile, Instruction, Stage
    from policykit.parse.shell import Command, Script, ShellWord
    from policykit.views.project import Project

#: Programs that run the command after them; the options of each that take a value.
_WRAPPERS = {
    "sudo": frozenset("ugpChr"),
    "env": frozenset("uS"),
    "nice": frozenset("n"),
    "exec": frozenset("a"),
    "time": frozenset(),
    "command": frozenset(),
    "nohup": frozenset(),
    "eatmydata": frozenset(),
    "gosu": None,  # takes the user as a word
    "su-exec": None,
}
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")


class Placed(NamedTuple):
    """An instruction, the route to it, and the stage it stands in (None before the first FROM).

    `trigger`: it stands in an ONBUILD and runs in the builds of others.
    """

    instruction: Instruction
    route: Route
    stage: Stage | None
    trigger: bool


@dataclass(frozen=True, slots=True)
class Run:
    """An instruction that runs something: its commands, and the paths that cache and tmpfs mounts keep out of layers.

    `ships`: what it leaves behind is part of an image that somebody gets: the last stage, one below it, or a trigger.
    """

    placed: Placed
    script: Script
    mounts: tuple[str, ...]
    ships: bool

    @property
    def instruction(self) -> Instruction:
        return self.placed.instruction


def placed_instructions(dockerfile: Dockerfile, project: Project) -> Iterator[Placed]:
    """Every instruction, and after an ONBUILD the one within it."""
    build = project.build(dockerfile)
    for outer in dockerfile.instructions:
        stage = build.stage(outer)
        route: Route = ("instructions", outer.index)
        yield Placed(outer, route, stage, trigger=False)
        if outer.onbuild is not None:
            yield Placed(outer.onbuild, (*route, "onbuild"), stage, trigger=True)


def runs(dockerfile: Dockerfile, project: Project) -> Iterator[Run]:
    """RUN, CMD, ENTRYPOINT and HEALTHCHECK in order, those within ONBUILD included."""
    build = project.build(dockerfile)
    shipped = shipped_stages(build)
    for placed in project.once(dockerfile, placed_instructions):
        if placed.instruction.keyword not in ("run", "cmd", "entrypoint", "healthcheck"):
            continue
        ships = placed.trigger or placed.stage is None or placed.stage.index in shipped
        yield Run(placed, script_of(placed.instruction, build), _mounts(placed.instruction), ships)


def shipped_stages(build: Build) -> frozenset[int]:
    """The stage that a build without --target makes, and those it is built on, by index."""
    target = build.target()
    return frozenset() if target is None else frozenset(stage.index for stage in build.ancestry(target))


def _mounts(instruction: Instruction) -> tuple[str, ...]:
    """Where mounts of the types cache and tmpfs are, without a slash at the end."""
    targets = []
    for flag in instruction.flags:
        kind = flag.option("type") if flag.name.text == "mount" else None
        target = flag.option("target", "dst", "destination")
        if kind and kind.value and kind.value.text in ("cache", "tmpfs") and target and target.value:
            targets.append(target.value.text.rstrip("/"))
    return tuple(targets)


def program(word: str) -> str:
    """The name of a program: `/usr/bin/apt-get` is `apt-get`."""
    return word.replace("\\", "/").rpartition("/")[2]


def unwrapped(command: Command) -> tuple[ShellWord, ...]:
    """The words of a command without what only runs it: `sudo -E env X=1 apt-get update` is `apt-get update`."""
    words = command.words
    while words and (name := program(words[0].text)) in _WRAPPERS:
        words = _after_options(words[1:], _WRAPPERS[name])
    return words


def _after_options(words: tuple[ShellWord, ...], taking_value: frozenset[str] | None) -> tuple[ShellWord, ...]:
    if taking_value is None:
        return words[1:]
    at = 0
    while at < len(words):
        text = words[at].text
        if text.startswith("-"):
            at += 2 if len(text) == 2 and text[1] in taking_value else 1
        elif re.match(r"[A-Za-z_]\w*=", text):
            at += 1
        else:
            break
    return words[at:]


def variable_lookup(run: Run, build: Build) -> Callable[[str], str | Unknown]:
    """What a shell variable of a run holds, as far as ARG and ENV and the base image tell."""
    assigned = {assignment.name for command in run.script.commands for assignment in command.assignments}
    loops = any("for" in command.context or command.name in ("read", "export") for command in run.script.commands)
    lookup = build.lookup(run.instruction)

    def find(name: str) -> str | Unknown:
        if name in assigned:
            return Unknown((f"`{name}` is set by the command itself",))
        binding = lookup(name)
        if binding.is_set is None and not loops and not run.placed.trigger and run.placed.stage is not None:
            known = base_variables(build, run.placed.stage)
            if known is not None and name not in known:
                return ""
        return binding.value

    return find


def base_variables(build: Build, stage: Stage) -> frozenset[str] | None:
    """The names of the variables that the image below a stage sets; None where that is not known."""
    base = build.base(list(build.ancestry(stage))[-1])
    if base is None:
        return None
    if base.value == "scratch":
        return frozenset({"PATH"})
    return variables_of(reference(base.value))


def resolved(word: ShellWord, lookup: Callable[[str], str | Unknown]) -> str | Unknown:
    """The text of a word with its variables replaced, unknown where they or what a substitution gives are not known."""
    if not word.dynamic:
        return word.text
    reasons: list[str] = []

    def replace(match: re.Match[str]) -> str:
        value = lookup(match[1] or match[2])
        if isinstance(value, Unknown):
            reasons.extend(value.reasons)
            return value.pattern
        return value

    text = _VARIABLE.sub(replace, word.text)
    rest = _VARIABLE.sub("", word.text)
    if "$" in rest or "`" in rest:
        return Unknown((f"`{word.text}` is worked out by the shell",))
    return Unknown(tuple(dict.fromkeys(reasons)), text) if reasons else text


def pattern_of(text: str | Unknown) -> str:
    """A text, with `HOLE` for what is not known of it."""
    return text.pattern if isinstance(text, Unknown) else text


def is_absolute(path: str | Unknown) -> bool | Unknown:
    """Whether a path begins at a root or with a drive of Windows; an unknown beginning makes that unknown."""
    text = pattern_of(path)
    if text.startswith(HOLE) and isinstance(path, Unknown):
        return path
    return bool(re.match(r"[/\\]|[A-Za-z]:", text))


def locator(default: Span, route: Route, parts: dict[str, Span] | None = None) -> Callable[[str], Place]:
    """A locator with a span for some parts; the others are where the subject itself is."""
    spans: dict[str, Any] = parts or {}
    return lambda at: Place(spans.get(at, default), route_text(route))
