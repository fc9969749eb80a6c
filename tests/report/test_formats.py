"""Every format, from the same small run."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from policykit.document import Source, Span
from policykit.finding import Finding, NotEvaluated, Resource, Run, Suppressed
from policykit.report import FORMATS, Report, render
from tests.fakes import FakeCatalogue

DOCKERFILE = Source("app/Dockerfile", "FROM nginx:latest\nRUN\tx\n")
MANIFEST = Source("k8s/ä b.yaml", "kind: Pod\nspec: {名前: 値段, image: x}\n")

TAG = Finding(
    "image-explicit-tag",
    "error",
    "fail",
    "image nginx:latest uses the moving tag latest",
    Span("app/Dockerfile", 1, 12, 1, 18),
    "instructions[0].words[0]",
    "dockerfile",
    None,
    "Name a version, 50% off:\nor a digest. Better both.\n\nMore on this.",
)
ROOT = Finding(
    "run-as-non-root",
    "warning",
    "unknown",
    "the user of x is not known,\nassumed to be root",
    Span("k8s/ä b.yaml", 2, 12, 2, 14),
    "spec.containers[0].image",
    "kubernetes",
    Resource("v1", "Pod", "shop", "web"),
    "",
)
BROKEN = Finding("invalid-file", "error", "fail", "not UTF-8", Span("x,y:1\n", 3, 1, 4, 2), "", None, None, "Mend it.")
RUN = Run(
    "sha256:0",
    (TAG, ROOT, BROKEN),
    (Suppressed(TAG, "policykit comment", "legacy"), Suppressed(TAG, "exception", "")),
    (NotEvaluated(Span("chart/a.yaml", 7, 3, 7, 9), "a Helm template"),),
    3,
)
EMPTY = Run("sha256:0", (), (), (), 1)
SOURCES = {source.name: source for source in (DOCKERFILE, MANIFEST)}


def report(run: Run = RUN, **options: Any) -> Report:
    return Report(run, SOURCES, FakeCatalogue().get, **options)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_every_finding_and_none_of_none(name: str) -> None:
    shown = render(name, report())
    assert all(finding.rule in shown for finding in RUN.findings)
    assert shown.endswith("\n")
    assert "image-explicit-tag" not in render(name, report(EMPTY))


class TestText:
    def test_all_of_it(self) -> None:
        assert (
            render("text", report())
            == """\
app/Dockerfile
  1:12 error image-explicit-tag: image nginx:latest uses the moving tag latest
    1 | FROM nginx:latest
      |            ^^^^^^
      = fix: Name a version, 50% off: or a digest.

k8s/ä b.yaml
  2:12 warning run-as-non-root (unknown): the user of x is not known, assumed to be root
    2 | spec: {名前: 値段, image: x}
      |              ^^^^

x,y:1␊
  3:1 error invalid-file: not UTF-8
      = fix: Mend it.

chart/a.yaml:7:3: not evaluated: a Helm template

2 errors, 1 warning in 3 files (1 of them unknown, 2 suppressed, 1 not evaluated)
"""
        )

    def test_nothing_found(self) -> None:
        assert render("text", report(EMPTY)) == "No findings in 1 file\n"

    def test_quiet_is_findings_and_nothing_else(self) -> None:
        assert render("text", report(EMPTY, quiet=True)) == ""
        assert "not evaluated" not in render("text", report(quiet=True))

    def test_statistics(self) -> None:
        shown = render("text", report(Run("", (TAG, TAG, ROOT), (), (), 2), statistics=True))
        assert "\n2 image-explicit-tag  image-explicit-tag\n1 run-as-non-root  run-as-non-root\n" in shown

    def test_colour_changes_nothing_but_colour(self) -> None:
        coloured = render("text", report(colour=True))
        assert "\x1b[1;31merror\x1b[0m" in coloured
        assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render("text", report())


class TestJson:
    def test_version_1(self) -> None:
        shown = json.loads(render("json", report()))
        assert list(shown) == ["version", "bundle", "findings", "suppressed", "summary"]
        assert (shown["version"], shown["bundle"]) == (1, "sha256:0")
        assert shown["findings"][1] == {
            "rule": "run-as-non-root",
            "severity": "warning",
            "verdict": "unknown",
            "message": "the user of x is not known,\nassumed to be root",
            "file": "k8s/ä b.yaml",
            "line": 2,
            "column": 12,
            "endLine": 2,
            "endColumn": 14,
            "path": "spec.containers[0].image",
            "target": "kubernetes",
            "resource": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web"},
            "help": "",
        }
        assert shown["findings"][0]["resource"] is None
        assert shown["suppressed"][0] == {**shown["findings"][0], "by": "policykit comment", "reason": "legacy"}
        assert shown["summary"] == {
            "files": 3,
            "error": 2,
            "warning": 1,
            "info": 0,
            "unknown": 1,
            "suppressed": 2,
            "notEvaluated": [{"file": "chart/a.yaml", "line": 7, "column": 3, "reason": "a Helm template"}],
        }


def sarif_schema() -> Any:
    """The schema of SARIF 2.1.0, as the crate `serde-sarif` ships it; no package on PyPI does."""
    given = os.environ.get("POLICYKIT_SARIF_SCHEMA")
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    shipped = sorted(home.glob("registry/src/*/serde-sarif-*/src/schema.json"))
    if not given and not shipped:
        pytest.skip("no SARIF schema: set POLICYKIT_SARIF_SCHEMA, or fetch the crate serde-sarif with cargo")
    return json.loads(Path(given or shipped[-1]).read_text())


class TestSarif:
    def log(self, run: Run = RUN) -> Any:
        return json.loads(render("sarif", report(run)))

    @pytest.mark.parametrize("run", [RUN, EMPTY])
    def test_valid(self, run: Run) -> None:
        from jsonschema import Draft7Validator

        assert [error.message for error in Draft7Validator(sarif_schema()).iter_errors(self.log(run))] == []

    def test_results(self) -> None:
        (run,) = self.log()["runs"]
        tag, root, broken, *suppressed = run["results"]
        assert [result["level"] for result in run["results"]] == ["error", "warning", "error", "error", "error"]
        region = {"startLine": 1, "startColumn": 12, "endLine": 1, "endColumn": 18}
        assert tag["locations"][0]["physicalLocation"] == {
            "artifactLocation": {"uri": "app/Dockerfile", "uriBaseId": "SRCROOT"},
            "region": region,
        }
        location = root["locations"][0]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "k8s/%C3%A4%20b.yaml"
        name = "Pod/shop/web:spec.containers[0].image"
        assert location["logicalLocations"] == [{"fullyQualifiedName": name}]
        assert "logicalLocations" not in broken["locations"][0]
        assert [result["suppressions"][0] for result in suppressed] == [
            {"kind": "inSource", "status": "accepted", "justification": "policykit comment: legacy"},
            {"kind": "external", "status": "accepted", "justification": "exception"},
        ]
        assert run["columnKind"] == "unicodeCodePoints"

    def test_rules_carry_what_a_reader_needs(self) -> None:
        (run,) = self.log()["runs"]
        rules = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        rule = next(rule for rule in rules if rule["id"] == "image-explicit-tag")
        assert rule["properties"]["tags"] == ["image", "dockerfile", "compose", "kubernetes"]
        assert rule["properties"]["equivalents"]["hadolint"] == ["DL3006", "DL3007"]
        assert "hadolint: DL3006, DL3007" in rule["help"]["markdown"]
        assert next(rule for rule in rules if rule["id"] == "invalid-file")["shortDescription"]["text"]

    def test_what_could_not_be_evaluated_is_a_notification(self) -> None:
        (notification,) = self.log()["runs"][0]["invocations"][0]["toolExecutionNotifications"]
        assert notification["message"]["text"] == "a Helm template"

    def test_a_file_outside_is_named_absolutely(self) -> None:
        outside = Finding("r", "info", "fail", "m", Span("/a b/c", 1, 1, 1, 2), "", None, None, "")
        result = self.log(Run("", (outside,), (), (), 1))["runs"][0]["results"][0]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "file:///a%20b/c"}


def test_github() -> None:
    assert render("github", report()) == (
        "::error file=app/Dockerfile,line=1,endLine=1,col=12,endColumn=18,title=image-explicit-tag::"
        "image nginx:latest uses the moving tag latest%0A"
        "Name a version, 50%25 off:%0Aor a digest. Better both.%0A%0AMore on this.\n"
        "::warning file=k8s/ä b.yaml,line=2,endLine=2,col=12,endColumn=14,title=run-as-non-root (unknown)::"
        "the user of x is not known,%0Aassumed to be root\n"
        "::error file=x%2Cy%3A1%0A,line=3,endLine=4,title=invalid-file::not UTF-8%0AMend it.\n"
        "::notice file=chart/a.yaml,line=7,endLine=7,col=3,endColumn=9,title=not evaluated::a Helm template\n"
    )


def test_gitlab() -> None:
    tag, root, broken = json.loads(render("gitlab", report()))
    assert tag["location"] == {"path": "app/Dockerfile", "lines": {"begin": 1, "end": 1}}
    assert (tag["severity"], root["severity"], broken["severity"]) == ("critical", "minor", "critical")
    assert len({entry["fingerprint"] for entry in (tag, root, broken)}) == 3


class TestJunit:
    def test_findings_are_failures(self) -> None:
        hostile = Finding("r", "error", "fail", "]]><a>&\x00\x1b", Span('"f"', 1, 1, 1, 2), "", None, None, "")
        root = ET.fromstring(render("junit", report(Run("", (TAG, hostile), (), (), 1))))
        assert (root.get("tests"), root.get("failures")) == ("2", "2")
        assert [suite.get("name") for suite in root] == ["app/Dockerfile", '"f"']
        assert root.findall(".//failure")[1].get("message") == "]]><a>&\ufffd\ufffd"

    def test_a_clean_run_is_one_passed_case(self) -> None:
        root = ET.fromstring(render("junit", report(EMPTY)))
        assert (root.get("tests"), root.get("failures")) == ("1", "0")
        assert len(root.findall(".//testcase")) == 1
