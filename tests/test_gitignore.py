from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.gitignore import Ignore


@pytest.mark.parametrize(
    ("pattern", "ignored", "kept"),
    [
        ("a", "a x/a x/y/a", "b ab a.b"),
        ("/a", "a", "x/a"),
        ("x/a", "x/a", "a y/x/a x/y/a"),
        ("*.yaml", "a.yaml x/b.yaml .yaml", "a.yml a.yaml.x"),
        ("x/*", "x/a", "x x/y/a"),
        ("**/y", "y x/y", "xy"),
        ("x/**", "x/a x/y/a", "x"),
        ("x/**/b", "x/b x/y/b x/y/z/b", "b y/b"),
        ("a?c", "abc", "ac a/c"),
        ("[ab].c", "a.c b.c", "c.c /.c"),
        ("[!ab].c", "c.c", "a.c"),
        ("[]a]", "] a", "b"),
        ("[[:digit:]x]", "1 x", "a"),
        (r"\#a", "#a", "a"),
        (r"\!a", "!a", "a"),
        (r"a\*", "a*", "ab"),
        ("a ", "a", "a_"),
        (r"a\ ", "a ", "a"),
        ("foo**bar", "foobar fooxbar", "foo/bar"),
    ],
)
def test_patterns(pattern: str, ignored: str, kept: str) -> None:
    ignore = Ignore([pattern])
    for path in [ignored] if ignored.endswith(" ") else ignored.split():
        assert ignore.verdict(path, is_directory=False) is True, path
    for path in kept.split():
        assert ignore.verdict(path, is_directory=False) is None, path


def test_a_slash_at_the_end_is_for_directories() -> None:
    ignore = Ignore(["x/"])
    assert ignore.verdict("x", is_directory=True)
    assert ignore.verdict("x", is_directory=False) is None
    assert ignore.covers("x/a")
    assert not ignore.covers("x")


def test_the_last_pattern_decides() -> None:
    assert Ignore(["*", "!a"]).verdict("a", is_directory=False) is False
    assert Ignore(["!a", "*"]).verdict("a", is_directory=False) is True
    assert Ignore(["/x/*", "!x/"]).verdict("x/a", is_directory=False) is True


@pytest.mark.parametrize("line", ["", "# c", "!", "/", "[a", "[]a", "a\\", "   "])
def test_what_is_no_pattern(line: str) -> None:
    assert Ignore([line]).patterns == ()


LETTERS = st.text(alphabet="ab*?[]!^-/\\. #", min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=4), st.from_regex(r"[ab.\-]{1,3}(/[ab.\-]{1,3}){0,2}", fullmatch=True))
def test_git_agrees(lines: list[str], path: str) -> None:
    if any(part in (".", "..") for part in path.split("/")) or ".git" in path:
        return
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["git", "init", "-q", directory], check=True)
        Path(directory, ".gitignore").write_text("\n".join(lines) + "\n")
        asked = subprocess.run(
            ["git", "-C", directory, "check-ignore", "-q", "--no-index", "--", path],
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
            check=False,
        )
    assert Ignore(lines).covers(path) is (asked.returncode == 0)
