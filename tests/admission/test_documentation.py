"""docs/admission-policies.md shows what happens, by the real program, twice: compiled anew and from the cache."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.cli.command import Command

PAGE = (Path(__file__).parents[2] / "docs" / "admission-policies.md").read_text("utf-8")
FILES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))


def _command(directory: Path) -> Command:
    (directory / ".git").mkdir()
    command = Command(directory, directory / "cache")
    command.write(**FILES)
    return command


def test_the_example(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```console\n\$ policykit ([^\n]*)\n(.*?)\n```", PAGE, re.DOTALL)
    policykit = _command(tmp_path)
    for _ in range(2):
        done = policykit(*shown[0].split())
        assert (done.code, done.out.rstrip(), done.err) == (1, shown[1], "")


def test_the_place_in_a_report_for_machines(tmp_path: Path) -> None:
    done = _command(tmp_path)(
        "check", "--policies", "policies", "--select", "replica-limit", "--format", "json", "deployment.yaml"
    )
    (finding,) = json.loads(done.out)["findings"]
    shown = {key: finding[key] for key in ("rule", "severity", "verdict", "line", "column", "path")}
    assert shown == {
        "rule": "replica-limit",
        "severity": "error",
        "verdict": "fail",
        "line": 6,
        "column": 13,
        "path": "spec.replicas",
    }


def test_the_other_verbs(tmp_path: Path) -> None:
    policykit = _command(tmp_path)
    explained = policykit("explain", "replica-limit", "--policies", "policies")
    assert (explained.code, explained.err) == (0, "")
    assert explained.out.startswith("replica-limit (error)\nValidatingAdmissionPolicy `replica-limit` does not hold.")
    tested = policykit("test", "policies")
    assert (tested.code, tested.out) == (0, "0 of 0 policies do what their examples say\n")


def test_a_policy_that_does_not_compile_is_an_error_at_load(tmp_path: Path) -> None:
    policykit = _command(tmp_path)
    wrong = FILES["policies/replicas.yaml"].replace("object.spec.replicas <=", "objekt.spec.replicas <=")
    policykit.write(**{"policies/replicas.yaml": wrong})
    done = policykit("check", "--policies", "policies", "deployment.yaml")
    assert (done.code, done.out) == (2, "")
    assert "policies/replicas.yaml:14:19: undeclared reference to 'objekt'" in done.err
