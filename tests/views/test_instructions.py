from __future__ import annotations

import pytest

from policykit.unknown import Unknown
from tests.views.dockerfile_subjects import fields, places, subjects

F = "FROM alpine:3.20\n"


def test_an_instruction_in_onbuild_is_one_as_well() -> None:
    found = fields("instruction", F + "ONBUILD COPY a b\n", "keyword", "trigger", "onbuild")
    assert found == [("from", "", False), ("onbuild", "copy", False), ("copy", "", True)]


def test_words_are_expanded_where_the_builder_does_it() -> None:
    text = "ARG V=3.20\nFROM alpine:$V\nARG D=/app\nWORKDIR $D/x\nRUN echo $D\n"
    assert fields("instruction", text, "words") == [["V=3.20"], ["alpine:3.20"], ["D=/app"], ["/app/x"], ["echo $D"]]


def test_the_last_of_a_kind_overrides_those_before_it() -> None:
    text = F + "CMD a\nCMD b\nHEALTHCHECK NONE\nFROM alpine\nCMD c\n"
    assert fields("instruction", text, "overridden") == [False, True, False, False, False, False]


@pytest.mark.parametrize(
    ("path", "absolute"),
    [("/a", True), ("a", False), ("C:\\\\a", True), ("'/a b'", True), ('"a"', False), ("/$X", True), ("a/$X", False)],
)
def test_absolute_paths(path: str, absolute: bool) -> None:
    assert fields("instruction", f"{F}WORKDIR {path}\n", "absolute")[1] is absolute


def test_a_path_that_begins_with_an_unknown_variable_is_unknown() -> None:
    assert isinstance(fields("instruction", F + "ARG X\nWORKDIR $X/a\n", "absolute")[2], Unknown)


def test_workdir_is_in_force_in_stages_built_on_its_own() -> None:
    text = "FROM a AS x\nWORKDIR /a\nWORKDIR b\nFROM b\nWORKDIR c\nFROM x\nWORKDIR d\n"
    found = fields("instruction", text, "keyword", "workdirSet")
    assert [is_set for keyword, is_set in found if keyword == "workdir"] == [False, True, False, True]


def test_the_casing_of_most_counts_and_global_arguments_do_not() -> None:
    found = fields("instruction", "arg A\narg B\nFROM a\nRUN x\ncmd y\n", "casing", "majority")
    assert found[:2] == [("lowercase", ""), ("lowercase", "")]
    assert found[2:] == [("uppercase", "uppercase"), ("uppercase", "uppercase"), ("lowercase", "uppercase")]


def test_shell_form_and_the_shell_in_force() -> None:
    text = 'FROM a AS x\nSHELL ["bash", "-c"]\nFROM x\nCMD a\nCMD ["a"]\n'
    found = fields("instruction", text, "keyword", "form", "shell")
    assert found[-2:] == [("cmd", "shell", ["bash", "-c"]), ("cmd", "exec", ["bash", "-c"])]


def test_an_empty_continuation_line_is_reported_where_the_instruction_ends() -> None:
    text = F + "RUN a \\\n\n  && b\nCOPY <<E /x \\\n\n/y/\ntext\nE\n"
    assert fields("instruction", text, "emptyContinuation") == [False, True, True]
    assert places("instruction", text, "end")[1:] == [(4, 1), (7, 1)]


def test_what_a_comment_describes() -> None:
    text = "# base is first\nFROM a AS base\n# about A\n# A too\nARG A B=1\n# other\n\nARG C\n"
    found = fields("instruction", text, "description", "describes")
    assert found == [("base is first", ["base"]), ("A too", ["A", "B"]), ("", ["C"])]


def test_a_run_that_follows_another() -> None:
    text = F + "RUN a\nRUN b && c\nRUN --network=none d\nCMD x\nRUN e\n"
    found = fields("instruction", text, "follows", "commands", "followsCommands", "sameFlags")
    assert found[1:4] == [("from", 1, 0, True), ("run", 2, 1, True), ("run", 1, 2, False)]
    assert found[5][:2] == ("cmd", 1)


def test_places_of_the_keyword_and_of_the_arguments() -> None:
    assert places("instruction", F + "USER  app\n", "keyword")[1] == (2, 1)
    assert places("instruction", F + "USER  app\n", "arguments")[1] == (2, 7)


def test_comments() -> None:
    assert fields("comment", "# a\nFROM x\n# hadolint ignore=DL3006\nRUN y\n", "text") == [
        "a",
        "hadolint ignore=DL3006",
    ]


@pytest.mark.parametrize(
    "text", ["", "# only this", "FROM", "RUN", "ONBUILD", "COPY a", "EXPOSE", "WORKDIR", "\\", "[]", "ENV A"]
)
@pytest.mark.parametrize(
    "view",
    ["instruction", "comment", "command", "packageCommand", "package", "stage", "copy", "source", "variable", "label",
     "exposedPort", "reference"],
)  # fmt: skip
def test_no_text_is_too_broken(view: str, text: str) -> None:
    for whole in (text, F + text, F + "ONBUILD " + text):
        for subject in subjects(view, whole):
            assert subject.locate("").span.line >= 1
