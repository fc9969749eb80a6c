"""The Dockerfile parser and the variable expansion against BuildKit's own test tables."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from policykit.document import Source
from policykit.parse.dockerfile import Dockerfile, Instruction, parse_dockerfile
from policykit.parse.dockerfile.expand import expand, expand_words
from policykit.parse.dockerfile.fragment import LineIndex
from policykit.parse.dockerfile.lexer import UNSET, Binding, bind

DATA = (
    Path(os.environ.get("POLICYKIT_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance")) / "dockerfile"
)
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no conformance data at {DATA} (POLICYKIT_CONFORMANCE)")


def cases(file: str, *rules: str) -> list[Any]:
    path = DATA / file
    if not path.is_file():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [pytest.param(row, id=f"{row['rule']}: {row['name']}"[:80]) for row in rows if row["rule"] in rules]


def parse(text: str) -> Dockerfile:
    return parse_dockerfile(Source("Dockerfile", text))


def is_refused(dockerfile: Dockerfile) -> bool:
    """Whether BuildKit's parser (not what comes after it) gives an error."""
    return any(problem.kind == "syntax" for problem in dockerfile.problems)


def quoted(text: str) -> str:
    """Go's strconv.Quote."""
    out = []
    for character in text:
        if character in '"\\':
            out.append("\\" + character)
        elif character in "\a\b\f\n\r\t\v":
            out.append("\\" + "abfnrtv"["\a\b\f\n\r\t\v".index(character)])
        elif character.isprintable():
            out.append(character)
        else:
            out.append(f"\\x{ord(character):02x}" if ord(character) < 0x80 else f"\\u{ord(character):04x}")
    return '"' + "".join(out) + '"'


def dump(instruction: Instruction) -> str:
    """BuildKit's `Node.Dump` of one instruction."""
    parts = [instruction.keyword]
    if instruction.flags:
        parts.append("[" + " ".join(quoted(flag.word.text) for flag in instruction.flags) + "]")
    if instruction.onbuild is not None:
        parts.append(f"({dump(instruction.onbuild)})")
    elif instruction.keyword in ("env", "label"):
        for pair in instruction.pairs:
            assert pair.value is not None
            parts += (quoted(pair.name.text), quoted(pair.value.text), quoted(pair.separator))
    else:
        parts += (quoted(word.text) for word in instruction.words)
    return " ".join(parts)


@pytest.mark.parametrize("case", cases("buildkit_parser.jsonl", "parse"))
def test_syntax_tree(case: dict[str, Any]) -> None:
    dockerfile = parse(case["input"])
    assert is_refused(dockerfile) == case["expect"].get("error", False)
    if "ast" in case["expect"]:
        assert "".join(f"({dump(i)})\n" for i in dockerfile.instructions) == case["expect"]["ast"]


@pytest.mark.parametrize("case", cases("buildkit_parser.jsonl", "json-array"))
def test_json_array(case: dict[str, Any]) -> None:
    instruction = parse("CMD " + case["input"]).instructions[0]
    words = [word.text for word in instruction.words] if instruction.form == "exec" else None
    assert words == case["expect"].get("words")


@pytest.mark.parametrize("case", cases("buildkit_parser.jsonl", "line-ranges"))
def test_line_ranges(case: dict[str, Any]) -> None:
    instructions = parse(case["input"]).instructions
    assert [[i.first_line, i.last_line] for i in instructions] == case["expect"]["child_lines"]
    assert [instructions[0].first_line, instructions[-1].last_line] == case["expect"]["ast_lines"]


@pytest.mark.parametrize("case", cases("buildkit_parser.jsonl", "heredoc"))
def test_heredocs(case: dict[str, Any]) -> None:
    instructions = parse(case["input"]).instructions
    if "table" not in case["expect"]:
        pytest.fail(f"a kind of expectation that this test does not know: {sorted(case['expect'])}")
    wanted = [
        [(h["Name"], h["Content"], h["Expand"], h.get("Chomp", False), h.get("FileDescriptor", 0)) for h in row or ()]
        for row in case["expect"]["table"]
    ]
    found = [[(h.name, h.content.text, h.expand, h.chomp, h.descriptor) for h in i.heredocs] for i in instructions]
    assert [row for row in found if row] == [row for row in wanted if row]


@pytest.mark.parametrize("case", cases("buildkit_shell.jsonl", "process-word", "process-words"))
def test_expansion(case: dict[str, Any]) -> None:
    if case["platform"] == "windows":
        pytest.skip("variable names are compared as on a Unix build host")
    environment = {name: bind(value) for name, value in case["env"].items()}

    def lookup(name: str) -> Binding:
        return environment.get(name, UNSET)

    word = LineIndex("Dockerfile", case["input"]).fragment(0, len(case["input"]))
    if case["rule"] == "process-word":
        outcome: Any = expand(word, lookup)
        got: dict[str, Any] = {"error": True} if outcome.error else {"word": outcome.value}
    else:
        outcomes = expand_words(word, lookup)
        failed = any(outcome.error for outcome in outcomes)
        got = {"error": True} if failed else {"words": [outcome.value for outcome in outcomes]}
    assert got == case["expect"]
