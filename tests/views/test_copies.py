from __future__ import annotations

import pytest

from policykit.unknown import Unknown
from policykit.views.dockerignore import DockerIgnore
from tests.views.dockerfile_subjects import fields, places

F = "FROM alpine:3.20\n"


def test_sources_and_destination() -> None:
    text = F + 'ARG D=/x\nCOPY a b $D/\nADD ["c d", "/e"]\nCOPY <<E /f\ntext\nE\n'
    found = fields("copy", text, "keyword", "sources", "destination", "heredocs")
    assert found == [("copy", ["a", "b"], "/x/", 0), ("add", ["c d"], "/e", 0), ("copy", [], "/f", 1)]


@pytest.mark.parametrize(
    ("name", "meaning"),
    [("build", "earlier"), ("BUILD", "earlier"), ("0", "earlier"), ("run", "self"), ("1", "self"), ("later", "later"),
     ("2", "later"), ("3", "image"), ("nginx:1", "image"), ("$X", "image")],
)  # fmt: skip
def test_what_from_means(name: str, meaning: str) -> None:
    text = f"FROM a AS build\nFROM b AS run\nCOPY --from={name} /x /y\nFROM c AS later\n"
    assert fields("copy", text, "from", "fromStage") == [(name, meaning)]


def test_the_working_directory() -> None:
    text = "FROM a\nCOPY x y\nWORKDIR /b\nCOPY x y\nFROM scratch\nCOPY x y\nFROM a\nCOPY x /y\n"
    assert fields("copy", text, "absolute", "workdirSet") == [
        (False, False),
        (False, True),
        (False, True),
        (True, False),
    ]


def test_an_install_of_the_project_after_a_copy() -> None:
    text = "FROM a\nCOPY . .\nRUN make\nRUN npm ci\nCOPY b c\nFROM d\nCOPY . .\nRUN pip install -r x.txt\nCOPY e f\n"
    assert fields("copy", text, "installsAfter") == ["npm", "", "pip", ""]


@pytest.mark.parametrize("run", ["npm install express", "go build ./...", "pip install flask", "yarn add x"])
def test_what_is_no_install_of_the_project(run: str) -> None:
    assert fields("copy", f"{F}COPY . .\nRUN {run}\n", "installsAfter") == [""]


@pytest.mark.parametrize(
    ("path", "kind", "archive"),
    [("a", "context", False), ("a.tar.gz", "context", True), ("a.TGZ", "context", True), ("a.zip", "context", False),
     ("https://example.com/a.tar", "url", True), ("https://example.com/a.git", "git", False),
     ("git@example.com:a/b.git#v1", "git", False), ("https://example.com/a.git?ref=x", "git", False)],
)  # fmt: skip
def test_kinds_of_sources(path: str, kind: str, archive: bool) -> None:
    assert fields("source", f"{F}ADD {path} /x\n", "kind", "archive") == [(kind, archive)]


def test_a_source_in_a_variable_is_unknown() -> None:
    assert all(isinstance(v, Unknown) for v in fields("source", F + "ARG X\nADD $X /y\n", "path", "kind")[0])


def test_archives_that_tar_unpacks_later() -> None:
    text = F + "COPY a.tar d/b.tgz c.tar /x/\nRUN tar -xf /x/a.tar && tar xzf b.tgz && tar tf c.tar\nCOPY a.tar /y\n"
    assert fields("source", text, "path", "unpacked") == [
        ("a.tar", True),
        ("d/b.tgz", True),
        ("c.tar", False),
        ("a.tar", False),
    ]


def test_places_of_sources() -> None:
    assert places("source", F + "COPY --chown=1 a \\\n  b /c/\n") == [(2, 16), (3, 3)]
    assert places("copy", F + "COPY a /c/\n", "destination") == [(2, 8)]


def test_the_ignore_file_of_the_dockerfile_goes_before_that_of_the_context() -> None:
    text = F + "COPY a b /c/\n"
    assert fields("source", text, "ignored", _dockerignore="a\n") == [True, False]
    assert fields("source", text, "ignored", _dockerignore="a\n", Dockerfile_dockerignore="b\n") == [False, True]
    assert fields("source", F + "COPY --from=x a /c/\n", "ignored", _dockerignore="a\n") == [False]


@pytest.mark.parametrize(
    ("patterns", "ignored", "kept"),
    [
        ("a", "a ./a /a a/b a/../a", "b ab b/a"),
        ("/a", "a a/b", "b/a"),
        ("a/", "a a/b", "b"),
        ("*.md", "x.md", "d/x.md x.mdx"),
        ("**/*.md", "x.md d/x.md d/e/x.md", "x.txt"),
        ("d/*", "d/a d/a/b", "d"),
        ("d/**", "d/a d/a/b", "d"),
        ("**", "a a/b .", ""),
        ("*", "a a/b .", ""),
        (".*", ".env .git/config", "a ."),
        ("a?c", "abc", "ac a/c"),
        ("[a-c]x", "bx", "dx"),
        ("*\n!keep", "a", "keep keep/b ."),
        ("*\n!d/keep", "a d", "d/keep"),
        ("!a\na", "a", "b"),
        ("# a\n\n  b  ", "b", "a #"),
        ("\\*", "*", "a"),
        ("[", "", "a ["),
    ],
)
def test_dockerignore(patterns: str, ignored: str, kept: str) -> None:
    rules = DockerIgnore(patterns)
    assert [path for path in ignored.split() if not rules.ignores(path)] == []
    assert [path for path in kept.split() if rules.ignores(path)] == []
