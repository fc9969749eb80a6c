"""Start-up is a feature: what a run on one small file may not import."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.command import environment

if TYPE_CHECKING:
    from tests.cli.command import Command

HEAVY = {"pydantic", "jsonschema", "rich", "yaml", "re2", "hypothesis", "asyncio", "urllib.request", "unittest"}


def imported(policykit: Command, *arguments: str) -> set[str]:
    script = (
        "import sys\nfrom policykit.cli.main import guarded\n"
        f"code = guarded({list(arguments)!r})\n"
        "print(*sys.modules, file=sys.stderr)\nraise SystemExit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=policykit.directory,
        env=environment(policykit.cache),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return set(done.stderr.split())


def test_an_unchanged_file(policykit: Command) -> None:
    policykit.write(Dockerfile="FROM alpine\n")
    policykit("check", "Dockerfile")
    light = imported(policykit, "check", "Dockerfile")
    assert {"re", "typing", "argparse", "pathlib", "policykit.errors"} & light == set()


def test_a_dockerfile_with_a_warm_cache(policykit: Command) -> None:
    policykit.write(Dockerfile="FROM alpine\n")
    policykit("check", "Dockerfile")
    policykit.write(Dockerfile="FROM debian\n")
    assert HEAVY & imported(policykit, "check", "Dockerfile") == set()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n"),
        ("policykit.yaml", "rules: {image-explicit-tag: {severity: info}}"),
    ],
)
def test_a_manifest_or_a_configuration_adds_yaml_and_nothing_else(policykit: Command, name: str, text: str) -> None:
    policykit.write(Dockerfile="FROM alpine\n")
    policykit("check", ".")
    policykit.write(**{name: text})
    assert HEAVY & imported(policykit, "check", ".") == {"yaml"}
