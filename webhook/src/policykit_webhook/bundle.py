"""Configuration and policy folders to a snapshot of their bytes: what is read once is what is loaded, by every process.

Mounted ConfigMaps change under a reader, file by file and without reliable events: contents are read, hashed and
compared, and a load never touches the mount again. The last good snapshot stays for the slow lane, whatever becomes of
the source.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from policykit.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIG = "policykit.yaml"
#: Where a snapshot keeps the folders that the command line names; a configuration's own stay beside it.
POLICIES = ".given"
#: Beside the snapshots: compiled policies, by their contents.
COMPILED = "compiled"
#: A mount with more than this is not a policy folder.
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sources:
    """Where configuration and policies are kept. No folders: the built-in policies alone."""

    config: Path | None = None
    policies: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The bytes of all files by their place in a snapshot's directory."""

    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        whole = hashlib.sha256()
        for name in sorted(self.files):
            whole.update(f"{name}\0{len(self.files[name])}\0".encode())
            whole.update(self.files[name])
        return whole.hexdigest()

    def write(self, parent: Path) -> Path:
        """The snapshot as a directory under `parent`, the same one for the same contents."""
        directory = parent / self.digest
        if not directory.exists():
            draft = parent / f".{self.digest}"
            for name, content in self.files.items():
                path = draft / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            draft.mkdir(parents=True, exist_ok=True)
            draft.rename(directory)
        return directory


def read(sources: Sources) -> Snapshot:
    """The present contents. Raises UsageError where something cannot be read."""
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    if sources.config is not None:
        _add(files, CONFIG, sources.config, problems)
        for folder, place in _named_in(sources.config, files.get(CONFIG, b""), problems):
            _add_folder(files, place, folder, problems)
    for number, folder in enumerate(sources.policies):
        _add_folder(files, PurePosixPath(POLICIES, str(number)), folder, problems)
    if sum(map(len, files.values())) > _MOST_BYTES:
        problems.append(Problem(f"more than {_MOST_BYTES} bytes of policies", ", ".join(map(str, sources.policies))))
    if problems:
        raise UsageError(*problems)
    return Snapshot(files)


def folders(directory: Path) -> tuple[Path, ...]:
    """The policy folders in a snapshot's directory, in the order they were given."""
    parent = directory / POLICIES
    return tuple(sorted(parent.iterdir(), key=lambda p: int(p.name))) if parent.is_dir() else ()


def keep_only(parent: Path, kept: Path) -> None:
    """Removes the other snapshots; what is compiled stays for the next load."""
    for path in parent.iterdir():
        if path.is_dir() and path.name not in (kept.name, COMPILED):
            shutil.rmtree(path, ignore_errors=True)


def _named_in(path: Path, content: bytes, problems: list[Problem]) -> Iterator[tuple[Path, PurePosixPath]]:
    """The policy folders that a configuration names, and their place beside it."""
    from policykit.config.load import load
    from policykit.document import Source

    directory = path.absolute().parent
    for folder in load(Source(str(path), content.decode("utf-8", "replace")), directory).policies:
        place = Path(os.path.normpath(folder))
        if place.is_relative_to(directory):
            yield folder, PurePosixPath(place.relative_to(directory).as_posix())
        else:
            hint = "keep policies below the directory of the configuration, or name them with --policies"
            problems.append(Problem(f"`{folder}` lies outside", str(path), hint))


def _add_folder(files: dict[str, bytes], place: PurePosixPath, folder: Path, problems: list[Problem]) -> None:
    if not folder.is_dir():
        problems.append(Problem("is not a directory", str(folder)))
        return
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        # `..data` and its like are how a mounted ConfigMap is exchanged; the names beside them point into it
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            _add(files, str(PurePosixPath(place, *inside.parts)), path, problems)


def _add(files: dict[str, bytes], name: str, path: Path, problems: list[Problem]) -> None:
    try:
        files[name] = path.read_bytes()
    except OSError as error:
        problems.append(Problem(f"cannot be read: {error.strerror}", str(path)))
