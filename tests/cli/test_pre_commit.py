"""The hooks, run by the real pre-commit in a real repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from policykit.parse.detect import could_be
from tests.cli.command import environment

if TYPE_CHECKING:
    from tests.cli.command import Command

HOOKS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: []}\n"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


class Repository:
    """A repository whose hooks are ours, run by this very installation."""

    def __init__(self, policykit: Command, hook: str) -> None:
        self._policykit = policykit
        (policykit.directory / ".git").rmdir()
        definition = next(definition for definition in HOOKS if definition["id"] == hook)
        entry = definition["entry"].replace("policykit", f"{sys.executable} -m policykit", 1)
        local = {**definition, "entry": entry, "language": "system"}
        config = {"repos": [{"repo": "local", "hooks": [local]}]}
        self._git("init", "-q")
        self._git("config", "user.email", "a@example.com")
        self._git("config", "user.name", "a")
        self.write(**{".pre-commit-config.yaml": yaml.safe_dump(config)})
        self._run([sys.executable, "-m", "pre_commit", "install"]).check_returncode()

    def write(self, **contents: str) -> None:
        self._policykit.write(**contents)

    def commit(self) -> tuple[bool, str]:
        """Whether a commit of everything went through, and what was said about it."""
        self._git("add", "-A")
        done = self._run(["git", "commit", "-q", "-m", "x"])
        return done.returncode == 0, done.stdout + done.stderr

    def _git(self, *arguments: str) -> None:
        self._run(["git", *arguments]).check_returncode()

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        cache = self._policykit.cache
        return subprocess.run(
            command,
            cwd=self._policykit.directory,
            env=environment(cache, PRE_COMMIT_HOME=str(cache / "pre-commit"), PATH=_path()),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


class TestPerFile:
    def test_a_violation_blocks_and_a_fix_lets_it_through(self, policykit: Command) -> None:
        repository = Repository(policykit, "policykit")
        repository.write(**{"app/Dockerfile": "FROM alpine\nUSER 1\n"})
        passed, said = repository.commit()
        assert not passed
        assert "app/Dockerfile\n  1:6 error image-explicit-tag" in said
        repository.write(**{"app/Dockerfile": "FROM alpine:3.22\nUSER 1\n"})
        assert repository.commit()[0]

    def test_an_unrelated_file_changes_nothing(self, policykit: Command) -> None:
        repository = Repository(policykit, "policykit")
        repository.write(**{"README.md": "FROM here\n", "values.yaml": "a: 1\n"})
        passed, said = repository.commit()
        assert passed, said

    def test_only_what_is_committed_is_checked_and_what_is_excluded_is_not(self, policykit: Command) -> None:
        repository = Repository(policykit, "policykit")
        repository.write(**{"policykit.yaml": "exclude: [vendor/]", "vendor/Dockerfile": "FROM alpine\n"})
        passed, said = repository.commit()
        assert passed, said

    def test_a_rule_that_needs_several_files_is_left_to_the_other_hook(self, policykit: Command) -> None:
        repository = Repository(policykit, "policykit")
        repository.write(**{"pod.yaml": POD, "policykit.yaml": "select: [namespace-default-deny-missing]"})
        passed, said = repository.commit()
        assert passed, said


class TestProject:
    def test_a_file_that_is_not_part_of_the_commit_counts(self, policykit: Command) -> None:
        repository = Repository(policykit, "policykit-project")
        repository.write(**{"policykit.yaml": "select: [namespace-default-deny-missing]", "pod.yaml": POD})
        passed, said = repository.commit()
        assert not passed
        assert "pod.yaml\n  2:1 error namespace-default-deny-missing" in said
        policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: shop}\n"
        repository.write(**{"deny.yaml": f"{policy}spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}\n"})
        passed, said = repository.commit()
        assert passed, said
        repository.write(**{"README.md": "x"})
        passed, said = repository.commit()
        assert passed, said
        assert "no files to check" in said


@pytest.mark.skipif("POLICYKIT_SLOW_TESTS" not in os.environ, reason="installs packages: set POLICYKIT_SLOW_TESTS")
def test_installed_by_pre_commit_from_the_repository(policykit: Command) -> None:
    """As users get it: pre-commit clones the last commit and installs it."""
    repository = Repository(policykit, "policykit")
    repository.write(Dockerfile="FROM alpine\n")
    repository.commit()
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PRE_COMMIT_HOME": str(policykit.cache / "pre-commit")}
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "try-repo", str(root), "policykit", "--all-files"],
        cwd=policykit.directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "1:6 error image-explicit-tag" in done.stdout


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Dockerfile", True),
        ("a/b/Dockerfile.prod", True),
        ("api.dockerfile", True),
        ("Containerfile", True),
        ("compose.yaml", True),
        ("docker-compose.override.yml", True),
        ("k8s/deploy.yaml", True),
        ("manifest.json", True),
        ("Dockerfile.md", False),
        ("src/main.py", False),
        ("dockerfiles.txt", False),
        ("README.md", False),
    ],
)
def test_the_pattern_names_what_detection_knows(hook: dict[str, Any], name: str, ours: bool) -> None:
    named = re.search(hook["files"], name) is not None
    assert could_be(name) is ours
    assert named or not ours
    if not ours and not name.lower().startswith("dockerfile."):
        assert not named
