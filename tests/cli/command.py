"""Runs the real program, as a shell would, in an environment that is the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Done(NamedTuple):
    """What a call left behind."""

    code: int
    out: str
    err: str


def environment(cache: Path, **more: str) -> dict[str, str]:
    """Nothing of the user's own: no colours, no locale, no configuration, a cache of the tests."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(cache),
        "XDG_CACHE_HOME": str(cache),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **more,
    }


class Command:
    """`policykit` in a directory."""

    def __init__(self, directory: Path, cache: Path) -> None:
        self.directory = directory
        self.cache = cache

    def __call__(self, *arguments: str, stdin: str | bytes = "", **more: str) -> Done:
        """Run it; keyword arguments are environment variables."""
        done = subprocess.run(
            [sys.executable, "-m", "policykit", *arguments],
            cwd=self.directory,
            env=environment(self.cache, **more),
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def write(self, **contents: str | bytes) -> None:
        for name, content in contents.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
