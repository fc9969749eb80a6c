"""Finds instructions that are well formed but make no sense: what BuildKit refuses after parsing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policykit.parse.dockerfile.ast import ParseProblem
from policykit.parse.dockerfile.instructions import KEYWORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.document import Span
    from policykit.parse.dockerfile.ast import Flag, Instruction

_SWITCHES = {
    "add": frozenset({"link", "keep-git-dir", "unpack"}),
    "copy": frozenset({"link", "parents"}),
}
_VALUES = {
    "add": frozenset({"chown", "chmod", "checksum"}),
    "copy": frozenset({"chown", "chmod", "from"}),
    "from": frozenset({"platform"}),
    "healthcheck": frozenset({"interval", "timeout", "start-period", "start-interval", "retries"}),
    "run": frozenset({"network", "security"}),
}
_REPEATED = {
    "add": frozenset({"exclude"}),
    "copy": frozenset({"exclude"}),
    "run": frozenset({"mount", "device"}),
}
_NONE: frozenset[str] = frozenset()
_CHOICES = {
    "network": frozenset({"default", "none", "host"}),
    "security": frozenset({"sandbox", "insecure"}),
}
_MOUNT_TYPES = frozenset({"bind", "cache", "tmpfs", "secret", "ssh"})
_MOUNT_SWITCHES = frozenset({"readonly", "ro", "readwrite", "rw", "required"})
_MOUNT_KEYS = _MOUNT_SWITCHES | {
    "type", "from", "source", "src", "target", "dst", "destination", "id", "sharing", "size", "mode", "uid", "gid",
    "env",
}  # fmt: skip
_DURATION = re.compile(r"[+-]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z")
_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*\Z")
_AT_LEAST_ONE = frozenset({"arg", "env", "label", "expose", "volume", "shell", "healthcheck", "onbuild"})
_EXACTLY_ONE = frozenset({"user", "workdir", "stopsignal", "maintainer"})


def check_instruction(instruction: Instruction) -> Iterator[ParseProblem]:
    """The problems of one instruction that parsed (kind "instruction")."""
    keyword = instruction.keyword
    if keyword not in KEYWORDS:
        yield _problem(f"unknown instruction: {instruction.name.text}", instruction.name.span)
        return
    count = len(instruction.words)
    upper = keyword.upper()
    if keyword in _AT_LEAST_ONE and not count and instruction.onbuild is None:
        yield _problem(f"{upper} needs an argument", instruction.name.span)
    elif keyword in _EXACTLY_ONE and count != 1:
        yield _problem(f"{upper} takes one argument", instruction.name.span)
    elif keyword in ("add", "copy") and count < 2:
        message = "needs a source and a destination"
        yield _problem(f"{upper} {message}", instruction.name.span)
    yield from _check_flags(instruction)
    yield from _check_words(instruction)


def _check_flags(instruction: Instruction) -> Iterator[ParseProblem]:
    keyword = instruction.keyword
    if keyword == "healthcheck" and instruction.words and instruction.words[0].text.upper() == "NONE":
        return  # BuildKit does not look at them
    if keyword == "stopsignal":
        return
    switches, values = _SWITCHES.get(keyword, _NONE), _VALUES.get(keyword, _NONE)
    repeated = _REPEATED.get(keyword, _NONE)
    seen: set[str] = set()
    for flag in instruction.flags:
        name = flag.name.text
        if name not in switches | values | repeated:
            yield _problem(f"unknown flag: --{name}", flag.span)
        elif name in seen and name not in repeated:
            yield _problem(f"flag given twice: --{name}", flag.span)
        elif wrong := _flag_value(flag, switch=name in switches):
            yield _problem(wrong, flag.span)
        seen.add(name)


def _flag_value(flag: Flag, *, switch: bool) -> str:
    name = flag.name.text
    if flag.value is None:
        return "" if switch else f"flag without a value: --{name}"
    if switch and not flag.value.text:
        return f"flag without a value: --{name}"
    if switch and flag.value.text.lower() not in ("true", "false"):
        return f"--{name} is true or false, not {flag.value.text!r}"
    return ""


def _check_words(instruction: Instruction) -> Iterator[ParseProblem]:
    words = instruction.words
    match instruction.keyword:
        case "from":
            yield from _check_from(instruction)
        case "onbuild" if instruction.onbuild is not None:
            yield from _check_onbuild(instruction.onbuild)
        case "shell" if words and instruction.form != "exec":
            yield _problem('SHELL is written as a JSON array: ["/bin/sh", "-c"]', words[0].span)
        case "healthcheck" if words:
            yield from _check_healthcheck(instruction)
        case "run":
            yield from _check_run(instruction)
        case "add" | "copy" if any(heredoc.marker.start == words[-1].start for heredoc in instruction.heredocs):
            message = f"{instruction.keyword.upper()} copies a heredoc to a path: write the destination last"
            yield _problem(message, words[-1].span)
        case "arg" | "env" | "label":
            for pair in instruction.pairs:
                if not pair.name.text and pair.value is not None:
                    yield _problem(f"{instruction.keyword.upper()} has a value without a name", pair.span)
        case "volume":
            for word in words:
                if not word.text.strip():
                    yield _problem("VOLUME has an empty path", word.span)
        case _:
            return


def _check_from(instruction: Instruction) -> Iterator[ParseProblem]:
    words = instruction.words
    if len(words) == 3 and words[1].text.lower() == "as":
        if not _STAGE_NAME.match(words[2].text.lower()):
            message = f"stage name {words[2].text!r}: begin with a letter; then letters, digits and any of `-_.`"
            yield _problem(message, words[2].span)
    elif len(words) != 1:
        span = words[1].span if words else instruction.name.span
        yield _problem("FROM is written `FROM image` or `FROM image AS name`", span)


def _check_onbuild(inner: Instruction) -> Iterator[ParseProblem]:
    if inner.keyword == "onbuild":
        yield _problem("ONBUILD cannot stand inside ONBUILD", inner.name.span)
    elif inner.keyword in ("maintainer", "from"):
        yield _problem(f"{inner.keyword.upper()} cannot stand inside ONBUILD", inner.name.span)
    else:
        yield from check_instruction(inner)


def _check_healthcheck(instruction: Instruction) -> Iterator[ParseProblem]:
    kind, *arguments = instruction.words
    match kind.text.upper():
        case "NONE":
            if arguments:
                yield _problem("nothing may follow HEALTHCHECK NONE", arguments[0].span)
        case "CMD":
            if not arguments:
                yield _problem("HEALTHCHECK CMD has no command", kind.span)
            yield from _check_durations(instruction)
        case other:
            yield _problem(f"HEALTHCHECK begins with CMD or NONE, not {other!r}", kind.span)


def _check_durations(instruction: Instruction) -> Iterator[ParseProblem]:
    for flag in instruction.flags:
        value = flag.value.text if flag.value else ""
        if flag.name.text == "retries" and value and not re.fullmatch(r"\+?[0-9]+", value):
            yield _problem(f"--retries must be a whole number, not {value!r}", flag.span)
        elif flag.name.text != "retries" and value and not _DURATION.match(value):
            yield _problem(f"invalid duration {value!r}: write a number and a unit, as in 30s", flag.span)


def _check_run(instruction: Instruction) -> Iterator[ParseProblem]:
    for flag in instruction.flags:
        name = flag.name.text
        value = flag.value.text if flag.value else ""
        if name in _CHOICES and value and value not in _CHOICES[name]:
            yield _problem(f"invalid value for --{name}: {value!r}", flag.span)
        elif name == "mount":
            yield from _check_mount(flag)


def _check_mount(flag: Flag) -> Iterator[ParseProblem]:
    for option in flag.options:
        key = option.name.text.lower()
        value = "" if option.value is None else option.value.text
        if option.value is None and key not in _MOUNT_SWITCHES:
            yield _problem(f"--mount option {option.name.text!r} has no value", option.span)
        elif key not in _MOUNT_KEYS:
            yield _problem(f"unknown --mount option {key!r}", option.span)
        elif key == "type" and "$" not in value and value.lower() not in _MOUNT_TYPES:
            yield _problem(f"unknown --mount type {value!r}", option.span)
        elif key == "from" and re.search(r"\$.", value):
            message = "--mount from= takes no variables: name a stage `FROM $IMAGE AS name` and mount from that"
            yield _problem(message, option.span)


def _problem(message: str, span: Span) -> ParseProblem:
    return ParseProblem(message, span, "instruction")
