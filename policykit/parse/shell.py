"""Turns the instructions of a Dockerfile that run something (RUN, CMD, ENTRYPOINT, HEALTHCHECK) into shell commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from policykit.parse.dockerfile.fragment import Fragment, Piece, concatenate
from policykit.parse.shell_ast import Assignment, Command, Option, Redirection, Script, ShellWord
from policykit.parse.shell_commands import is_posix_shell, script_argument
from policykit.parse.shell_parser import parse_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.parse.dockerfile import Build, Heredoc, Instruction, Word

__all__ = [
    "Assignment",
    "Command",
    "Option",
    "Redirection",
    "Script",
    "ShellText",
    "ShellWord",
    "parse_script",
    "script_of",
    "shell_text",
]

_RUNS = frozenset({"run", "cmd", "entrypoint", "healthcheck"})
_WINDOWS = re.compile(
    r"(?:^|/)(?:windows|windowsservercore|nanoserver)(?:[/:@]|$)|[:-](?:windowsservercore|nanoserver)\b"
)
_SHEBANG = re.compile(r"#![ \t]*(\S+)(?:[ \t]+(\S+))?")


class ShellText(NamedTuple):
    """What a shell reads as its script, and that shell's program; "" for the one of the image."""

    text: Fragment
    shell: str


def shell_text(instruction: Instruction, build: Build) -> ShellText | None:
    """The script that a RUN hands to a shell of the POSIX kind, as it stands; None where there is none."""
    words = instruction.words
    if instruction.keyword != "run" or not words:
        return None
    if instruction.form == "exec":
        script = script_argument(words)
        return None if script is None else ShellText(script.fragment, words[0].text)
    if not _has_posix_shell(instruction, build):
        return None
    text = _text(words[0], instruction.heredocs)
    return None if text is None else ShellText(text, _program(build.shell(instruction) or ()))


def script_of(instruction: Instruction, build: Build) -> Script:
    """The commands that an instruction runs; for ONBUILD, those of the instruction within.

    The exec form is one command, or the script given to `sh -c`. Under a SHELL that is not a POSIX one (powershell,
    cmd), on Windows images, and for a heredoc with the `#!` of another interpreter there are none. Never raises.
    """
    if instruction.onbuild is not None:
        instruction = instruction.onbuild
    if instruction.keyword not in _RUNS:
        return Script()
    words = instruction.words
    if instruction.keyword == "healthcheck":
        if not words or words[0].text.upper() != "CMD":
            return Script()
        words = words[1:]
    if not words:
        return Script()
    if instruction.form == "exec":
        return _exec(words)
    if not _has_posix_shell(instruction, build):
        return Script(posix=False)
    return _shell(words[0], instruction.heredocs)


def _exec(words: tuple[Word, ...]) -> Script:
    script = script_argument(words)
    if script is not None:
        return parse_script(script.fragment)
    command_words = tuple(ShellWord(w.text, w.line, w.start, w.end, w.decoded, quoted=True) for w in words)
    span = words[0].line.span(words[0].start, words[-1].end)
    return Script((Command(command_words, (), (), "", 1, 0, (), span),))


def _shell(word: Word, heredocs: tuple[Heredoc, ...]) -> Script:
    text = _text(word, heredocs)
    return Script(posix=False) if text is None else parse_script(text)


def _text(word: Word, heredocs: tuple[Heredoc, ...]) -> Fragment | None:
    """A single heredoc and nothing else is the script itself, None where it names an interpreter that is no shell;
    otherwise the shell reads line and heredocs together.
    """
    if len(heredocs) == 1 and word.text == heredocs[0].marker.raw:
        interpreter = _SHEBANG.match(heredocs[0].body.text)
        return None if interpreter and not _is_posix_interpreter(interpreter) else heredocs[0].body
    if not heredocs:
        return word.fragment
    end = word.line.origin(word.end, word.end)[0]
    line_end = Fragment("\n", (Piece(0, end, end, whole=True),), word.line.lines)
    parts = [word.fragment]
    for heredoc in heredocs:
        parts += (line_end, heredoc.content, heredoc.terminator.fragment)
    return concatenate(*parts)


def _is_posix_interpreter(match: re.Match[str]) -> bool:
    program, argument = match[1], match[2]
    return is_posix_shell(argument or "" if program.endswith("/env") else program)


def _has_posix_shell(instruction: Instruction, build: Build) -> bool:
    shell = build.shell(instruction)
    return is_posix_shell(_program(shell)) if shell else not _is_windows(instruction, build)


def _program(shell: Sequence[str]) -> str:
    """The program of a SHELL; `/usr/bin/env bash` is bash."""
    return next(iter(shell[1:2] if shell[:1] and shell[0].endswith("/env") else shell[:1]), "")


def _is_windows(instruction: Instruction, build: Build) -> bool:
    """Whether the image is one of Windows, as far as its name or `--platform` tell; its default shell is cmd."""
    stage = build.stage(instruction)
    for ancestor in build.ancestry(stage) if stage else ():
        platform = ancestor.platform.text if ancestor.platform else ""
        base = ancestor.base.text if ancestor.base else ""
        if platform.lower().startswith("windows") or _WINDOWS.search(base.lower()):
            return True
    return False
