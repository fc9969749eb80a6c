"""Whatever a file holds: a finding or nothing, never a crash, and every finding points at what it names."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance import findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.finding import Finding

ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("POLICYKIT_CORPUS", ROOT.parent / "shared" / "corpus"))
CONFORMANCE = Path(os.environ.get("POLICYKIT_CONFORMANCE", ROOT.parent / "shared" / "conformance"))
_IMAGE = re.compile(r"image `([^`$]+)` (?:has|comes)")


def corpus() -> list[Path]:
    return sorted(p for p in CORPUS.rglob("*") if p.is_file() and p.name != "README.md")


def texts() -> Iterator[tuple[str, str]]:
    """Every text among the conformance inputs, under a name that its format is known by."""
    for file in sorted(CONFORMANCE.rglob("*.jsonl")):
        folder = file.parent.name
        name = {"dockerfile": "Dockerfile", "compose": "compose.yaml"}.get(folder, "manifest.yaml")
        for number, line in enumerate(file.read_text("utf-8").splitlines()):
            case = json.loads(line)
            inputs = case.get("input") or case.get("text") or ""
            for text in inputs.values() if isinstance(inputs, dict) else [inputs]:
                if isinstance(text, str):
                    yield f"{file.stem}-{number}/{name}", text


def points_at_what_it_names(finding: Finding, text: str) -> bool:
    """A place inside of the text, not a blank, and the very image where the message names one."""
    rows = text.split("\n")
    row = rows[finding.span.line - 1] if finding.span.line <= len(rows) else None
    if row is None or finding.span.column > len(row) + 1:
        return False
    rest = row[finding.span.column - 1 :]
    if finding.rule in ("invalid-file", "empty-continuation-line"):
        return True  # the former may be about an end of the text, the latter is about where BuildKit stops: a blank
    named = _IMAGE.search(finding.message)
    if finding.target != "compose" and named and "$" not in rest:
        return rest.lstrip("\"'").startswith(named[1]) or "\\" in rest
    return bool(rest) and not rest[0].isspace()


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus of real files at {CORPUS} (POLICYKIT_CORPUS)")
def test_real_files() -> None:
    files = corpus()
    assert len(files) > 600
    wrong = []
    for path in files:
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        name = path.name if path.parent.name != "compose" else "compose.yaml"
        for finding in findings({name: text}):
            source = text if finding.span.file == name else ""
            if source and not points_at_what_it_names(finding, source.replace("\r\n", "\n")):
                wrong.append(f"{path.name}:{finding.span.line}:{finding.span.column} {finding.rule} {finding.message}")
    assert wrong == []


@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason=f"no conformance data at {CONFORMANCE} (POLICYKIT_CONFORMANCE)")
def test_inputs_of_other_projects() -> None:
    count = 0
    wrong = []
    for name, text in texts():
        count += 1
        started = time.monotonic()
        for finding in findings({name: text.replace("\0", "")}):
            if finding.span.file == name and not points_at_what_it_names(finding, text.replace("\r\n", "\n")):
                wrong.append(f"{name}:{finding.span.line}:{finding.span.column} {finding.rule} {finding.message}")
        assert time.monotonic() - started < 10, name
    assert count > 5000
    assert wrong == []


def check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_CACHE_HOME": str(folder / ".cache")}
    return subprocess.run(
        [sys.executable, "-m", "policykit", "check", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


POD = b"apiVersion: v1\nkind: Pod\nspec: "

#: name of the file, its bytes, the exit code, what is said
BAD = {
    "binary": ("Dockerfile", b"\x7fELF\x00\x01\x02\x00", 1, "invalid-file"),
    "not UTF-8": ("Dockerfile", b"FROM alpine:3\nRUN echo \xff\xfe\n", 1, "invalid-file"),
    "ten megabytes of brackets": (
        "pod.yaml",
        b"apiVersion: v1\nkind: Pod\nspec: " + b"[" * 10_000_000,
        1,
        "invalid-file",
    ),
    "deep mappings": (
        "pod.yaml",
        b"apiVersion: v1\nkind: Pod\n" + b"".join(b" " * n + b"a:\n" for n in range(3000)),
        1,
        "invalid-file",
    ),
    "deep flow": ("pod.yaml", POD + b"{a: " * 5000 + b"}" * 5000, 1, "invalid-file"),
    "an alias bomb": (
        "pod.yaml",
        b"apiVersion: v1\nkind: Pod\na0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)),
        1,
        "invalid-file",
    ),
    "a key twice": ("pod.yaml", b"apiVersion: v1\nkind: Pod\nkind: Pod\n", 1, "invalid-file"),
    "a tab for indentation": ("pod.yaml", b"apiVersion: v1\nkind: Pod\nspec:\n\tcontainers: []\n", 1, "invalid-file"),
    "a heredoc without end": ("Dockerfile", b"FROM alpine:3\nUSER 1\nRUN <<EOF\necho\n", 1, "invalid-file"),
    "nothing at all": ("Dockerfile", b"", 1, "invalid-file"),
    "an empty manifest": ("pod.yaml", b"", 3, "nothing to check"),
    "a Helm template": (
        "templates/pod.yaml",
        b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n",
        3,
        "not evaluated",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_said_and_nothing_crashes(case: str, tmp_path: Path) -> None:
    name, content, code, said = BAD[case]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    done = check(tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == code, output[-2000:]
    assert said in output
    assert "Traceback" not in output
    if code == 1:
        assert re.search(rf"^{re.escape(name)}$", done.stdout, re.MULTILINE)
        assert re.search(r"^  \d+:\d+ error invalid-file", done.stdout, re.MULTILINE)


def test_links_in_a_loop_and_files_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "Dockerfile").symlink_to("Dockerfile")
    done = check(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "invalid-file" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    done = check(tmp_path, "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
