"""What the last stage of a Dockerfile says of its container, as values of `policykit.views.types`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.unknown import Unknown
from policykit.views.container_parts import NO_PROBE
from policykit.views.objects import NO_OWNER
from policykit.views.security import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.parse.dockerfile import Build, Instruction, Stage


def parts(build: Build, stage: Stage) -> dict[str, Any]:
    """The fields of `Container` that are lists, probes and plain settings; what only a runtime decides is empty."""
    return {
        "owner": NO_OWNER,
        "security": {**NOTHING, "target": "dockerfile", "name": stage.name or str(stage.index), "kind": "stage"},
        "ports": list(_ports(build, stage)),
        "variables": _variables(build, stage),
        "variablesFrom": [],
        "mounts": list(_volumes(build, stage)),
        "liveness": _healthcheck(build, stage),
        "readiness": NO_PROBE,
        "startup": NO_PROBE,
        "postStart": NO_PROBE,
        "preStop": NO_PROBE,
        "pullPolicy": "",
        "restartPolicy": "",
        "command": _command(build, stage, "entrypoint"),
        "args": _command(build, stage, "cmd"),
        "workingDir": _working_directory(build, stage),
        "tty": False,
        "stdin": False,
    }


def _ran(build: Build, stage: Stage, keyword: str) -> Iterator[tuple[Instruction, Stage]]:
    """The instructions of a stage and of those below it, the lowest first."""
    for ancestor in reversed(list(build.ancestry(stage))):
        for instruction in build.instructions(ancestor):
            if instruction.keyword == keyword:
                yield instruction, ancestor


def _ports(build: Build, stage: Stage) -> Iterator[dict[str, Any]]:
    for instruction, running in _ran(build, stage, "expose"):
        for word in instruction.words:
            for expansion in build.expand_words(word, instruction, running):
                yield _port(expansion.value)


def _port(value: str | Unknown) -> dict[str, Any]:
    if isinstance(value, Unknown):
        return {"name": "", "number": value, "protocol": value, "published": "", "hostIp": ""}
    number, _, protocol = value.partition("/")
    exact = int(number) if number.isdecimal() and len(number) <= 5 else 0
    return {"name": "", "number": exact, "protocol": protocol.upper() or "TCP", "published": "", "hostIp": ""}


def _variables(build: Build, stage: Stage) -> list[dict[str, Any]]:
    names = dict.fromkeys(pair.name.text for instruction, _ in _ran(build, stage, "env") for pair in instruction.pairs)
    bindings = build.environment(stage)
    return [
        {
            "name": name,
            "value": "" if bindings[name].value is None else bindings[name].value,
            "source": "value",
            "reference": "",
            "key": "",
            "optional": False,
            "repeated": False,
        }
        for name in names
        if name in bindings
    ]


def _volumes(build: Build, stage: Stage) -> Iterator[dict[str, Any]]:
    for instruction, running in _ran(build, stage, "volume"):
        for word in instruction.words:
            for expansion in build.expand_words(word, instruction, running):
                yield {
                    "volume": "",
                    "type": "volume",
                    "source": "",
                    "path": expansion.value,
                    "readOnly": False,
                    "subPath": "",
                    "propagation": "",
                }


def _healthcheck(build: Build, stage: Stage) -> Any:
    last = build.last(stage, "healthcheck")
    if last is None or not last[0].words or last[0].words[0].text.upper() == "NONE":
        return NO_PROBE
    command = [word.text for word in last[0].words[1:]]
    return {**NO_PROBE, "defined": True, "type": "exec", "command": command, "periodSeconds": 30, "failureThreshold": 3}


def _command(build: Build, stage: Stage, keyword: str) -> list[str]:
    last = build.last(stage, keyword)
    return [word.text for word in last[0].words] if last is not None else []


def _working_directory(build: Build, stage: Stage) -> str | Unknown:
    last = build.last(stage, "workdir")
    if last is None or not last[0].words:
        return ""
    return build.expand(last[0].words[0], last[0], last[1]).value
