from __future__ import annotations

import pytest

from tests.views.dockerfile_subjects import fields, places


def test_names_are_compared_in_lower_case() -> None:
    found = fields(
        "stage", "FROM a AS Build\nFROM b as build\nFROM c\nFROM d\n", "name", "written", "asKeyword", "duplicate"
    )
    assert found == [
        ("build", "Build", "AS", False),
        ("build", "build", "as", True),
        ("", "", "", False),
        ("", "", "", False),
    ]


def test_what_becomes_of_a_stage() -> None:
    text = "FROM a AS base\nFROM base AS build\nFROM c AS unused\nFROM base\nCOPY --from=build /x /y\n"
    found = fields("stage", text, "name", "final", "ships", "copied", "built")
    assert found == [
        ("base", False, True, False, True),
        ("build", False, False, True, False),
        ("unused", False, False, False, False),
        ("", True, True, False, False),
    ]


def test_mounts_and_indexes_count_as_copies() -> None:
    text = "FROM a\nFROM b AS x\nFROM c\nCOPY --from=0 /a /b\nRUN --mount=type=bind,from=x,target=/x y\n"
    assert fields("stage", text, "copied") == [True, True, False]


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux/amd64", ("linux", "amd64", [])),
        ("linux/arm/v7", ("linux", "arm", [])),
        ("arm64", ("", "arm64", [])),
        ("linux/x86_64", ("linux", "amd64", [])),
        ("windows", ("windows", "", [])),
        ("$BUILDPLATFORM", ("", "", ["BUILDPLATFORM"])),
        ("linux/${ARCH:-amd64}", ("", "", ["ARCH"])),
    ],
)
def test_platforms(platform: str, expected: tuple[str, str, list[str]]) -> None:
    found = fields("stage", f"FROM --platform={platform} a\n", "os", "architecture", "platformVariables")
    assert found == [expected]


def test_images_of_one_platform() -> None:
    text = "FROM arm64v8/alpine:3\nFROM mcr.microsoft.com/windows/nanoserver:ltsc2022\nFROM alpine\n"
    assert fields("stage", text, "imageOs", "imageArchitecture") == [("", "arm64"), ("windows", ""), ("", "")]


@pytest.mark.parametrize(
    ("text", "base", "valid"),
    [
        ("ARG T\nFROM a:$T\n", "a:", False),
        ("ARG T=1\nFROM a:$T\n", "a:1", True),
        ("ARG V\nFROM a:1$V\n", "a:1", True),
        ("ARG B\nFROM $B\n", "", False),
        ("FROM a_$TARGETARCH\n", "a_amd64", True),
        ("FROM a AS Base\nFROM Base\n", "Base", True),
    ],
)
def test_what_from_names_without_build_arguments(text: str, base: str, valid: bool) -> None:
    assert fields("stage", text, "defaultBase", "defaultValid")[-1] == (base, valid)


def test_labels_and_keywords_are_inherited() -> None:
    text = 'FROM a AS x\nLABEL a=1 b=2\nHEALTHCHECK NONE\nFROM x\nLABEL b="3"\nFROM c\n'
    found = fields("stage", text, "labels", "keywords")
    assert found[1] == ({"a": "1", "b": "3"}, ["label", "healthcheck"])
    assert found[2] == ({}, [])


def test_programs_of_run_alone() -> None:
    text = "FROM a\nRUN wget x && sudo curl y\nCMD curl z\nONBUILD RUN wget z\nFROM b\n"
    assert fields("stage", text, "programs") == [["wget", "curl"], []]


def test_places() -> None:
    text = "FROM --platform=linux/amd64 alpine AS x\n"
    assert places("stage", text) == [(1, 1)]
    assert [places("stage", text, at) for at in ("platform", "base", "as", "name")] == [
        [(1, 17)],
        [(1, 29)],
        [(1, 36)],
        [(1, 39)],
    ]


def test_a_fragment_has_no_stage_to_judge() -> None:
    assert fields("stage", "RUN x\n", "name") == []
