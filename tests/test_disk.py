"""The file system's answers, and whether it would give them again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from policykit.disk import Disk, NotedDisk, still_true

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a file, a directory in it, and links."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.yaml").write_text("b")
    (tmp_path / "a.yaml").write_text("a")
    (tmp_path / "link").symlink_to("a.yaml")
    (tmp_path / "broken").symlink_to("nowhere")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.yaml", "file"),
        ("sub", "directory"),
        ("link", "file"),
        ("broken", "broken"),
        ("nothing", ""),
        ("a\0", ""),
        (os.devnull, "other"),
    ],
)
def test_kinds(tree: Path, path: str, kind: str) -> None:
    assert Disk().kind(path) == kind


def test_a_directory_tells_a_link_from_what_it_leads_to(tree: Path) -> None:
    assert Disk().entries(".") == [("a.yaml", "other"), ("broken", "link"), ("link", "link"), ("sub", "directory")]


def test_a_tree_has_all_files_of_one_ending(tree: Path) -> None:
    assert Disk().tree(".") == [("./a.yaml", b"a"), ("./sub/b.yaml", b"b")]


def _everything(disk: Disk) -> None:
    for path in ("a.yaml", "link", "broken", "nothing", "sub"):
        disk.kind(path)
        disk.real(path)
    for path in ("a.yaml", "nothing", "sub"):
        try:
            disk.read(path)
        except OSError:
            continue
    disk.entries(".")
    disk.tree("sub")


def test_an_untouched_tree_gives_the_same_answers(tree: Path) -> None:
    disk = NotedDisk()
    _everything(disk)
    os.utime("a.yaml", (1, 1))
    assert disk.repeatable
    assert still_true(disk.answers)


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "a.yaml").write_text("A"),
        lambda tree: (tree / "a.yaml").unlink(),
        lambda tree: (tree / "nothing").write_text(""),
        lambda tree: (tree / "nowhere").write_text(""),
        lambda tree: (tree / "unasked").write_text(""),
        lambda tree: (tree / "sub" / "c.yaml").write_text(""),
        lambda tree: (tree / "sub" / "b.yaml").write_text("B"),
        lambda tree: ((tree / "link").unlink(), (tree / "link").symlink_to("sub")),
        lambda tree: (tree / "sub").rename(tree / "other"),
    ],
)
def test_any_change_is_seen(tree: Path, change: Callable[[Path], object]) -> None:
    disk = NotedDisk()
    _everything(disk)
    change(tree)
    assert not still_true(disk.answers)


def test_what_changes_during_a_run_cannot_be_repeated(tree: Path) -> None:
    disk = NotedDisk()
    disk.read("a.yaml")
    (tree / "a.yaml").write_text("A")
    disk.read("a.yaml")
    assert not disk.repeatable


def test_a_pipe_cannot_be_repeated(tree: Path) -> None:
    out, into = os.pipe()
    os.write(into, b"text")
    os.close(into)
    disk = NotedDisk()
    assert disk.read(f"/dev/fd/{out}") == b"text"
    os.close(out)
    assert not disk.repeatable
