"""The other verbs: rules, explain, test and init."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.cli.command import Command

ASKED_FOR = {
    "image-explicit-tag",
    "image-untrusted-registry",
    "namespace-default-deny-missing",
    "resource-limits-missing",
    "resource-requests-missing",
    "run-as-non-root",
}


class TestRules:
    def test_json(self, policykit: Command) -> None:
        done = policykit("rules", "--format", "json")
        rules = {rule["id"]: rule for rule in json.loads(done.out)["rules"]}
        assert rules.keys() >= ASKED_FOR
        rule = rules["image-explicit-tag"]
        assert (rule["category"], rule["severity"], rule["enabled"]) == ("image", "error", True)
        assert rule["targets"] == ["dockerfile", "compose", "kubernetes"]
        assert rule["parameters"]["movingTags"]["default"] == ["latest"]
        assert rule["equivalents"]["hadolint"] == ["DL3006", "DL3007"]

    def test_text(self, policykit: Command) -> None:
        out = policykit("rules").out
        assert "\n  image-explicit-tag " in f"\n{out}"
        assert all(rule in out for rule in ASKED_FOR)

    def test_as_the_configuration_here_has_it(self, policykit: Command) -> None:
        said = "ignore: [run-as-non-root]\nrules: {image-explicit-tag: {severity: info}}"
        policykit.write(**{"policykit.yaml": said})
        rules = {rule["id"]: rule for rule in json.loads(policykit("rules", "--format", "json").out)["rules"]}
        assert rules["run-as-non-root"]["enabled"] is False
        assert rules["image-explicit-tag"]["severity"] == "info"


class TestExplain:
    @pytest.mark.parametrize("name", ["image-explicit-tag", "DL3007", "dl3007", "CKV_K8S_14"])
    def test_by_any_name(self, policykit: Command, name: str) -> None:
        code, out, _ = policykit("explain", name)
        assert code == 0
        assert out.startswith("image-explicit-tag (error)\n")
        for title in ("Why", "What to do", "Parameters", "Violates: ", "Complies: ", "Known elsewhere as", "More"):
            assert f"\n{title}" in out
        assert max(map(len, out.splitlines())) <= 120

    def test_a_rule_about_suppressions(self, policykit: Command) -> None:
        assert policykit("explain", "unused-suppression").out.startswith("unused-suppression (info)\n")

    def test_no_such_rule(self, policykit: Command) -> None:
        code, out, err = policykit("explain", "image-explicit-tags")
        assert (code, out) == (2, "")
        assert "Did you mean `image-explicit-tag`?" in err


POLICY = """\
apiVersion: policykit.dev/v1
kind: Policy
metadata: {name: no-alpine}
spec:
  summary: Image is Alpine
  category: team
  severity: error
  targets: [dockerfile]
  forEach: image
  validations:
    - {expression: "!image.repository.contains('alpine')", message: it is Alpine}
  fix: Use another one.
  examples:
    pass:
      - {name: another, target: dockerfile, input: "FROM debian:13"}
    fail:
      - {name: that one, target: dockerfile, input: "FROM alpine:3", at: ["1:6"]}
"""


class TestTest:
    def test_a_folder_of_ones_own(self, policykit: Command) -> None:
        policykit.write(**{"own/team/no-alpine.yaml": POLICY})
        done = policykit("test", "own")
        assert done == (0, "ok     no-alpine (2 examples)\n1 of 1 policies do what their examples say\n", "")

    def test_an_example_that_does_not_hold(self, policykit: Command) -> None:
        policykit.write(**{"own/team/no-alpine.yaml": POLICY.replace('["1:6"]', '["2:6"]')})
        code, out, _ = policykit("test", "own")
        assert code == 1
        assert out.startswith("FAILED no-alpine (2 examples)\n       no-alpine: fail example `that one`: expected ")

    def test_a_target_without_examples(self, policykit: Command) -> None:
        policykit.write(**{"own/team/no-alpine.yaml": POLICY.replace("[dockerfile]", "[dockerfile, compose]")})
        code, out, _ = policykit("test", "own")
        assert code == 1
        assert "no `pass` example for the target `compose`" in out

    def test_a_policy_that_cannot_be_loaded(self, policykit: Command) -> None:
        policykit.write(**{"own/team/no-alpine.yaml": POLICY.replace("image.repository", "image.repo")})
        code, _, err = policykit("test", "own")
        assert code == 2
        assert "own/team/no-alpine.yaml:11:" in err

    def test_no_such_directory(self, policykit: Command) -> None:
        assert policykit("test", "nowhere") == (2, "", "policykit: nowhere: no such directory\n")


class TestInit:
    def test_a_file_that_changes_nothing(self, policykit: Command) -> None:
        policykit.write(Dockerfile="FROM alpine\n")
        before = policykit("check")
        assert policykit("init") == (0, "Wrote policykit.yaml\n", "")
        assert policykit("check") == before

    def test_all_that_is_commented_out_is_right(self, policykit: Command) -> None:
        policykit("init")
        path = policykit.directory / "policykit.yaml"
        lines = [line.removeprefix("# ") for line in path.read_text().splitlines()]
        (policykit.directory / "policies").mkdir()
        first = ("policies", "select", "ignore", "rules", "exclude", "failOn", "namespace", "kubernetesVersion")
        keys = (*first, "buildArgs", "baseImages", "images", "exceptions")
        kept = [line for line in lines if line.startswith((*(f"{key}:" for key in keys), "  "))]
        assert yaml.safe_load("\n".join(kept)).keys() == set(keys)
        path.write_text("\n".join(line for line in kept if not line.startswith("policies:")))
        policykit.write(Dockerfile="FROM alpine:3\n")
        assert policykit("check", "--fail-on", "never").err == ""

    def test_it_never_overwrites(self, policykit: Command) -> None:
        policykit.write(**{"policykit.yaml": "failOn: never"})
        assert policykit("init") == (2, "", "policykit: policykit.yaml: is there already (nothing was written)\n")
        assert (policykit.directory / "policykit.yaml").read_text() == "failOn: never"


def test_version_and_help(policykit: Command) -> None:
    from policykit import __version__

    assert policykit("--version").out == f"policykit {__version__}\n"
    assert "  3  nothing to check\n" in policykit("check", "--help").out
