"""A build stage into what a container of its image starts: ENTRYPOINT and CMD as they stand in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from policykit.unknown import Unknown
from policykit.views.runs import program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.parse.dockerfile import Build, Instruction, Stage

#: Programs that are made to be the first process of a container: they pass signals on and reap orphans.
_INITS = frozenset({"tini", "tini-static", "dumb-init", "catatonit", "docker-init", "my_init"})
#: Where s6-overlay puts its own.
_S6_INIT = "/init"
_DEFAULT_SHELL = ("/bin/sh", "-c")


class Start(NamedTuple):
    """The arguments in the image, and the instructions that set them: None where the base image does, or nobody.

    `init` is the name of the init that ENTRYPOINT begins with, "" for none.
    """

    entrypoint: Sequence[str] | Unknown
    cmd: Sequence[str] | Unknown
    entrypoint_at: Instruction | None
    cmd_at: Instruction | None
    init: str | Unknown

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """Those whose programs run: after an ENTRYPOINT that is no init, CMD is only its arguments."""
        if self.entrypoint_at is None:
            return () if self.cmd_at is None else (self.cmd_at,)
        cmd = self.cmd_at if self.init else None
        return (self.entrypoint_at,) if cmd is None else (self.entrypoint_at, cmd)


def start(build: Build, stage: Stage) -> Start:
    """What the stage, or the nearest one below it that says so, starts.

    A stage that sets ENTRYPOINT and no CMD drops the CMD it inherits (Dockerfile reference, "Understand how CMD and
    ENTRYPOINT interact").
    """
    entrypoint, cmd = build.last(stage, "entrypoint"), build.last(stage, "cmd")
    ancestry = [ancestor.index for ancestor in build.ancestry(stage)]
    if entrypoint and cmd and ancestry.index(entrypoint[1].index) < ancestry.index(cmd[1].index):
        cmd = None
    inherited = _inherited(build, stage)
    words = inherited if entrypoint is None else _arguments(build, entrypoint[0])
    return Start(
        entrypoint=words,
        cmd=_arguments(build, cmd[0]) if cmd else inherited if entrypoint is None else (),
        entrypoint_at=entrypoint[0] if entrypoint else None,
        cmd_at=cmd[0] if cmd else None,
        init=words if isinstance(words, Unknown) else _init(words),
    )


def _inherited(build: Build, stage: Stage) -> Sequence[str] | Unknown:
    base = build.base(list(build.ancestry(stage))[-1])
    if base is not None and base.value == "scratch":
        return ()
    if base is None or isinstance(base.value, Unknown):
        return Unknown(("what the base image starts is not known",))
    return Unknown((f"what the base image `{base.value}` starts is not known",))


def _arguments(build: Build, instruction: Instruction) -> Sequence[str]:
    """The exec form as it is, the shell form as an argument of the shell."""
    words = tuple(word.text for word in instruction.words)
    if instruction.form == "exec" or not words:
        return words
    return (*(build.shell(instruction) or _DEFAULT_SHELL), *words)


def _init(arguments: Sequence[str]) -> str:
    first = arguments[0] if arguments else ""
    name = program(first)
    known = name in _INITS or name.startswith("tini-") or first == _S6_INIT
    return name if known else ""
