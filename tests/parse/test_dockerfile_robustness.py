"""Dockerfiles of every kind: real, generated, hostile. Nothing raises or hangs, and every place is right."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.document import Source, Span
from policykit.errors import ParseError
from policykit.parse.dockerfile import Build, Dockerfile, Flag, Instruction, Pair, Word, parse_dockerfile
from policykit.parse.shell import script_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFORMANCE = Path(os.environ.get("POLICYKIT_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
CORPUS = CONFORMANCE.parent / "corpus" / "dockerfile"


def read(text: str) -> Dockerfile:
    return parse_dockerfile(Source("Dockerfile", text))


def words_of(instruction: Instruction) -> Iterator[Word]:
    yield instruction.name
    yield from instruction.words
    for flag in instruction.flags:
        yield from words_of_flag(flag)
    for pair in instruction.pairs:
        yield from words_of_pair(pair)
    for heredoc in instruction.heredocs:
        yield heredoc.marker
    if instruction.onbuild is not None:
        yield from words_of(instruction.onbuild)


def words_of_flag(flag: Flag) -> Iterator[Word]:
    yield flag.word
    for option in flag.options:
        yield from words_of_pair(option)


def words_of_pair(pair: Pair) -> Iterator[Word]:
    yield pair.name
    if pair.value is not None:
        yield pair.value


def written(text: str, span: Span, escape: str) -> str:
    """What stands between two places: continuations joined, comments and empty lines between them left out."""
    lines = text.split("\n")[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    last = len(lines) - 1
    kept = []
    for number, line in enumerate(lines):
        if 0 < number < last and (not line.strip() or line.lstrip().startswith("#")):
            continue
        kept.append(line if number == last else line.rstrip("\r").rstrip(" \t").removesuffix(escape))
    return "".join(kept)


def check_places(dockerfile: Dockerfile) -> int:
    """Every word stands where it says; how many were looked at."""
    count = 0
    for instruction in dockerfile.instructions:
        for word in words_of(instruction):
            if word.line is not instruction.line:
                continue  # a part of a flag with quotes or escapes: its raw text is not what the file holds
            assert written(dockerfile.source.text, word.span, dockerfile.escape) == word.raw
            count += 1
    return count


def check_everything(text: str) -> int:
    """Reads all that can be read of a text; how many words and commands were found."""
    try:
        dockerfile = read(text)
    except ParseError:
        return 0
    count = check_places(dockerfile)
    build = Build(dockerfile)
    for stage in dockerfile.stages:
        build.base(stage)
        build.environment(stage)
        for instruction in stage.instructions:
            for word in instruction.words:
                build.expand(word, instruction)
            for command in script_of(instruction, build).commands:
                for shell_word in command.words:
                    assert shell_word.span.line >= instruction.first_line
                    assert shell_word.span.end_line <= instruction.last_line
                    count += 1
    for problem in dockerfile.problems:
        assert problem.span.line >= 1
        assert problem.span.column >= 1
    return count


def test_real_files() -> None:
    files = [path for path in sorted(CORPUS.rglob("*")) if path.is_file()]
    if not files:
        pytest.skip(f"no real files at {CORPUS} (beside POLICYKIT_CONFORMANCE)")
    assert sum(check_everything(path.read_text(encoding="utf-8")) for path in files) > 10_000


def test_conformance_inputs() -> None:
    tables = sorted((CONFORMANCE / "dockerfile").glob("*.jsonl"))
    if not tables:
        pytest.skip(f"no conformance data at {CONFORMANCE} (POLICYKIT_CONFORMANCE)")
    inputs = [json.loads(line)["input"] for table in tables for line in table.read_text(encoding="utf-8").splitlines()]
    assert sum(check_everything(text) for text in inputs) > 5_000


PIECES = [
    "FROM a AS b", "RUN ", "ENV ", "COPY ", "ONBUILD ", "CMD ", "ARG x", "LABEL ", "HEALTHCHECK CMD ", "SHELL ",
    "USER ", "a", "é", "😀", "'", '"', "\\", "`", "$x", "${x:-", "}", "$(", ")", "(", "{", ";", "&&", "|", "<<E", "E",
    "<", ">", "=", "--f=", "[", "]", ",", '"s"', "#", "if ", "then ", "fi", "case x in ", ";;", "esac", "for x in ",
    "do ", "done", "[[ ", "]]", " ", "\t", "\n", "\r\n", " \\\n", "\\\n# c\n", "`\n", "# escape=`\n",
    "\ufeff", "\x1c", "\u2028",
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_generated_files(text: str) -> None:
    check_everything(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    check_everything(text)


MANY = 20_000
HOSTILE: dict[str, Callable[[], str]] = {
    "one long line": lambda: "RUN " + "a" * 10_000_000,
    "words": lambda: "RUN " + "a " * MANY,
    "brackets": lambda: "CMD " + "[" * 500_000,
    "nested arrays": lambda: "CMD " + "[" * MANY + "]" * MANY,
    "a long array": lambda: "CMD [" + '"\\n",' * MANY + '"a"]',
    "open string": lambda: 'CMD ["' + "\\\\" * MANY,
    "continuations": lambda: "RUN " + "a \\\n" * MANY,
    "comments between": lambda: "RUN a \\\n" + "# c\n" * MANY,
    "pairs": lambda: "ENV " + "a=$b " * MANY,
    "quotes": lambda: "ENV a=" + "'" * (2 * MANY + 1),
    "flags": lambda: "RUN " + "--a='b' " * MANY,
    "one long flag": lambda: "RUN --a=" + "\\b" * MANY,
    "mount options": lambda: "RUN --mount=" + "a=b," * MANY + " x",
    "heredoc markers": lambda: "RUN " + "<<E " * MANY,
    "heredoc lines": lambda: "RUN <<-E\n" + "\ta\n" * MANY + "E",
    "onbuild": lambda: "ONBUILD " * MANY + "RUN a",
    "instructions": lambda: "ENV a=b\n" * 20_000,
    "stages": lambda: "".join(f"FROM s{i} AS s{i + 1}\nARG a{i}=$a{i - 1}\n" for i in range(5_000)),
    "substitutions": lambda: "ENV a=" + "${a:-" * MANY,
    "shell parentheses": lambda: "RUN " + "(" * MANY,
    "shell arithmetic": lambda: "RUN " + "$((" * MANY,
    "shell substitutions": lambda: "RUN " + "$(a " * MANY,
    "shell commands": lambda: "RUN " + "a b && " * MANY + "c",
    "shell quotes": lambda: "RUN " + "a'b'\"c\" " * MANY,
    "shell here-documents": lambda: "RUN <<E\n" + "cat <<X\n" * MANY + "E",
    "shell arguments": lambda: "RUN " + "sh -c '" * MANY,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_take_linear_time(name: str) -> None:
    text = HOSTILE[name]()
    started = time.process_time()
    dockerfile = read(text)
    build = Build(dockerfile)
    for instruction in dockerfile.instructions[-1000:]:
        for flag in instruction.flags[:10]:
            assert flag.options is not None
        for word in instruction.words[-10:]:
            build.expand(word, instruction)
        script_of(instruction, build)
    assert time.process_time() - started < 5, "each takes a second at most when the time is linear"


def test_a_small_file_is_fast() -> None:
    text = (
        "FROM a:1 AS b\n"
        + "RUN apt-get update && \\\n    apt-get install -y x\nENV a=1 b=$a\nCOPY --from=b /x /y\n" * 5
    )
    times = []
    for _ in range(20):
        started = time.process_time()
        read(text)
        times.append(time.process_time() - started)
    assert min(times) < 0.005
