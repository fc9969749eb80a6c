"""policykit as a contender: with a result to remember, without one, and with the rules of another tool only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.measure import Contender

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PROGRAM = (sys.executable, "-m", "policykit")


def contenders(paths: Sequence[str], directory: Path, work: Path, peer: str = "") -> list[Contender]:
    """The first run of a changed tree (policies compiled, no result kept) and the second of an unchanged one.

    `peer`: only the rules that stand for one of that tool's.
    """
    environment = _environment(work)
    command = [*_program(), "check", "--format", "json", *_selection(peer, work), *paths]
    kept = work / "cache" / "policykit"
    warm = Contender("warm", command, directory, _count, environment)
    named = f"policykit ({peer}'s rules)" if peer else "policykit"
    return [
        warm._replace(name=named, prepare=lambda: _forget(kept)),
        warm._replace(name=f"{named}, unchanged"),
    ]


def warm_up(work: Path) -> str:
    """Compile the policies once; the version."""
    environment = _environment(work)
    subprocess.run([*_program(), "rules"], env=environment, check=True, capture_output=True)
    done = subprocess.run([*_program(), "--version"], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _program() -> list[str]:
    """The console script beside this interpreter, as users call it."""
    from pathlib import Path

    script = Path(sys.executable).with_name("policykit")
    return [str(script)] if script.exists() else list(_PROGRAM)


def _environment(work: Path) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"XDG_CACHE_HOME": str(work / "cache"), "NO_COLOR": "1"}


def _forget(kept: Path) -> None:
    for file in kept.glob("check-*"):
        file.unlink()


@cache
def _selection(peer: str, work: Path) -> tuple[str, ...]:
    if not peer:
        return ()
    command = [*_program(), "rules", "--format", "json"]
    done = subprocess.run(command, env=_environment(work), check=True, capture_output=True, text=True)
    listed = json.loads(done.stdout)
    rules = listed["rules"] if isinstance(listed, dict) else listed
    # ShellCheck is a program of its own: with it on, both tools would mostly measure that.
    ids = [rule["id"] for rule in rules if any(id_.startswith("DL") for id_ in rule["equivalents"].get(peer, ()))]
    return ("--select", ",".join(ids))


def _count(output: str) -> int | None:
    try:
        report = json.loads(output)
    except ValueError:
        return None
    return len(report["findings"]) + len(report["suppressed"])
