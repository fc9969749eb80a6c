"""`policykit check`, from the command line to the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.command import environment

if TYPE_CHECKING:
    from tests.cli.command import Command, Done

BAD = "FROM alpine\nUSER 10001\n"
GOOD = "FROM alpine:3.22\nUSER 10001\n"
TEMPLATE = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n"


def rules_at(done: Done) -> list[tuple[str, int, int, str]]:
    """File, line, column and rule of what a run in JSON found."""
    return [(f["file"], f["line"], f["column"], f["rule"]) for f in json.loads(done.out)["findings"]]


class TestOutput:
    def test_findings(self, policykit: Command) -> None:
        policykit.write(Dockerfile=BAD)
        assert policykit("check") == (
            1,
            """\
Dockerfile
  1:6 error image-explicit-tag: image `alpine` has no tag, so it means `latest`
    1 | FROM alpine
      |      ^^^^^^
      = fix: Name the version you tested (`nginx:1.27.3`), or pin the digest (`nginx:1.27.3@sha256:...`).

1 error in 1 file
""",
            "",
        )

    def test_clean(self, policykit: Command) -> None:
        policykit.write(Dockerfile=GOOD)
        assert policykit("check") == (0, "No findings in 1 file\n", "")
        assert policykit("check", "--quiet") == (0, "", "")

    def test_json(self, policykit: Command) -> None:
        policykit.write(**{"a/Dockerfile": BAD, "b/Dockerfile": GOOD})
        done = policykit("check", "--format", "json")
        report = json.loads(done.out)
        assert done.code == 1
        assert len(report.pop("bundle")) == 64
        assert report == {
            "version": 1,
            "findings": [
                {
                    "rule": "image-explicit-tag",
                    "severity": "error",
                    "verdict": "fail",
                    "message": "image `alpine` has no tag, so it means `latest`",
                    "file": "a/Dockerfile",
                    "line": 1,
                    "column": 6,
                    "endLine": 1,
                    "endColumn": 12,
                    "path": report["findings"][0]["path"],
                    "target": "dockerfile",
                    "resource": None,
                    "help": report["findings"][0]["help"],
                }
            ],
            "suppressed": [],
            "summary": {
                "files": 2,
                "error": 1,
                "warning": 0,
                "info": 0,
                "unknown": 0,
                "suppressed": 0,
                "notEvaluated": [],
            },
        }

    def test_several_formats_at_once(self, policykit: Command) -> None:
        policykit.write(Dockerfile=BAD)
        done = policykit("check", "--format", "sarif=out.sarif", "--format", "github", "--format", "json=a=b.json")
        assert done.out.startswith("::error file=Dockerfile,line=1,")
        assert json.loads((policykit.directory / "out.sarif").read_text())["version"] == "2.1.0"
        assert json.loads((policykit.directory / "a=b.json").read_text())["version"] == 1

    def test_a_format_for_a_file_leaves_the_text_on_the_terminal(self, policykit: Command) -> None:
        policykit.write(Dockerfile=BAD)
        assert policykit("check", "--format", "sarif=out.sarif").out == policykit("check").out

    @pytest.mark.parametrize("name", ["text", "json", "sarif", "github", "gitlab", "junit"])
    def test_the_format_never_changes_the_verdict(self, policykit: Command, name: str) -> None:
        policykit.write(Dockerfile=BAD)
        assert policykit("check", "--format", name).code == 1
        policykit.write(Dockerfile=GOOD)
        assert policykit("check", "--format", name).code == 0

    def test_statistics(self, policykit: Command) -> None:
        policykit.write(Dockerfile="FROM alpine\nFROM alpine\nUSER 1\n")
        done = policykit("check", "--statistics")
        assert "\n2 image-explicit-tag  Image has no tag, or a tag that moves\n" in done.out

    def test_colours(self, policykit: Command) -> None:
        policykit.write(Dockerfile=BAD)
        assert "\x1b[" not in policykit("check").out
        assert "\x1b[1;31merror\x1b[0m" in policykit("check", FORCE_COLOR="1").out
        assert "\x1b[" not in policykit("check", FORCE_COLOR="1", NO_COLOR="1").out
        assert "\x1b[" not in policykit("check", "--format", "json", FORCE_COLOR="1").out

    def test_what_the_terminal_cannot_show(self, policykit: Command) -> None:
        policykit.write(**{"Dockerfile.ä\x1b[2J": "FROM alpine:3 # ✓\x1b[2J\n"})
        done = policykit("check", PYTHONIOENCODING="ascii")
        assert done.code == 1
        assert "\x1b" not in done.out
        assert "Dockerfile.\\xe4" in done.out

    def test_order_and_bundle_do_not_depend_on_the_order_of_paths(self, policykit: Command) -> None:
        policykit.write(**{"a/Dockerfile": BAD, "b/Dockerfile": BAD})
        one = policykit("check", "--format", "json", "a", "b")
        assert one == policykit("check", "--format", "json", "b", "a", ".")


class TestExitCodes:
    @pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0)])
    def test_fail_on(self, policykit: Command, fail_on: str, code: int) -> None:
        config = "rules: {image-explicit-tag: {severity: warning}}"
        policykit.write(**{"Dockerfile": BAD, "policykit.yaml": config})
        assert policykit("check", "--fail-on", fail_on).code == code
        policykit.write(**{"policykit.yaml": f"{config}\nfailOn: {fail_on}"})
        assert policykit("check").code == code

    def test_an_unknown_verdict_warns_unless_it_is_to_fail(self, policykit: Command) -> None:
        policykit.write(Dockerfile="ARG BASE\nFROM $BASE\nUSER 10001\n")
        check = ("check", "--select", "image-explicit-tag")
        done = policykit(*check, "--format", "json")
        (finding,) = json.loads(done.out)["findings"]
        assert (done.code, finding["verdict"], finding["severity"]) == (0, "unknown", "warning")
        policykit.write(**{"policykit.yaml": "rules: {image-explicit-tag: {onUnknown: fail}}"})
        assert policykit(*check).code == 1
        policykit.write(**{"policykit.yaml": "rules: {image-explicit-tag: {onUnknown: ignore}}"})
        assert policykit(*check).out == "No findings in 1 file\n"
        (policykit.directory / "policykit.yaml").unlink()
        assert policykit(*check, "--build-arg", "BASE=alpine:3.22").out == "No findings in 1 file\n"
        assert policykit(*check, "--build-arg", "BASE=alpine").code == 1

    def test_nothing_to_check(self, policykit: Command) -> None:
        policykit.write(**{"notes.txt": "x", "values.yaml": "a: 1"})
        code, out, err = policykit("check")
        assert (code, out) == (3, "Nothing was checked\n")
        assert err == "policykit: nothing to check: no Dockerfile, Compose file or Kubernetes manifest in .\n"
        assert policykit("check", "--allow-empty").code == 0
        assert policykit("check", "--allow-empty").err == ""

    def test_what_cannot_be_evaluated_yet_is_neither_wrong_nor_clean(self, policykit: Command) -> None:
        policykit.write(**{"chart/templates/pod.yaml": TEMPLATE})
        code, out, _ = policykit("check")
        assert code == 3
        assert "chart/templates/pod.yaml:4:9: not evaluated: " in out
        assert "1 not evaluated" in out
        done = policykit("check", "--format", "json", "--allow-empty")
        assert (done.code, len(json.loads(done.out)["summary"]["notEvaluated"])) == (0, 1)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["check", "--bogus"], "unrecognized arguments: --bogus"),
            (["check", "--fail-on", "fatal"], "invalid choice: 'fatal'"),
            (["check", "--sel", "x"], "unrecognized arguments: --sel"),
            (["chek"], "invalid choice: 'chek'"),
            ([], "the following arguments are required: VERB"),
            (["check", "nowhere", "."], "policykit: nowhere: no such file or directory\n"),
            (["check", "--select", "image-explicit-tags"], "(did you mean `image-explicit-tag`?)"),
            (["check", "--ignore", "DL3006,zzz"], "no rule, category or equivalent is called `zzz`"),
            (["check", "--format", "html"], "--format html: no format is called `html` (one of text, json, "),
            (["check", "--format", "json", "--format", "text"], "two formats for standard output"),
            (["check", "--format", "json=no/where.json"], "no such directory to write to"),
            (["check", "--build-arg", "x"], "--build-arg x: not NAME=VALUE"),
            (["check", "--policies", "nowhere"], "--policies nowhere: no such directory"),
            (["check", "--config", "nowhere.yaml"], "nowhere.yaml:1:1: cannot be read"),
            (["check", "--config", "bad.yaml"], "bad.yaml:1:1: unknown key `slect` (did you mean `select`?)"),
        ],
    )
    def test_usage(self, policykit: Command, arguments: list[str], message: str) -> None:
        policykit.write(**{"Dockerfile": BAD, "bad.yaml": "slect: []"})
        code, out, err = policykit(*arguments)
        assert (code, out) == (2, "")
        assert message in err
        assert "Traceback" not in err

    def test_all_problems_of_all_configurations_come_together(self, policykit: Command) -> None:
        policykit.write(**{"policykit.yaml": "a: 1\nb: 2", "sub/policykit.yaml": "failOn: x", "sub/Dockerfile": BAD})
        code, out, err = policykit("check")
        assert (code, out) == (2, "")
        assert [line.split(" ")[1] for line in err.splitlines()] == [
            "policykit.yaml:1:1:",
            "policykit.yaml:2:1:",
            "sub/policykit.yaml:1:9:",
        ]

    def test_a_bug_is_ours_and_shows_nothing_of_the_input(self, policykit: Command) -> None:
        policykit.write(Dockerfile="FROM secret\n")
        script = (
            "import policykit.engine\n"
            "def broken(project, catalogue, rules_for): raise ValueError('FROM secret')\n"
            "policykit.engine.evaluate = broken\n"
            "from policykit.cli.main import guarded\n"
            "raise SystemExit(guarded(['check']))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=policykit.directory,
            env=environment(policykit.cache),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (4, "")
        assert "this is a bug in policykit" in done.stderr
        assert f"Python {sys.version.split()[0]}" in done.stderr
        assert "ValueError at\n" in done.stderr
        assert "secret" not in done.stderr

    def test_a_closed_pipe_ends_the_run_quietly(self, policykit: Command) -> None:
        policykit.write(Dockerfile="FROM alpine\n" * 2000)
        command = f"{sys.executable} -m policykit check | head -n 1; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=policykit.directory,
            env=environment(policykit.cache),
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("Dockerfile\n141\n", "")


class TestInput:
    def test_standard_input(self, policykit: Command) -> None:
        done = policykit("check", "-", "--stdin-filename", "app/Dockerfile", "--format", "json", stdin=BAD)
        assert rules_at(done) == [("app/Dockerfile", 1, 6, "image-explicit-tag")]

    @pytest.mark.parametrize(
        "text", [BAD, f"# a comment\n\n{BAD}", "apiVersion: v1\nkind: Pod\nspec:\n  containers: [{image: x}]"]
    )
    def test_a_name_that_says_nothing_leaves_it_to_the_content(self, policykit: Command, text: str) -> None:
        policykit.write(**{"image.txt": text})
        for done in (
            policykit("check", "-", "--format", "json", stdin=text),
            policykit("check", "image.txt", "--format", "json"),
        ):
            assert "image-explicit-tag" in {rule for *_, rule in rules_at(done)}

    def test_a_named_file_that_is_none_of_ours(self, policykit: Command) -> None:
        policykit.write(**{"README.md": "FROM here on,\nRUN away\n", "a.txt": "hello"})
        assert policykit("check", "a.txt").code == 3

    def test_configuration_of_the_name_given_to_standard_input(self, policykit: Command) -> None:
        policykit.write(**{"app/policykit.yaml": "ignore: [image-explicit-tag]"})
        assert policykit("check", "-", "--stdin-filename", "app/Dockerfile", stdin=BAD).code == 0

    @pytest.mark.parametrize(
        ("name", "content", "place"),
        [
            ("Dockerfile", b"FROM a\x00b\n", "1:7"),
            ("Dockerfile", b"\x7fELF\x00\xff\xfe", "1:1"),
            ("pod.yaml", "a: ä\nb: ".encode() + b"\xff", "2:4"),
            ("pod.yaml", b"[" * 10_000_000, None),
            ("pod.yaml", b"apiVersion: v1\nkind: Pod\nx: " + b"[" * 100_000, "3:"),
            ("pod.yaml", b"apiVersion: v1\nkind: Pod\na: *x\n", "3:4"),
            ("Dockerfile", b"", "1:1"),
            ("Dockerfile", b"FRM alpine\n", "1:1"),
        ],
    )
    def test_bad_input_is_a_finding(self, policykit: Command, name: str, content: bytes, place: str | None) -> None:
        policykit.write(**{name: content})
        code, out, err = policykit("check")
        assert "Traceback" not in err
        assert "bug" not in err
        if place is None:
            assert code in (1, 3)  # nothing in it says that it is a manifest
        else:
            assert code == 1
            assert f"{name}\n  {place}" in out
            assert "error invalid-file: " in out

    def test_links_that_lead_nowhere(self, policykit: Command) -> None:
        (policykit.directory / "Dockerfile").symlink_to("Dockerfile")
        code, out, _ = policykit("check")
        assert code == 1
        assert "1:1 error invalid-file: cannot be read: a symbolic link that leads to itself" in out

    def test_what_git_ignores_and_what_is_excluded(self, policykit: Command) -> None:
        config = "exclude: [vendor/]"
        policykit.write(**{"build/Dockerfile": BAD, "vendor/Dockerfile": BAD, ".gitignore": "build/"})
        policykit.write(**{"policykit.yaml": config, "Dockerfile": GOOD})
        assert policykit("check").out == "No findings in 1 file\n"
        assert policykit("check", "build/Dockerfile", "vendor/Dockerfile").out.endswith("2 errors in 2 files\n")
        done = policykit("check", "--force-exclude", "--allow-empty", "vendor/Dockerfile")
        assert (done.code, done.out) == (0, "Nothing was checked\n")


class TestSeveralFiles:
    """What one file says about another."""

    def test_a_comment_in_the_file_that_a_value_comes_from(self, policykit: Command) -> None:
        base = "services:\n  base:\n    image: x # policykit: ignore=image-explicit-tag mirror\n"
        extends = "services:\n  a:\n    extends: {file: base.yml, service: base}\n"
        policykit.write(**{"compose.yaml": extends, "base.yml": base})
        report = json.loads(policykit("check", "--select", "image-explicit-tag", "--format", "json").out)
        assert report["findings"] == []
        assert [(s["file"], s["line"]) for s in report["suppressed"]] == [("base.yml", 3)]

    @pytest.mark.parametrize("place", ["{outside}", "link.yml", "../{name}/secret.yml"])
    def test_nothing_outside_the_repository_is_read(
        self, policykit: Command, place: str, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        outside = tmp_path_factory.mktemp("outside") / "secret.yml"
        outside.write_text("services: {base: {image: hunter2}}\n")
        (policykit.directory / "link.yml").symlink_to(outside)
        name = place.format(outside=outside, name=outside.parent.name)
        text = f"services:\n  a:\n    extends: {{file: {name}, service: base}}\n"
        code, out, err = policykit("check", "-", "--stdin-filename", "compose.yaml", stdin=text)
        assert code == 1
        assert "hunter2" not in out + err

    def test_directories_that_are_told_otherwise_are_projects_of_their_own(self, policykit: Command) -> None:
        pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n"
        policykit.write(**{f"{team}/pod.yaml": pod for team in "ab"})
        policykit.write(**{f"{team}/policykit.yaml": f"namespace: team-{team}" for team in "ab"})
        out = policykit("check", "--select", "namespace-default-deny-missing").out
        assert "namespace `team-a`" in out
        assert "namespace `team-b`" in out

    def test_findings_of_a_set_of_compose_files_come_once(self, policykit: Command) -> None:
        policykit.write(**{"compose.yaml": "services: {a: {image: x}}\n"})
        policykit.write(**{"compose.override.yaml": "services: {a: {restart: always}}\n"})
        arguments = ("check", "--select", "image-explicit-tag", "--format", "json")
        assert len(rules_at(policykit(*arguments))) == 1
        assert len(rules_at(policykit(*arguments, "--per-file", "compose.yaml", "compose.override.yaml"))) == 1


class TestRules:
    def test_select_and_ignore(self, policykit: Command) -> None:
        policykit.write(Dockerfile="FROM alpine\nUSER root\n")

        def rules(*arguments: str) -> set[str]:
            return {rule for *_, rule in rules_at(policykit("check", "--format", "json", *arguments))}

        assert rules() == {"image-explicit-tag", "run-as-non-root"}
        assert rules("--select", "DL3007") == {"image-explicit-tag"}
        assert rules("--ignore", "image") == {"run-as-non-root"}
        both = {"image-explicit-tag", "run-as-non-root"}
        assert rules("--select", "all") - rules("--select", "all", "--ignore", ",".join(both)) == both

    def test_the_nearer_configuration_has_the_last_word(self, policykit: Command) -> None:
        policykit.write(**{"policykit.yaml": "select: [image-explicit-tag]", "a/Dockerfile": BAD})
        policykit.write(**{"b/policykit.yaml": "ignore: [image-explicit-tag]", "b/Dockerfile": BAD})
        assert rules_at(policykit("check", "--format", "json")) == [("a/Dockerfile", 1, 6, "image-explicit-tag")]

    def test_suppressed_and_unused(self, policykit: Command) -> None:
        policykit.write(Dockerfile=f"# policykit: ignore=image-explicit-tag mirror\n{BAD}")
        report = json.loads(policykit("check", "--format", "json").out)
        assert report["findings"] == []
        (suppressed,) = report["suppressed"]
        assert (suppressed["by"], suppressed["reason"]) == ("policykit comment", "mirror")
        assert policykit("check", "--no-inline-suppressions").code == 1
        policykit.write(Dockerfile=f"# policykit: ignore=image-explicit-tag mirror\n{GOOD}")
        done = policykit("check", "--format", "json")
        assert (done.code, rules_at(done)) == (0, [("Dockerfile", 1, 1, "unused-suppression")])
        assert policykit("check", "--ignore", "unused-suppression").out == "No findings in 1 file\n"

    def test_exceptions(self, policykit: Command) -> None:
        exceptions = "exceptions:\n  - {rule: image-explicit-tag, reason: legacy, files: [a/], expires: 2999-12-31}\n"
        policykit.write(**{"policykit.yaml": exceptions, "a/Dockerfile": BAD, "b/Dockerfile": GOOD})
        assert policykit("check").out == "No findings in 2 files (1 suppressed)\n"
        assert policykit("check", "--no-inline-suppressions").code == 0
        policykit.write(**{"a/Dockerfile": GOOD})
        found = [("policykit.yaml", 2, 12, "unused-suppression")]
        assert rules_at(policykit("check", "--format", "json")) == found
        assert rules_at(policykit("check", "--format", "json", "b")) == []
        policykit.write(**{"policykit.yaml": exceptions.replace("2999", "2020"), "a/Dockerfile": BAD})
        assert rules_at(policykit("check", "--format", "json")) == [
            ("a/Dockerfile", 1, 6, "image-explicit-tag"),
            ("policykit.yaml", 2, 12, "expired-suppression"),
        ]

    def test_policies_of_a_team_hold_for_its_files(self, policykit: Command) -> None:
        own: dict[str, Any] = {
            "apiVersion": "policykit.dev/v1",
            "kind": "Policy",
            "metadata": {"name": "image-not-alpine"},
            "spec": {
                "summary": "Image is Alpine",
                "category": "team",
                "severity": "error",
                "targets": ["dockerfile"],
                "forEach": "image",
                "validations": [{"expression": "!image.repository.contains('alpine')", "message": "it is Alpine"}],
                "fix": "Use another one.",
                "rationale": "Taste.",
                "since": "1",
                "examples": {
                    "pass": [{"name": "other", "target": "dockerfile", "input": "FROM debian:13\n"}],
                    "fail": [{"name": "it", "target": "dockerfile", "input": "FROM alpine:3\n", "at": ["1:6"]}],
                },
            },
        }
        policykit.write(**{"a/policies/team/image-not-alpine.yaml": json.dumps(own)})
        policykit.write(**{"a/policykit.yaml": "policies: policies", "a/Dockerfile": GOOD, "b/Dockerfile": GOOD})
        found = [("a/Dockerfile", 1, 6, "image-not-alpine")]
        assert rules_at(policykit("check", "--format", "json")) == found
        everywhere = policykit("check", "--format", "json", "--policies", "a/policies")
        assert [file for file, *_ in rules_at(everywhere)] == ["a/Dockerfile", "b/Dockerfile"]
        assert policykit("test", "a/policies").code == 0

    def test_each_file_on_its_own(self, policykit: Command) -> None:
        policykit.write(**{"pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n"})
        whole = {rule for *_, rule in rules_at(policykit("check", "--format", "json"))}
        alone = {rule for *_, rule in rules_at(policykit("check", "--format", "json", "--per-file", "pod.yaml"))}
        assert whole - alone == {"namespace-default-deny-missing"}

    def test_the_namespace_of_objects_that_name_none(self, policykit: Command) -> None:
        policykit.write(**{"pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n"})
        policykit.write(**{"policykit.yaml": "namespace: shop\nselect: [namespace-default-deny-missing]"})
        assert "namespace `shop`" in policykit("check").out


def test_progress_is_shown_on_a_terminal_only_if_a_run_takes_long() -> None:
    import io

    from policykit.cli.progress import Progress

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, patience, shown in ((Terminal(), 0.0, True), (Terminal(), 60.0, False), (io.StringIO(), 0.0, False)):
        with Progress(stream, patience) as progress:
            progress.total = 2
            progress.step()
        assert ("1 of 2 files" in stream.getvalue()) is shown
        assert stream.getvalue().endswith("\x1b[K") is shown
