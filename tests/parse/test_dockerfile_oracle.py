"""The Dockerfile parser against the PyPI package `dockerfile`: BuildKit's own parser, of an older release."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from policykit.document import Source
from policykit.parse.dockerfile import Instruction, parse_dockerfile

oracle = pytest.importorskip("dockerfile", reason="the package `dockerfile` has no build for this machine")

if TYPE_CHECKING:
    from collections.abc import Callable

KEYWORDS = [
    "FROM", "run", "CMD", "Entrypoint", "COPY", "ADD", "ENV", "LABEL", "ARG", "EXPOSE", "USER", "WORKDIR", "VOLUME",
    "SHELL", "STOPSIGNAL", "MAINTAINER", "HEALTHCHECK", "ONBUILD", "ONBUILD RUN", "onbuild copy", "UNKNOWN", "#", "",
]  # fmt: skip
PIECES = [
    "a", "b c", "x=y", "x= y", '"q r"', "'s t'", '"', "'", "\\", "\\\\", "`", "$V", "${V:-d}", "é", "한", "=",
    ",", "&&", "|", "<<EOF", "<<-EOF", "<<'EOF'", "3<<X", "<", "EOF", "\tEOF", "X", "CMD", "NONE", "AS", "#", "# c",
    "-x", "--", "--from=x", "--mount=type=cache,target=/x", '--f="a b"',
    '["a", "b"]', '[ "a" ]', '["a", 1]', "[]", '["a",]', '["\\u00e9\\n"]', "[a]",
    " \\\n", "\\\n", "\\\n\n", "\\\n # c\n", "\\ \t\n", "`\n", "\r\n", "\t", "  ", "\v",
]  # fmt: skip
HEADERS = ["", "", "", "# escape=`\n", "#escape=\\\n", "# syntax=x\n# escape=`\n", "# c\n# escape=`\n", "\n"]

lines = st.builds(
    lambda keyword, gap, pieces: keyword + gap + "".join(pieces),
    st.sampled_from(KEYWORDS),
    st.sampled_from([" ", " ", "\t", "  ", " \\\n "]),
    st.lists(st.one_of(st.sampled_from(PIECES), st.just(" ")), max_size=8),
)
files = st.builds(
    lambda header, parts, end: header + "\n".join(parts) + end,
    st.sampled_from(HEADERS),
    st.lists(lines, min_size=1, max_size=6),
    st.sampled_from(["", "\n", "\n\n", "\r\n"]),
)


def ours(text: str) -> list[dict[str, Any]] | None:
    """Our reading in the oracle's terms; None where the parser refuses the file."""
    dockerfile = parse_dockerfile(Source("Dockerfile", text))
    if any(problem.kind == "syntax" for problem in dockerfile.problems):
        return None
    return [described(instruction) for instruction in dockerfile.instructions]


def described(instruction: Instruction) -> dict[str, Any]:
    inner = instruction.onbuild or instruction
    values: list[str] = []
    if inner.keyword in ("env", "label"):
        for pair in inner.pairs:
            assert pair.value is not None
            values += (pair.name.text, pair.value.text)
    elif inner.keyword in KNOWN:
        values = [word.text for word in inner.words]
    else:
        values = [""]  # the oracle drops the arguments of an unknown instruction
    return {
        "cmd": instruction.keyword.upper(),
        "sub_cmd": instruction.onbuild.keyword.upper() if instruction.onbuild else None,
        "flags": [flag.word.text for flag in instruction.flags],
        "value": values,
        "lines": (instruction.first_line, instruction.last_line),
        # the oracle reads the heredocs of an ONBUILD, but does not return them
        "heredocs": []
        if instruction.onbuild
        else [(h.name, h.content.text, h.descriptor) for h in instruction.heredocs],
    }


KNOWN = frozenset(keyword.lower() for keyword in KEYWORDS if keyword.isalpha() and keyword != "UNKNOWN")


def theirs(text: str) -> list[dict[str, Any]] | None:
    try:
        commands = oracle.parse_string(text)
    except oracle.GoParseError:
        return None
    return [
        {
            "cmd": (command.cmd or "").upper(),
            "sub_cmd": command.sub_cmd.upper() if command.sub_cmd else None,
            "flags": list(command.flags),
            "value": list(command.value),
            "lines": (command.start_line, command.end_line),
            "heredocs": [(h.name, h.content, h.file_descriptor) for h in command.heredocs],
        }
        for command in commands
    ]


def has_text_behind_json(text: str) -> bool:
    """A JSON array begins the arguments, but does not end them."""
    for instruction in parse_dockerfile(Source("Dockerfile", text)).instructions:
        inner = instruction.onbuild or instruction
        for word in inner.words[:2] if inner.form == "shell" else ():
            with contextlib.suppress(ValueError):
                if isinstance(json.JSONDecoder().raw_decode(inner.raw, word.start)[0], list):
                    return True
    return False


def has_check_directive(text: str) -> bool:
    return any(d.name == "check" for d in parse_dockerfile(Source("Dockerfile", text)).directives)


def is_read_by_bytes(text: str) -> bool:
    instructions = parse_dockerfile(Source("Dockerfile", text)).instructions
    read = (i.raw for i in instructions if "--" in i.raw or "healthcheck" in i.raw.lower())
    return not all(raw.isascii() for raw in read)


def has_chained_onbuild(text: str) -> bool:
    instructions = parse_dockerfile(Source("Dockerfile", text)).instructions
    return any(i.onbuild is not None and i.onbuild.keyword == "onbuild" for i in instructions)


def has_blank_before_delimiter(text: str) -> bool:
    return re.search(r"<<-?[ \t\r]", text) is not None


#: Where the oracle, older than the BuildKit that is followed here, reads otherwise: reason, which texts, one of them.
DIFFERENCES = [
    ("text behind a JSON array was ignored; now it makes it the shell form", has_text_behind_json, 'RUN ["a"] b'),
    ("`check` was no directive yet, and ended them", has_check_directive, "# check=skip=all\n# escape=`\nRUN a `\n b"),
    ("flags and HEALTHCHECK's type are read byte by byte: mojibake", is_read_by_bytes, "COPY --from=\u00e9 a b"),
    (
        "what stands in ONBUILD ONBUILD, refused anyway, is not parsed here",
        has_chained_onbuild,
        "ONBUILD ONBUILD RUN x",
    ),
    ("`<< EOF` with a blank was no heredoc", has_blank_before_delimiter, "RUN << EOF\nls\nEOF"),
]


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files)
def test_same_reading(text: str) -> None:
    assume(not any(applies(text) for _, applies, _ in DIFFERENCES))
    assert ours(text) == theirs(text)


@pytest.mark.parametrize(("reason", "applies", "text"), DIFFERENCES)
def test_known_differences_are_still_there(reason: str, applies: Callable[[str], bool], text: str) -> None:
    assert applies(text)
    assert ours(text) != theirs(text), f"no difference any more: {reason}"
