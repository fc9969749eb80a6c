"""A second run on unchanged files: the same words, and no work; after any change that matters, a run anew."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.command import Command

ROOT = Path(__file__).parents[2]
DOCKERFILE = "FROM alpine\nUSER 10001\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n"
COMPOSE = """\
services:
  a:
    image: a:${TAG:-1}
    extends: {file: base/other.yaml, service: b}
    build: {context: app}
"""
POLICY = """\
apiVersion: policykit.dev/v1
kind: Policy
metadata: {name: no-stage}
spec:
  summary: There is a stage
  category: own
  severity: error
  targets: [dockerfile]
  forEach: stage
  validations: [{expression: "false", message: MESSAGE}]
  fix: None
"""


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """Compiled policies, and no answers of other tests."""
    forget(cache)
    return cache


def memos(cache: Path) -> list[Path]:
    return sorted(cache.glob("policykit/check-*"))


def forget(cache: Path) -> None:
    for file in memos(cache):
        file.unlink()


def poison(cache: Path) -> None:
    """Let each answer that is kept say that it is one."""
    from policykit import stored

    for file in memos(cache):
        answers, (code, texts) = stored.load(str(file))
        stored.store(str(file), (answers, (code, [(where, "kept\n") for where, _ in texts])))


@pytest.mark.parametrize("arguments", [(), ("--format", "json"), ("--statistics", "--quiet"), ("--fail-on", "never")])
def test_the_answer_is_the_same(policykit: Command, arguments: tuple[str, ...]) -> None:
    policykit.write(**{"Dockerfile": DOCKERFILE, "k8s/pod.yaml": POD, "compose.yaml": "services: {a: {image: b}}\n"})
    first = policykit("check", *arguments)
    assert policykit("check", *arguments) == first
    poison(policykit.cache)
    assert policykit("check", *arguments) == (first.code, "kept\n", "")
    assert policykit("check", *arguments, "--no-cache") == first


def test_a_report_is_written_again(policykit: Command) -> None:
    policykit.write(Dockerfile=DOCKERFILE)
    for _ in range(2):
        policykit("check", "Dockerfile", "--format", "json=out.json")
        report = policykit.directory / "out.json"
        assert json.loads(report.read_text())["summary"]["files"] == 1
        report.unlink()
    assert len(memos(policykit.cache)) == 1


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("Dockerfile", DOCKERFILE, "FROM alpine:3.22\nUSER 10001\n"),
        ("more/Dockerfile", None, DOCKERFILE),
        ("policykit.yaml", None, "ignore: [all]\n"),
        ("policykit.yml", None, ""),
        ("app/policykit.yaml", "ignore: []\n", "ignore: [all]\n"),
        (".gitignore", None, "app/\n"),
        (".git/info/exclude", None, "app/\n"),
        (".env", None, "TAG=latest\n"),
        ("base/other.yaml", "services: {b: {}}\n", "services: {b: {user: root}}\n"),
        ("app/Dockerfile", DOCKERFILE, "FROM alpine:3.22\n"),
        ("compose.override.yaml", None, "services: {a: {privileged: true}}\n"),
        ("rules/own/no-stage.yaml", POLICY, POLICY.replace("MESSAGE", "Another")),
    ],
)
def test_whatever_a_run_read_or_missed_counts(policykit: Command, name: str, before: str | None, after: str) -> None:
    policykit.write(
        **{"Dockerfile": DOCKERFILE, "compose.yaml": COMPOSE, "app/Dockerfile": DOCKERFILE, "k8s/pod.yaml": POD},
        **{"base/other.yaml": "services: {b: {}}\n", "rules/own/no-stage.yaml": POLICY},
    )
    if before is not None:
        policykit.write(**{name: before})
    arguments = ("check", "--policies", "rules", "--format", "json")
    policykit(*arguments)
    policykit.write(**{name: after})
    poison(policykit.cache)
    anew = policykit(*arguments)
    forget(policykit.cache)
    assert anew == policykit(*arguments)
    assert "kept" not in anew.out


def test_the_options_count(policykit: Command) -> None:
    policykit.write(Dockerfile=DOCKERFILE)
    policykit("check")
    poison(policykit.cache)
    assert policykit("check").out == "kept\n"
    assert policykit("check", "--quiet").out != "kept\n"
    assert policykit("check", FORCE_COLOR="1").out != "kept\n"


def test_nothing_is_kept_of_standard_input_and_of_mistakes(policykit: Command) -> None:
    policykit("check", "-", "--stdin-filename", "Dockerfile", stdin=DOCKERFILE)
    policykit("check", "nowhere")
    policykit("check")
    policykit.write(Dockerfile=DOCKERFILE)
    policykit("check", "--no-cache")
    assert memos(policykit.cache) == []


def test_a_damaged_memo_is_as_good_as_none(policykit: Command) -> None:
    policykit.write(Dockerfile=DOCKERFILE)
    first = policykit("check")
    for file in memos(policykit.cache):
        file.write_bytes(file.read_bytes()[:-10])
    assert policykit("check") == first


@pytest.mark.parametrize("part", ["dockerfile", "compose", "kubernetes"])
def test_real_files_get_the_same_findings_each_way(policykit: Command, part: str) -> None:
    corpus = Path(os.environ.get("POLICYKIT_CORPUS", ROOT.parent / "shared" / "corpus")) / part
    if not corpus.is_dir():
        pytest.skip(f"no real files at {corpus} (POLICYKIT_CORPUS names the folder)")
    shutil.copytree(corpus, policykit.directory / part)
    first = policykit("check", "--format", "json")
    assert len(json.loads(first.out)["findings"]) > 100
    assert policykit("check", "--format", "json") == first
    assert policykit("check", "--format", "json", "--no-cache") == first
