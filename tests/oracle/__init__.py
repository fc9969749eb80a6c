"""Turns CEL expressions and ValidatingAdmissionPolicies into what a Kubernetes API server answers to them.

The Go program in this folder does it, linked with k8s.io/apiserver; the questions and answers are described in
`expression.go`, `policy.go` and `values.go`. It is built once for each content of those files, where Go is installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

Question = dict[str, Any]
Answer = dict[str, Any]

HERE = Path(__file__).parent
BUILD_SECONDS = 900


class OracleUnavailableError(Exception):
    """There is no Go, or the program cannot be built; says why."""


class Oracle:
    """The built program. `ask` sends many questions through one process; answers come in the order of the questions."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary

    def ask(self, questions: Iterable[Question], timeout: float = 600) -> list[Answer]:
        lines = [json.dumps(question) for question in questions]
        run = subprocess.run(
            [self.binary], input="\n".join(lines), capture_output=True, text=True, timeout=timeout, check=True
        )
        answers: list[Answer] = [json.loads(line) for line in run.stdout.split("\n") if line]
        assert len(answers) == len(lines), run.stderr
        return answers

    def expressions(self, expressions: Iterable[str], **common: Any) -> list[Answer]:
        """Ask for expressions that share everything else (`bind`, `typed`, `version`, ...)."""
        return self.ask({"expr": expression, **common} for expression in expressions)


def build() -> Oracle:
    """The oracle, from the user's cache or freshly built. Raises OracleUnavailableError."""
    return Oracle(go_program(HERE))


def go_program(folder: Path) -> Path:
    """The program of a Go module, from the user's cache or freshly built. Raises OracleUnavailableError."""
    go = shutil.which("go")
    if go is None:
        raise OracleUnavailableError("Go is not installed, so Kubernetes' own code cannot be asked")
    sources = sorted([*folder.glob("*.go"), folder / "go.mod", folder / "go.sum"])
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "policykit"
    binary = cache / f"{folder.name}-{digest}"
    if not binary.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _compile(go, folder, binary)
    return binary


def _compile(go: str, folder: Path, binary: Path) -> None:
    """Build beside the target and rename, so that two test processes never run half a program."""
    fresh = binary.with_name(f"{binary.name}.{os.getpid()}")
    command = [go, "build", "-trimpath", "-o", str(fresh), "."]
    environment = os.environ | {"GOFLAGS": "-mod=mod -buildvcs=false"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    if done.returncode:
        raise OracleUnavailableError(f"{folder.name} cannot be built: {done.stderr.strip()}")
    fresh.replace(binary)


def oracle_or_skip() -> Oracle:
    """The oracle, for a test; skips the test with the reason where there is none."""
    return Oracle(go_program_or_skip(HERE))


def go_program_or_skip(folder: Path) -> Path:
    """As `go_program`, for a test."""
    try:
        return go_program(folder)
    except OracleUnavailableError as error:
        pytest.skip(str(error))
