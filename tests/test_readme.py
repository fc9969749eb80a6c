"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.command import Command

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_output_on_the_examples(tmp_path_factory: pytest.TempPathFactory) -> None:
    match = re.search(r"```console\n\$ [^\n]*policykit check examples\n(.*?)\n```", README, re.DOTALL)
    assert match is not None
    done = Command(ROOT, tmp_path_factory.mktemp("cache"))("check", "examples")
    assert (done.code, done.out.rstrip()) == (1, match[1])


def test_ci_runs_the_command_that_the_readme_gives() -> None:
    match = re.search(r"\$ .*--group test && \.venv/bin/(pytest[^\n]*)\n", README)
    assert match is not None
    assert f"\n{match[1]}\n" in (ROOT / ".ci" / "run").read_text()


def test_our_own_image_passes_our_own_policies(tmp_path_factory: pytest.TempPathFactory) -> None:
    done = Command(ROOT, tmp_path_factory.mktemp("cache"))("check", "Dockerfile", "--select", "all")
    assert (done.code, done.out) == (0, "No findings in 1 file (2 suppressed)\n")
