"""The view `command`: every shell command that RUN, CMD, ENTRYPOINT and HEALTHCHECK run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, INT, STRING, ListType, MapType, ObjectType
from policykit.views.package_calls import assignments
from policykit.views.runs import locator, program, resolved, runs, unwrapped, variable_lookup
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policykit.parse.dockerfile import Dockerfile
    from policykit.parse.shell import Command, ShellWord
    from policykit.unknown import Unknown
    from policykit.views.project import Project

COMMAND = ObjectType(
    "Command",
    {
        "name": STRING,  # the program, without its path
        "program": STRING,  # the same after sudo, env, exec and the like
        "arguments": ListType(STRING),  # as the program gets them, without quotes
        "options": ListType(STRING),  # without dashes: `-yq` gives y and q
        "values": MapType(STRING, STRING),  # what follows an option, written with = or as the next word
        "operands": ListType(STRING),  # the arguments that do not begin with a dash
        "text": STRING,  # all words with a blank between them
        "keyword": STRING,  # of the instruction it stands in
        "form": STRING,  # of that instruction: shell, exec
        "onbuild": BOOL,
        "stage": INT,
        "ships": BOOL,  # its traces are in the image that the file makes
        "shell": STRING,  # the program of the SHELL in force, "" for the default
        "piped": BOOL,  # it reads from the command before it
        "pipesTo": STRING,  # the program that reads what it writes, "" for none
        "pipefail": BOOL,  # the shell reports that a command before a pipe failed
        "substituted": BOOL,  # it stands in `$(...)`: its output is wanted, and its status is not looked at
        "background": BOOL,  # it is started with &
        "count": INT,  # commands in the instruction
        "last": BOOL,  # none of them comes after it
        "programs": ListType(STRING),  # of all commands of the instruction, in order
        "assigns": MapType(STRING, STRING),  # variables it sets: `A=1 program`, `export A=1`
    },
)

#: Shells that know `-o pipefail`.
_PIPEFAIL = frozenset({"bash", "zsh", "ksh", "mksh", "ash", "busybox"})


def commands(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """Every command of every instruction that runs some."""
    build = project.build(dockerfile)
    for run in project.once(dockerfile, runs):
        script = run.script.commands
        programs = [program(unwrapped(command)[0].text) for command in script if unwrapped(command)]
        shell = list(build.shell(run.instruction) or ())
        pipefail = _shell_pipefail(shell)
        lookup = variable_lookup(run, build)
        background = _background(script)
        readers = {(c.pipeline, c.position): c for c in script}
        outer = None
        for index, command in enumerate(script):
            pipefail = pipefail or _sets_pipefail(command)
            if "argument" not in command.context:
                outer = command
            reader = readers.get((command.pipeline, command.position + 1))
            fields = _words(command, lookup)
            fields |= {
                "keyword": run.instruction.keyword,
                "form": run.instruction.form,
                "onbuild": run.placed.trigger,
                "stage": -1 if run.placed.stage is None else run.placed.stage.index,
                "ships": run.ships,
                "shell": program(shell[0]) if shell else "",
                "piped": command.position > 0,
                "pipesTo": "" if reader is None else program(reader.name) or "sh",
                "pipefail": pipefail or (outer is not None and outer is not command and _shell_pipefail(_texts(outer))),
                "substituted": "substitution" in command.context,
                "background": id(command) in background,
                "count": len(script),
                "last": index == len(script) - 1,
                "programs": programs,
            }
            parts = {"assigns": command.assignments[0].word.span} if command.assignments else {}
            yield Subject(fields, dockerfile, locator(_span(command), run.placed.route, parts))


def _span(command: Command) -> Any:
    return command.words[0].span if command.words else command.span


def _words(command: Command, lookup: Any) -> dict[str, Any]:
    words = command.words
    inner = unwrapped(command)
    texts = [resolved(word, lookup) for word in words[1:]]
    return {
        "name": program(command.name),
        "program": program(inner[0].text) if inner else "",
        "arguments": texts,
        "options": _options(inner[1:]),
        "values": _values(inner[1:], lookup),
        "operands": [resolved(word, lookup) for word in inner[1:] if not word.text.startswith("-")],
        "text": " ".join(word.text for word in words),
        "assigns": _assigned(command, lookup),
    }


def _options(words: Sequence[ShellWord]) -> list[str]:
    found = []
    for word in words:
        text = word.text
        if text == "--":
            break
        if text.startswith("--"):
            found.append(text[2:].partition("=")[0])
        elif text.startswith("-") and len(text) > 1:
            found += [text[1:]] if len(text) > 2 else []  # `-nv` and `-find` may be one option
            found += text[1:]
    return list(dict.fromkeys(found))


def _values(words: Sequence[ShellWord], lookup: Any) -> dict[str, str | Unknown]:
    """What each option may have as its value; which options take one only the program knows."""
    values: dict[str, str | Unknown] = {}
    for index, word in enumerate(words):
        text = word.text
        if not text.startswith("-") or text in ("-", "--"):
            continue
        name, equals, value = text.lstrip("-").partition("=")
        if equals:
            values[name] = value
            continue
        following = words[index + 1] if index + 1 < len(words) else None
        if following is not None and not following.text.startswith("-"):
            values[name] = resolved(following, lookup)
            if not text.startswith("--") and len(name) > 1:
                values.setdefault(name[-1], values[name])
        if not text.startswith("--") and len(name) > 1:
            values.setdefault(name[0], name[1:])
    return values


def _assigned(command: Command, lookup: Any) -> dict[str, str | Unknown]:
    found: dict[str, str | Unknown] = dict(assignments(command))
    return found | {assignment.name: resolved(assignment.value, lookup) for assignment in command.assignments}


def _background(script: tuple[Command, ...]) -> set[int]:
    """The commands that are followed by `&`, by identity."""
    found = set()
    last: dict[tuple[str, ...], Command] = {}
    for command in script:
        if command.connective == "&" and command.context in last:
            found.add(id(last[command.context]))
        last[command.context] = command
    return found


def _texts(command: Command) -> list[str]:
    return [word.text for word in command.words]


def _shell_pipefail(shell: list[str]) -> bool:
    """Whether a shell is called with `-o pipefail` and knows it."""
    names = [program(word) for word in shell[:2]]
    return any(name in _PIPEFAIL for name in names) and "pipefail" in shell


def _sets_pipefail(command: Command) -> bool:
    return command.name == "set" and any(word.text == "pipefail" for word in command.arguments)
