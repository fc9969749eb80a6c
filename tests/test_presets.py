"""Presets: each says what its name promises, and they come before everything else that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policykit.catalogue import load_catalogue
from policykit.catalogue.rules import rule_set
from policykit.config import Choice, Configs
from policykit.config.presets import FOLDER, known_presets
from policykit.disk import NotedDisk
from policykit.errors import UsageError
from tests.cli.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from policykit.catalogue.rules import RuleSettings

CATALOGUE = load_catalogue()
PEERS = ("buildkit", "dclint", "hadolint", "kube-linter", "kube-score", "polaris")
#: What a peer has, but does not run without a configuration.
OFF = {
    "buildkit": {"InvalidDefinitionDescription"},
    "hadolint": {"DL1001", "DL3057"},
    "dclint": set(),
    "polaris": set(),
    "kube-score": {
        "container-cpu-requests-equal-limits",
        "container-ephemeral-storage-request-equals-limit",
        "container-memory-requests-equal-limits",
        "container-ports-check",
        "container-resource-requests-equal-limits",
        "container-seccomp-profile",
    },
}


def in_force(*presets: str) -> Mapping[str, RuleSettings]:
    configs = Configs(None, presets=presets)
    settings = configs.settings(FOLDER)
    configs.check()
    return settings.in_force(CATALOGUE, Choice()).rules


def enabled_by_default() -> set[str]:
    return {policy.id for policy in CATALOGUE.policies if policy.enabled}


def selected(peer: str) -> set[str]:
    config = Configs(None, presets=[peer]).settings(FOLDER).chain[0]
    assert config.select is not None
    return {name.text for name in config.select}


def test_there_are_the_presets_that_are_promised() -> None:
    assert known_presets() == sorted([*PEERS, "default", "strict", "pss-baseline", "pss-restricted"])


@pytest.mark.parametrize("name", known_presets())
def test_rules_and_parameters_of_a_preset_exist(name: str) -> None:
    rules = in_force(name)
    assert rules
    assert rule_set(CATALOGUE, rules).rules.keys() == rules.keys()


@pytest.mark.parametrize("peer", PEERS)
def test_names_in_a_preset_are_those_of_its_peer(peer: str) -> None:
    for name in selected(peer):
        ours = {policy.id for policy in CATALOGUE.policies if name in policy.equivalents.get(peer, ())}
        assert ours, name
        assert set(CATALOGUE.resolve(name)) == ours, f"{name} is something else of another tool"


@pytest.mark.parametrize("peer", OFF)
def test_a_preset_has_all_that_its_peer_runs_by_default(peer: str) -> None:
    every = {name for policy in CATALOGUE.policies for name in policy.equivalents.get(peer, ()) if "*" not in name}
    assert every - selected(peer) == OFF[peer]


def test_default_is_the_default() -> None:
    assert set(in_force("default")) == set(in_force()) == enabled_by_default()


def test_strict_adds_to_the_default() -> None:
    strict = set(in_force("strict"))
    assert strict > enabled_by_default()
    left_out = {CATALOGUE.get(rule).category for rule in {p.id for p in CATALOGUE.policies} - strict}  # type: ignore[union-attr]
    assert left_out <= {"build", "maintainability", "schema"}


def test_levels_of_pod_security() -> None:
    baseline, restricted = set(in_force("pss-baseline")), set(in_force("pss-restricted"))
    assert "privileged-container" in baseline < restricted
    assert restricted - baseline >= {"run-as-non-root-not-required", "seccomp-profile-missing"}


def test_several_add_up() -> None:
    assert set(in_force("hadolint", "dclint")) == set(in_force("hadolint")) | set(in_force("dclint"))
    both = in_force("default", "kube-linter")
    assert set(both) == enabled_by_default() | set(in_force("kube-linter"))
    assert both["unsafe-sysctl"].parameters["forbidden"]


def test_configuration_has_the_last_word(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "policykit.yaml").write_text(
        "extends: [dclint]\nignore: [no-version-field]\nrules: {image-explicit-tag: {parameters: {movingTags: [x]}}}\n"
    )
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/policykit.yaml").write_text("extends: buildkit\n")
    configs = Configs(None, [tmp_path], NotedDisk(), ["pss-baseline"])
    rules = configs.settings(tmp_path).in_force(CATALOGUE, Choice()).rules
    configs.check()
    assert set(in_force("dclint")) - set(rules) == {"compose-version"}
    assert rules["image-explicit-tag"].parameters == {"movingTags": ["x"]}
    assert set(configs.settings(tmp_path / "inner").in_force(CATALOGUE, Choice()).rules) == set(in_force("buildkit"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("extends: [strict, hadolnt]", "policykit.yaml:1:19: no preset is called `hadolnt` (did you mean `hadolint`?)"),
        ("extends: ../strict", "no preset is called `../strict` (did you mean `strict`?)"),
        ("extends: {a: 1}", "`extends` must be a list, not a mapping"),
    ],
)
def test_unknown_presets_are_told(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "policykit.yaml").write_text(text)
    configs = Configs(str(tmp_path / "policykit.yaml"))
    with pytest.raises(UsageError) as raised:
        configs.check()
    assert problem in str(raised.value.problems[0])


def test_no_preset_is_read_unless_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "policykit.yaml").write_text("ignore: [DL3006]")
    disk = NotedDisk()
    Configs(None, [tmp_path], disk).settings(tmp_path)
    assert not [path for _, path in disk.answers if str(FOLDER) in path]
    Configs(None, [tmp_path], disk, ["hadolint"]).settings(tmp_path)
    assert [path for _, path in disk.answers if str(FOLDER) in path] == [str(FOLDER / "hadolint.yaml")]


def test_on_the_command_line(tmp_path: Path) -> None:
    run = Command(tmp_path, tmp_path / "cache")
    run.write(Dockerfile="FROM debian:13\nRUN sudo true\n", **{"policykit.yaml": "rules: {DL3004: {severity: info}}"})
    for _ in range(2):  # the second time from memory
        assert "2:5 info sudo-in-run" in run("check", "--preset", "hadolint").out
        assert "sudo-in-run" not in run("check", "--preset", "dclint,polaris").out
    wrong = run("check", "--preset", "hadolnt")
    assert wrong.code == 2
    assert wrong.err == "policykit: --preset: no preset is called `hadolnt` (did you mean `hadolint`?)\n"
    listed = run("rules", "--preset", "pss-baseline").out
    assert "  off  " in listed
    assert next(line for line in listed.splitlines() if " host-pid " in line).split()[1] == "error"
