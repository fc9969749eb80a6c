"""Discovery and decoding: what is read, what is left out, and what is said about the rest."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit import files
from policykit.document import Source, Unreadable
from policykit.errors import UsageError
from policykit.files import Found, Wanted


def could_be(name: str) -> bool:
    return name.startswith("Dockerfile") or name.endswith((".yaml", ".yml"))


WANTED = Wanted(could_be)


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, which is the working directory."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**contents: str) -> None:
    for name, text in contents.items():
        write_file(name, text)


def write_file(name: str, text: str = "") -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def names(*paths: str, wanted: Wanted = WANTED) -> list[str]:
    return [item.name for item in files.find(paths or ["."], wanted)]


def test_names_are_sorted_component_by_component_and_relative_to_the_working_directory() -> None:
    for name in ("b.yaml", "a/z.yaml", "a.yaml", "a-b/x.yaml", "a/Dockerfile", "notes.txt"):
        write_file(name)
    assert names() == ["a/Dockerfile", "a/z.yaml", "a-b/x.yaml", "a.yaml", "b.yaml"]


def test_an_absolute_path_below_the_working_directory_is_said_relative_to_it(repository: Path) -> None:
    write_file("a/b.yaml")
    assert names(str(repository / "a")) == ["a/b.yaml"]


def test_a_path_outside_the_working_directory_stays_as_it_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    write_file("a/b.yaml")
    write_file("c/Dockerfile")
    monkeypatch.chdir("c")
    assert names("../a", "./Dockerfile") == ["../a/b.yaml", "Dockerfile"]


def test_each_file_comes_once_however_often_it_is_named() -> None:
    write_file("a/b.yaml")
    assert files.find(["a", ".", "a/b.yaml", "./a//b.yaml"], WANTED) == [Found("a/b.yaml", explicit=True)]


def test_paths_that_do_not_exist_are_reported_together() -> None:
    with pytest.raises(UsageError) as caught:
        names("nope", "nor.yaml", ".")
    assert [problem.where for problem in caught.value.problems] == ["nope", "nor.yaml"]


class TestIgnored:
    def test_git_directory_is_never_entered(self) -> None:
        write_file(".git/hooks/x.yaml")
        write_file("sub/.git/x.yaml")
        assert names() == []

    def test_nested_files_and_negation_the_nearer_pattern_decides(self) -> None:
        write_file(".gitignore", "*.yaml\n!keep.yaml\n/build/\n")
        write_file("sub/.gitignore", "!again.yaml\nkeep.yaml\r\n")
        write(**dict.fromkeys(("x.yaml", "keep.yaml", "sub/again.yaml", "sub/keep.yaml"), ""))
        write(**dict.fromkeys(("build/keep.yaml", "sub/build/keep.yaml"), ""))
        assert names() == ["keep.yaml", "sub/again.yaml"]

    def test_a_file_below_an_ignored_directory_cannot_come_back(self) -> None:
        write_file(".gitignore", "out/\n!out/keep.yaml\n")
        write_file("out/keep.yaml")
        assert names() == []

    def test_patterns_of_directories_above_the_argument_hold(self) -> None:
        write_file(".gitignore", "sub/*.yml\n")
        write_file("sub/deep/.gitignore", "no.yaml")
        for name in ("sub/a.yml", "sub/deep/a.yml", "sub/deep/no.yaml"):
            write_file(name)
        assert names("sub") == ["sub/deep/a.yml"]

    def test_info_exclude_holds_and_gitignore_overrules_it(self) -> None:
        write_file(".git/info/exclude", "*.yaml\n")
        write_file(".gitignore", "!b.yaml\n")
        write(**{"a.yaml": "", "b.yaml": ""})
        assert names() == ["b.yaml"]

    def test_info_exclude_of_a_worktree_is_in_the_common_directory(self) -> None:
        Path(".git").rmdir()
        write_file(".git", "gitdir: elsewhere/worktrees/w\n")
        write_file("elsewhere/worktrees/w/commondir", "../..\n")
        write_file("elsewhere/info/exclude", "a.yaml\n")
        write_file("a.yaml")
        assert names() == []

    def test_a_named_file_is_taken_even_if_ignored(self) -> None:
        write_file(".gitignore", "*")
        write_file("x.yaml")
        assert files.find(["x.yaml"], WANTED) == [Found("x.yaml", explicit=True)]

    def test_a_named_directory_is_walked_even_if_ignored(self) -> None:
        write_file(".gitignore", "build/")
        write_file("build/x.yaml")
        write_file("build/.gitignore", "no.yaml")
        write_file("build/no.yaml")
        assert names("build") == ["build/x.yaml"]

    def test_a_line_that_is_no_pattern_is_left_out_as_git_does(self) -> None:
        write_file(".gitignore", "!\na.yaml\n")
        write(**{"a.yaml": "", "b.yaml": ""})
        assert names() == ["b.yaml"]

    def test_excluded_by_configuration(self, repository: Path) -> None:
        write(**{"vendor/x.yaml": "", "a.yaml": ""})
        wanted = Wanted(could_be, lambda directory: ["vendor/"] if directory.absolute() == repository else [])
        assert names(wanted=wanted) == ["a.yaml"]
        assert names("vendor/x.yaml", wanted=wanted) == ["vendor/x.yaml"]
        forced = Wanted(could_be, wanted.excluded, force_exclude=True)
        assert names("vendor/x.yaml", "a.yaml", wanted=forced) == ["a.yaml"]

    def test_force_exclude_does_not_apply_what_git_ignores(self) -> None:
        write_file(".gitignore", "*")
        write_file("x.yaml")
        assert names("x.yaml", wanted=Wanted(could_be, force_exclude=True)) == ["x.yaml"]


PATHS = ("a.yaml", "b.yaml", "x/a.yaml", "x/b.yaml", "x/y/a.yaml", "x/y/b.yaml", "y/a.yaml")
PATTERNS = (
    "a.yaml",
    "*.yaml",
    "/a.yaml",
    "x/",
    "x",
    "/x/*",
    "**/y/",
    "x/**/b.yaml",
    "y/a.yaml",
    "[ab].yaml",
    "# c",
    "",
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from((".gitignore", "x/.gitignore", "x/y/.gitignore")),
        st.lists(st.tuples(st.sampled_from(("", "!")), st.sampled_from(PATTERNS)).map("".join), max_size=4),
    )
)
def test_what_git_itself_would_list(tmp_path: Path, ignores: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as directory, contextlib.chdir(directory):
        subprocess.run(["git", "init", "-q"], check=True)
        write(**dict.fromkeys(PATHS, ""))
        write(**{name: "\n".join(lines) for name, lines in ignores.items()})
        listed = subprocess.run(
            ["git", "ls-files", "--others", "--exclude-standard", "--", "*.yaml"],
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
            capture_output=True,
            text=True,
            check=True,
        )
        assert sorted(names()) == sorted(listed.stdout.split())


class TestLinks:
    def test_a_link_to_a_file_that_is_there_anyway_is_left_out(self) -> None:
        write_file("a/x.yaml")
        Path("b.yaml").symlink_to("a/x.yaml")
        assert names() == ["a/x.yaml"]

    def test_a_link_to_a_file_of_another_name_is_followed_once(self) -> None:
        write_file("docker/image", "FROM a\n")
        Path("Dockerfile").symlink_to("docker/image")
        Path("Dockerfile.x").symlink_to("docker/image")
        assert names() == ["Dockerfile"]
        assert files.read(Found("Dockerfile")) == Source("Dockerfile", "FROM a\n")

    def test_loops_of_directories_are_not_entered(self) -> None:
        write_file("a/x.yaml")
        Path("a/again").symlink_to("..")
        Path("a/self.yaml").symlink_to(".")
        assert names() == ["a/x.yaml"]

    @pytest.mark.parametrize("target", ["Dockerfile", "nowhere"])
    def test_a_link_that_leads_nowhere_is_said(self, target: str) -> None:
        Path("Dockerfile").symlink_to(target)
        for paths in (["."], ["Dockerfile"]):
            (found,) = files.find(paths, WANTED)
            assert isinstance(found, Found)
            result = files.read(found)
            assert isinstance(result, Unreadable)
            assert "symbolic link" in result.message

    def test_a_link_out_of_the_repository_is_not_read_unless_named(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        secret = tmp_path_factory.mktemp("outside") / "secret"
        secret.write_text("password")
        Path("Dockerfile").symlink_to(secret)
        (found,) = files.find(["."], WANTED)
        assert isinstance(found, Unreadable)
        assert "out of the repository" in found.message
        (found,) = files.find(["Dockerfile"], WANTED)
        assert isinstance(found, Found)
        assert files.read(found) == Source("Dockerfile", "password")


class TestRead:
    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"", ""),
            ("a: ü\r\n".encode(), "a: ü\r\n"),
            (b"\xef\xbb\xbfa", "a"),
            ("\ufeffä".encode("utf-16-le"), "ä"),
            ("\ufeffä".encode("utf-16-be"), "ä"),
            ("\ufeffä".encode("utf-32-le"), "ä"),
            ("\ufeffä".encode("utf-32-be"), "ä"),
        ],
    )
    def test_decoded(self, data: bytes, text: str) -> None:
        assert files.decode("f", data) == Source("f", text)

    @pytest.mark.parametrize(
        ("data", "message", "line", "column"),
        [
            ("ü\r\nüx".encode() + b"\xff", "not UTF-8", 2, 3),
            (b"a\rb\xc3", "not UTF-8", 2, 2),
            (b"\xff\xfea\x00\n\x00\x00\xd8", "not UTF-16-LE", 2, 1),
            (b"\x7fELF\x00\xff", "binary", 1, 1),
            (b"FROM a\nRUN b\x00", "NUL", 2, 6),
        ],
    )
    def test_not_text(self, data: bytes, message: str, line: int, column: int) -> None:
        result = files.decode("f", data)
        assert isinstance(result, Unreadable)
        assert message in result.message
        assert (result.line, result.column) == (line, column)

    def test_size_is_capped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write_file("x.yaml", "12345")
        monkeypatch.setattr(files, "MAX_SIZE", 4)
        result = files.read(Found("x.yaml"))
        assert isinstance(result, Unreadable)
        assert "larger than" in result.message

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_in_a_walk_is_not_waited_for(self) -> None:
        os.mkfifo("Dockerfile")
        (found,) = files.find(["."], WANTED)
        assert isinstance(found, Found)
        assert files.read(found) == Unreadable("Dockerfile", "not a regular file")

    @pytest.mark.skipif(sys.platform == "win32", reason="needs /dev/fd")
    def test_a_pipe_that_is_named_is_read(self) -> None:
        out, into = os.pipe()
        os.write(into, b"FROM a\n")
        os.close(into)
        try:
            assert files.read(Found(f"/dev/fd/{out}", explicit=True)) == Source(f"/dev/fd/{out}", "FROM a\n")
        finally:
            os.close(out)

    @pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
    def test_no_permission(self) -> None:
        write_file("a/x.yaml")
        write_file("y.yaml")
        Path("a").chmod(0)
        Path("y.yaml").chmod(0)
        try:
            directory, file = files.find(["."], WANTED)
            assert isinstance(directory, Unreadable)
            assert "Permission denied" in directory.message
            assert isinstance(file, Found)
            assert isinstance(files.read(file), Unreadable)
        finally:
            Path("a").chmod(0o700)

    def test_a_file_that_vanishes_is_said(self) -> None:
        result = files.read(Found("gone.yaml"))
        assert isinstance(result, Unreadable)
        assert "vanished" in result.message

    def test_a_directory_that_vanishes_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write_file("a/x.yaml")

        def vanish(path: str) -> object:
            raise FileNotFoundError(2, "No such file or directory", path)

        monkeypatch.setattr(os, "scandir", vanish)
        (found,) = files.find(["a"], WANTED)
        assert isinstance(found, Unreadable)
        assert found.name == "a"


class TestReader:
    def test_reads_what_lies_inside(self, repository: Path) -> None:
        write_file("a/.env", "X=1")
        assert files.reader([repository])("a/.env") == Source("a/.env", "X=1")

    @pytest.mark.parametrize("name", ["/etc/passwd", "../../../../etc/passwd", "out", "loop", "missing", "a\0b"])
    def test_nothing_else(self, name: str, repository: Path) -> None:
        Path("out").symlink_to("/etc/passwd")
        Path("loop").symlink_to("loop")
        assert files.reader([repository])(name) is None


def test_the_root_is_the_repository_or_else_the_working_directory(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file("a/b/x.yaml")
    assert files.repository(Path("a/b")) == repository
    plain = tmp_path_factory.mktemp("plain")
    (plain / "sub").mkdir()
    assert files.repository(plain / "sub") == plain / "sub"
    monkeypatch.chdir(plain)
    assert files.repository(Path("sub")) == plain
