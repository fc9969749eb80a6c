"""Values on disk: whole or not at all, and not too many."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from policykit import stored

if TYPE_CHECKING:
    from pathlib import Path

VALUE = {("a", "b"): [1, "text", b"bytes", None], "c": (2.5, True)}


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    file = str(tmp_path / "new" / "file")
    stored.store(file, VALUE)
    assert stored.load(file) == VALUE
    assert names(tmp_path / "new") == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX permissions")
def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    stored.store(str(tmp_path / "new" / "file"), VALUE)
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new" / "file").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("position", [0, 20, 40, -1])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, position: int) -> None:
    file = tmp_path / "file"
    stored.store(str(file), VALUE)
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)
    assert stored.load(str(file)) is None


@pytest.mark.parametrize("length", [0, 10, 32, 40])
def test_half_a_file_is_as_good_as_none(tmp_path: Path, length: int) -> None:
    file = tmp_path / "file"
    stored.store(str(file), VALUE)
    file.write_bytes(file.read_bytes()[:length])
    assert stored.load(str(file)) is None


def test_no_file_is_none(tmp_path: Path) -> None:
    assert stored.load(str(tmp_path / "nothing")) is None
    assert stored.load(str(tmp_path)) is None


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    stored.store(str(tmp_path / "file" / "inner"), VALUE)
    assert stored.load(str(tmp_path / "file" / "inner")) is None


def test_what_was_not_used_for_longest_goes(tmp_path: Path) -> None:
    for number in range(10):
        stored.store(str(tmp_path / f"{number}"), "x" * 1000, limit=6000)
        os.utime(tmp_path / f"{number}", (number, number))
        stored.load(str(tmp_path / "0"))  # used, and so it stays
    left = names(tmp_path)
    assert left[0] == "0"
    assert left[-1] == "9"
    assert 2 <= len(left) <= 5


def test_what_is_too_large_is_not_kept(tmp_path: Path) -> None:
    stored.store(str(tmp_path / "file"), "x" * 1000, limit=2000)
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the custom of other systems")
def test_where_caches_are() -> None:
    assert stored.user_directory({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == "/c/policykit"
    assert stored.user_directory({"XDG_CACHE_HOME": "c", "HOME": "/h"}) == "/h/.cache/policykit"
    assert stored.user_directory({}) is None
