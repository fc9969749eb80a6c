"""Rules that need an optional part of the installation, and the version of Kubernetes, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policykit import extras
from policykit.cli.main import guarded
from policykit.views import api_schemas
from tests.cli.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [], hostUsers: false}\n"
BUDGET = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n"


@pytest.fixture
def run(tmp_path: Path) -> Command:
    (tmp_path / "files").mkdir()
    return Command(tmp_path / "files", tmp_path / "cache")


def test_version_of_the_command_line_comes_before_that_of_the_configuration(run: Command) -> None:
    run.write(**{"a.yaml": BUDGET, "policykit.yaml": "kubernetesVersion: '1.24'\nselect: [api-version-removed]\n"})
    assert run("check").code == 0
    assert run("check", "--kube-version", "v1.25.3").code == 1
    assert run("check", "--kube-version", "1.24").code == 0


@pytest.mark.parametrize("version", ["latest", "1", "", "1.x"])
def test_what_is_no_version_is_told(run: Command, version: str) -> None:
    done = run("check", "--kube-version", version)
    assert (done.code, done.err) == (
        2,
        f"policykit: --kube-version {version}: no version of Kubernetes (write it as 1.34)\n",
    )


def test_schemas_are_those_of_the_version(run: Command) -> None:
    run.write(
        **{"a.yaml": POD.replace("hostUsers", "hostUserz"), "b.yaml": POD.replace("hostUsers: false", "resources: {}")}
    )
    found = run("check", "--select", "api-schema-violation", "--kube-version", "1.36").out
    assert "a.yaml\n  4:24 error api-schema-violation: `spec.hostUserz` is no field of this API; did you mean" in found
    assert "b.yaml" not in found
    found = run("check", "--select", "api-schema-violation", "--kube-version", "1.30").out
    assert "b.yaml\n  4:24 error api-schema-violation: `spec.resources` is no field of this API" in found


def test_strictness_and_missing_schemas_are_parameters(run: Command) -> None:
    run.write(
        **{
            "a.yaml": POD.replace("hostUsers", "hostUserz"),
            "b.yaml": "apiVersion: example.com/v1\nkind: Shop\nmetadata: {name: a}\n",
            "policykit.yaml": "select: [api-schema-violation]\n"
            "rules: {api-schema-violation: {parameters: {strict: false, ignoreMissingSchemas: false}}}\n",
        }
    )
    assert [line for line in run("check", "--quiet").out.splitlines() if " error " in line] == [
        "  2:7 error api-schema-violation: no schema is known of `Shop` in `example.com/v1`"
    ]


@pytest.fixture
def no_schemas(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(extras, "schema_directory", lambda: None)
    api_schemas.builtin_schemas.cache_clear()
    yield
    api_schemas.builtin_schemas.cache_clear()


@pytest.mark.usefixtures("no_schemas")
def test_without_the_extra_there_is_one_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(f"{POD}---\n{POD.replace('hostUsers', 'hostUserz')}")
    monkeypatch.chdir(tmp_path)
    assert guarded(["check", "--select", "api-schema-violation", "--no-cache"]) == 0
    output = capsys.readouterr().out
    assert output.count("pip install policykit[schema]") == 1
    assert "2:7 warning api-schema-violation (unknown): cannot be judged" in output
