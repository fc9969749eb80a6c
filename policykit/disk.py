"""Questions to the file system into answers, noted where a run wants to know later whether they are still the same."""

from __future__ import annotations

import os
import stat
from hashlib import sha256

TYPE_CHECKING = False  # of `typing`, which takes as long to import as everything here together
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: Far beyond any file of the three formats; the largest real manifests (CRD bundles) have 5 MB.
MAX_SIZE = 64 * 1024 * 1024


class Disk:
    """The file system. Paths are as the operating system takes them."""

    def kind(self, path: str) -> str:
        """`file`, `directory`, `other`, `broken` (a link to nothing) or "" for nothing; a link is what it leads to."""
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116
        except (OSError, ValueError):
            return "broken" if os.path.islink(path) else ""  # noqa: PTH114
        return "directory" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"

    def entries(self, directory: str) -> list[tuple[str, str]]:
        """Name and kind (`directory`, `link` or `other`) of what a directory holds, by name. OSError."""
        with os.scandir(directory) as scan:
            return sorted((entry.name, _entry_kind(entry)) for entry in scan)

    def read(self, path: str) -> bytes:
        """What a file holds, or the first bytes of it, more than `MAX_SIZE`. OSError."""
        with open(path, "rb") as file:  # noqa: PTH123
            # A limit makes Python provide for all of it.
            known = 0 < os.fstat(file.fileno()).st_size <= MAX_SIZE
            return file.read() if known else file.read(MAX_SIZE + 1)

    def real(self, path: str) -> str:
        """The path without links and dots."""
        return os.path.realpath(path)

    def doubt(self) -> None:
        """What was made of the answers may come out otherwise the next time."""

    def tree(self, directory: str, ending: str = ".yaml") -> list[tuple[str, bytes]]:
        """Path and content of all files below a directory whose names end so, by path. OSError."""
        found: list[tuple[str, bytes]] = []
        for name, kind in Disk.entries(self, directory):
            path = os.path.join(directory, name)  # noqa: PTH118
            if kind == "directory":
                found += Disk.tree(self, path, ending)
            elif name.endswith(ending):
                found.append((path, Disk.read(self, path)))
        return found


class NotedDisk(Disk):
    """The file system, with all `answers` it gave so far; `repeatable` is false where they cannot be had again."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Any] = {}
        self.repeatable = True

    def kind(self, path: str) -> str:
        kind = super().kind(path)
        self._note("kind", path, kind)
        return kind

    def real(self, path: str) -> str:
        real = super().real(path)
        self._note("real", path, real)
        return real

    def entries(self, directory: str) -> list[tuple[str, str]]:
        try:
            found = super().entries(directory)
        except OSError as error:
            raise self._failed("entries", directory, error) from None
        self._note("entries", directory, _digest(repr(found).encode("utf-8", "surrogatepass")))
        return found

    def read(self, path: str) -> bytes:
        try:
            content = super().read(path)
        except OSError as error:
            raise self._failed("read", path, error) from None
        self._note("read", path, _digest(content))
        if Disk.kind(self, path) != "file":  # a pipe gives what it gives once
            self.repeatable = False
        return content

    def doubt(self) -> None:
        self.repeatable = False

    def tree(self, directory: str, ending: str = ".yaml") -> list[tuple[str, bytes]]:
        found = super().tree(directory, ending)
        digest = sha256()
        for path, content in found:
            digest.update(f"{path}\0{len(content)}\0".encode("utf-8", "surrogatepass"))
            digest.update(content)
        self._note("tree", directory, digest.digest())
        return found

    def _note(self, question: str, path: str, answer: Any) -> None:
        if self.answers.setdefault((question, path), answer) != answer:  # it changed under our hands
            self.repeatable = False

    def _failed(self, question: str, path: str, error: OSError) -> OSError:
        self._note(question, path, error.errno)
        return error


def still_true(answers: Mapping[tuple[str, str], Any]) -> bool:
    """Would the file system answer the same questions in the same way?"""
    disk = NotedDisk()
    for (question, path), answer in answers.items():
        try:  # noqa: SIM105  contextlib takes longer to import than this
            getattr(disk, question)(path)
        except OSError:
            pass
        if disk.answers.get((question, path)) != answer:
            return False
    return True


def _entry_kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    return "directory" if entry.is_dir(follow_symlinks=False) else "other"


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()
