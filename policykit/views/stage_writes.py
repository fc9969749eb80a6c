"""A build stage into the places that a container of its image writes to, as far as the Dockerfile shows them.

Three things show it: a VOLUME, a start command that makes or redirects into a file, and an empty directory that is made
for the user the container runs as. What a program writes on its own shows nowhere, and is not here.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from policykit.parse.shell import script_of
from policykit.unknown import Unknown
from policykit.views.runs import program, resolved, unwrapped
from policykit.views.stage_start import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.parse.dockerfile import Build, Instruction, Stage
    from policykit.parse.shell import Command, Script

#: What a runtime mounts in any container, and writable.
_ALWAYS_THERE = ("/dev", "/proc", "/sys")
#: A new user has a home whether or not anybody writes there.
_HOMES = ("/home", "/root")
_WRITING = frozenset({">", ">>", ">|", "&>", "&>>"})
_MAKING = frozenset({"mkdir", "touch", "tee"})
#: Commands that may name a directory and put nothing in it.
_EMPTY = frozenset({"mkdir", "chown", "chmod", "chgrp", "install", "ls", "test", "rm", "rmdir"})
#: Options of these with a value, and the letters of long ones (POSIX and GNU coreutils).
_TAKING_VALUE = {"mkdir": "m", "install": "mogtS"}
_LETTERS = {"mode": "m", "owner": "o", "group": "g", "directory": "d", "recursive": "R", "parents": "p"}
#: A Dockerfile that makes more of them than this is no image's, and is not to take long either.
_MOST_DIRECTORIES = 100
_LONGEST_PATH = 4096  # PATH_MAX of Linux
_CONDITIONAL = frozenset({"if", "while", "until", "for", "case", "function"})
_FOR_ALL = re.compile(r"[0-7]*[2367]|[ugo]*[ao][ugo]*[+=][rxX]*w[rwxXst]*")
_NOT_LITERAL = re.compile(r"[*?\[{~$`]")


class Write(NamedTuple):
    """A path that a container writes to; `how` is volume, command or directory."""

    path: str
    how: str
    instruction: Instruction


def writes(build: Build, stage: Stage, user: str | Unknown) -> tuple[Write, ...]:
    """What a container of the stage writes to, each path once; `user` is the name or number it runs as."""
    found = [*_volumes(build, stage), *_started(build, stage)]
    if isinstance(user, str):
        found += _Directories(build, stage, user).given()
    by_path: dict[str, Write] = {}
    for write in found:
        if not _under(write.path, _ALWAYS_THERE):
            by_path.setdefault(write.path, write)
    return tuple(by_path.values())


def _volumes(build: Build, stage: Stage) -> Iterator[Write]:
    for instruction, running in _instructions(build, stage):
        if instruction.keyword == "volume":
            for word in instruction.words:
                value = build.expand(word, instruction, running).value
                path = _path(value, None) if isinstance(value, str) else None
                if path is not None:
                    yield Write(path, "volume", instruction)


def _started(build: Build, stage: Stage) -> Iterator[Write]:
    """Files that the start command surely makes: what depends on a condition may never run."""
    for instruction in start(build, stage).instructions:
        script = script_of(instruction, build)
        directory = None if _moves(script) else working_directory(build, stage)
        for command in script.commands:
            if not _CONDITIONAL.intersection(command.context) and command.connective != "||":
                for target in _targets(command):
                    path = _path(target, directory)
                    if path is not None:
                        yield Write(path, "command", instruction)


def _targets(command: Command) -> list[str]:
    """The files that a command makes or writes to, as written."""
    found = _redirected(command)
    words = unwrapped(command)
    if words and program(words[0].text) in _MAKING:
        found += [word.text for word in words[1:] if not word.text.startswith("-")]
    return found


def _redirected(command: Command) -> list[str]:
    return [redirection.target.text for redirection in command.redirections if redirection.operator in _WRITING]


class _Directories:
    """The directories that a stage makes for its user and leaves empty."""

    def __init__(self, build: Build, stage: Stage, user: str) -> None:
        self._build = build
        self._user = user
        self._made: set[str] = set()
        self._given: dict[str, Instruction] = {}
        self._filled: set[str] = set()
        self._unclear = False
        self._directory: str | None = "/"
        for instruction, running in _instructions(build, stage):
            self._follow(instruction, running)

    def given(self) -> list[Write]:
        if self._unclear or len(self._made) > _MOST_DIRECTORIES:
            return []
        filled = sorted(self._filled)
        return [
            Write(path, "directory", instruction)
            for path, instruction in self._given.items()
            if not _under(path, _HOMES) and path not in self._filled and not _holds_any(path, filled)
        ]

    def _follow(self, instruction: Instruction, running: Stage) -> None:
        if instruction.keyword == "workdir" and instruction.words:
            value = self._build.expand(instruction.words[0], instruction, running).value
            self._directory = _path(value, self._directory) if isinstance(value, str) else None
        elif instruction.keyword in ("copy", "add") and instruction.words:
            value = self._build.expand(instruction.words[-1], instruction, running).value
            self._fill(_path(value, self._directory) if isinstance(value, str) else None)
        elif instruction.keyword == "run":
            self._run(instruction)

    def _run(self, instruction: Instruction) -> None:
        script = script_of(instruction, self._build)
        self._unclear = self._unclear or not script.posix or script.incomplete is not None
        directory = None if _moves(script) else self._directory
        lookup = self._build.lookup(instruction)
        for command in script.commands:
            words = unwrapped(command)
            if not words:
                continue
            texts = [_text(resolved(word, lambda name: lookup(name).value)) for word in words[1:]]
            self._filled |= _paths(_redirected(command), directory)
            if program(words[0].text) in _EMPTY:
                self._change(program(words[0].text), texts, directory, instruction)
            else:
                self._fill(self._directory)
                self._filled |= _paths(texts, directory) | {path for text in texts for path in _mentioned(text)}

    def _fill(self, path: str | None) -> None:
        """Something is put there; no directory is surely empty after it is put where nobody knows."""
        if path is None:
            self._unclear = True
        else:
            self._filled.add(path)

    def _change(self, name: str, texts: list[str], directory: str | None, instruction: Instruction) -> None:
        options, operands = _parted(texts, _TAKING_VALUE.get(name, ""))
        paths = _paths(operands, directory)
        if name == "mkdir" or (name == "install" and "d" in options):
            self._made |= paths
            if options.get("o") == self._user or _FOR_ALL.fullmatch(options.get("m", "")):
                self._give(paths, instruction)
        elif name in ("chown", "chmod") and operands:
            owner = re.split("[:.]", operands[0])[0]
            if owner == self._user if name == "chown" else _FOR_ALL.fullmatch(operands[0]):
                paths = _paths(operands[1:], directory)
                if "R" in options and len(self._made) <= _MOST_DIRECTORIES:
                    paths = {path for path in self._made if not paths.isdisjoint(_upwards(path))}
                self._give(paths & self._made, instruction)

    def _give(self, paths: set[str], instruction: Instruction) -> None:
        for path in sorted(paths):
            self._given.setdefault(path, instruction)


def _instructions(build: Build, stage: Stage) -> Iterator[tuple[Instruction, Stage]]:
    """What runs in a stage and in those below it, the lowest first."""
    for ancestor in reversed(list(build.ancestry(stage))):
        for instruction in build.instructions(ancestor):
            yield instruction, ancestor


def working_directory(build: Build, stage: Stage) -> str | None:
    """The working directory at the end of a stage; None where the base image decides it or it is not known."""
    directory: str | None = None
    for instruction, running in _instructions(build, stage):
        if instruction.keyword == "workdir" and instruction.words:
            value = build.expand(instruction.words[0], instruction, running).value
            directory = _path(value, directory) if isinstance(value, str) else None
    return directory


def _moves(script: Script) -> bool:
    return any(command.name in ("cd", "pushd", "popd") for command in script.commands)


def _paths(texts: list[str], directory: str | None) -> set[str]:
    return {path for text in texts if (path := _path(text, directory)) is not None}


def _path(text: str, directory: str | None) -> str | None:
    """A path made absolute; None where its characters or its beginning are not known."""
    if (
        not text
        or len(text) > _LONGEST_PATH
        or _NOT_LITERAL.search(text)
        or (directory is None and not text.startswith("/"))
    ):
        return None
    return posixpath.normpath(posixpath.join(directory or "/", text)).replace("//", "/")


def _mentioned(text: str) -> Iterator[str]:
    """Absolute paths in a word of a command that may fill them: `/a`, `--prefix=/a`, `-C/a`."""
    at = text.find("/")
    if at >= 0:
        yield posixpath.normpath(text[at:]).replace("//", "/")


def _parted(texts: list[str], taking_value: str) -> tuple[dict[str, str], list[str]]:
    """Options by their letter, and operands: `-pm 700 a`, `-m700 a` and `--mode=700 a` say the same."""
    options: dict[str, str] = {}
    operands = []
    rest = iter(texts)
    for text in rest:
        if text.startswith("--"):
            name, equals, value = text[2:].partition("=")
            letter = _LETTERS.get(name, "")
            options[letter] = value if equals or letter not in taking_value else next(rest, "")
        elif text.startswith("-"):
            for at, letter in enumerate(text[1:], 2):
                options[letter] = ""
                if letter in taking_value:
                    options[letter] = text[at:] or next(rest, "")
                    break
        else:
            operands.append(text)
    return options, operands


def _text(value: str | Unknown) -> str:
    """What is not known is no literal path."""
    return "$" if isinstance(value, Unknown) else value


def _upwards(path: str) -> Iterator[str]:
    """A path and the directories around it."""
    yield path
    while path != "/":
        path = posixpath.dirname(path)
        yield path


def _holds_any(directory: str, paths: list[str]) -> bool:
    """Whether one of the sorted paths lies in the directory."""
    inside = f"{directory}/"
    at = bisect_left(paths, inside)
    return at < len(paths) and paths[at].startswith(inside)


def _under(path: str, directories: tuple[str, ...]) -> bool:
    return any(path == directory or path.startswith(directory.rstrip("/") + "/") for directory in directories)
