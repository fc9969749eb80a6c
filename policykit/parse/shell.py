"""Turns the instructions of a Dockerfile that run something (RUN, CMD, ENTRYPOINT, HEALTHCHECK) into shell commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policykit.parse.dockerfile.fragment import Fragment, Piece, concatenate
from policykit.parse.shell_ast import Assignment, Command, Option, Redirection, Script, ShellWord
from policykit.parse.shell_commands import is_posix_shell, script_argument
from policykit.parse.shell_parser import parse_script

if TYPE_CHECKING:
    from policykit.parse.dockerfile import Build, Heredoc, Instruction, Word

__all__ = [
    "Assignment",
    "Command",
    "Option",
    "Redirection",
    "Script",
    "ShellWord",
    "parse_script",
    "script_of",
]

_RUNS = frozenset({"run", "cmd", "entrypoint", "healthcheck"})
_WINDOWS = re.compile(
    r"(?:^|/)(?:windows|windowsservercore|nanoserver)(?:[/:@]|$)|[:-](?:windowsservercore|nanoserver)\b"
)
_SHEBANG = re.compile(r"#![ \t]*(\S+)(?:[ \t]+(\S+))?")


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
    """A single heredoc and nothing else is the script itself; otherwise the shell reads line and heredocs together."""
    if len(heredocs) == 1 and word.text == heredocs[0].marker.raw:
        interpreter = _SHEBANG.match(heredocs[0].body.text)
        if interpreter and not _is_posix_interpreter(interpreter):
            return Script(posix=False)
        return parse_script(heredocs[0].body)
    if not heredocs:
        return parse_script(word.fragment)
    end = word.line.origin(word.end, word.end)[0]
    line_end = Fragment("\n", (Piece(0, end, end, whole=True),), word.line.lines)
    parts = [word.fragment]
    for heredoc in heredocs:
        parts += (line_end, heredoc.content, heredoc.terminator.fragment)
    return parse_script(concatenate(*parts))


def _is_posix_interpreter(match: re.Match[str]) -> bool:
    program, argument = match[1], match[2]
    return is_posix_shell(argument or "" if program.endswith("/env") else program)


def _has_posix_shell(instruction: Instruction, build: Build) -> bool:
    shell = build.shell(instruction)
    if shell:
        return any(is_posix_shell(part) for part in (shell[:2] if shell[0].endswith("/env") else shell[:1]))
    return not _is_windows(instruction, build)


def _is_windows(instruction: Instruction, build: Build) -> bool:
    """Whether the image is one of Windows, as far as its name or `--platform` tell; its default shell is cmd."""
    stage = build.stage(instruction)
    for ancestor in build.ancestry(stage) if stage else ():
        platform = ancestor.platform.text if ancestor.platform else ""
        base = ancestor.base.text if ancestor.base else ""
        if platform.lower().startswith("windows") or _WINDOWS.search(base.lower()):
            return True
    return False
