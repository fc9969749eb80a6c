"""Paths on the command line into sources: the only place that reads what is to be checked.

What git ignores is left out, what a user names is always taken, and what cannot be read is said (`Unreadable`).
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from policykit.disk import MAX_SIZE, Disk
from policykit.document import Source, Unreadable
from policykit.errors import Problem, UsageError
from policykit.gitignore import Ignore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


STDIN = "-"
_DISK = Disk()

#: The longer marks first: UTF-32's little-endian one begins with UTF-16's.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Found(NamedTuple):
    """A file to read. `name` is relative to the working directory, with `/`; `explicit`: a user named it."""

    name: str
    explicit: bool = False


class Wanted(NamedTuple):
    """Which files a walk takes.

    `could_be` says whether a file name is worth reading; `excluded` gives the patterns (as in `.gitignore`) that a
    directory's configuration excludes below it; `force_exclude` applies those to files that were named, too.
    """

    could_be: Callable[[str], bool]
    excluded: Callable[[Path], Sequence[str]] = lambda _: ()
    force_exclude: bool = False


def find(paths: Sequence[str], wanted: Wanted, disk: Disk = _DISK) -> list[Found | Unreadable]:
    """The files that `paths` stand for, each once, in order of their names. UsageError for paths that do not exist."""
    missing = [path for path in paths if not disk.kind(path)]
    if missing:
        raise UsageError(*(Problem("no such file or directory", path) for path in missing))
    found: dict[str, Found | Unreadable] = {}
    for path in paths:
        name = display_name(path)
        if disk.kind(path) == "directory":
            for item in _Walk(wanted, repository(Path(path), disk), disk).files(path):
                found.setdefault(item.name, item)
        elif not (wanted.force_exclude and _Walk(wanted, repository(Path(path).parent, disk), disk).is_excluded(path)):
            found[name] = Found(name, explicit=True)
    return sorted(found.values(), key=lambda item: item.name.split("/"))


def display_name(path: str) -> str:
    """`path` as the user would say it: relative to the working directory where it lies below it, with `/`."""
    name = os.path.normpath(path)
    if Path(name).is_absolute():
        with contextlib.suppress(ValueError):
            name = str(Path(name).relative_to(Path.cwd()))
    return name.replace(os.sep, "/")


def repository(directory: Path, disk: Disk = _DISK) -> Path:
    """The root of the git repository around `directory`; without one the working directory, where that is around it."""
    absolute = _absolute(directory)
    for candidate in (absolute, *absolute.parents):
        if disk.kind(str(candidate / ".git")) not in ("", "broken"):
            return candidate
    working = Path.cwd()
    return working if absolute.is_relative_to(working) else absolute


def _absolute(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))


def read(found: Found, disk: Disk = _DISK) -> Source | Unreadable:
    """The text of a file. Never raises: what keeps it from being text is in the `Unreadable`."""
    try:
        # What a user names may be a pipe (`<(helm template .)`); in a walk it would wait for a writer for ever.
        if not found.explicit and disk.kind(found.name) == "other":
            return Unreadable(found.name, "not a regular file")
        return decode(found.name, disk.read(found.name))
    except OSError as error:
        return Unreadable(found.name, f"cannot be read: {_reason(error)}")


def reader(roots: Iterable[Path], disk: Disk = _DISK) -> Callable[[str], Source | None]:
    """A function that reads the files that others refer to, by name; None for those outside `roots` or no text.

    Files are hostile until proven otherwise: one that includes `/etc/passwd` must not have it quoted in a report.
    """
    bounds = tuple({Path(disk.real(str(root))) for root in roots})

    def read_inside(name: str) -> Source | None:
        try:
            real = Path(disk.real(name))
        except (OSError, ValueError):
            return None
        if not any(real.is_relative_to(bound) for bound in bounds):
            return None
        source = read(Found(name), disk)
        return source if isinstance(source, Source) else None

    return read_inside


def decode(name: str, data: bytes) -> Source | Unreadable:
    """Bytes as text: UTF-8, or what a byte order mark says."""
    if len(data) > MAX_SIZE:
        return Unreadable(name, f"larger than {MAX_SIZE // (1024 * 1024)} MB")
    mark, encoding = next((known for known in _BYTE_ORDER_MARKS if data.startswith(known[0])), (b"", "utf-8"))
    data = data[len(mark) :]
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if b"\0" in data and encoding == "utf-8":
            return Unreadable(name, "a binary file")
        message = f"not {encoding.upper()}: {error.reason} (byte 0x{data[error.start]:02x})"
        return Unreadable(name, message, *_position(data[: error.start].decode(encoding)))
    if (nul := text.find("\0")) >= 0:
        return Unreadable(name, "a binary file: it has a NUL character", *_position(text[:nul]))
    return Source(name, text)


def _position(before: str) -> tuple[int, int]:
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return len(lines), len(lines[-1]) + 1


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a symbolic link that leads to itself"
    if error.errno == errno.ENOENT:
        return "a symbolic link to nothing, or a file that has just vanished"
    return error.strerror or str(error)


class _Layer(NamedTuple):
    """The patterns written in one directory, for what lies below it."""

    base: str
    patterns: Ignore


class _Walk:
    """One walk through a directory below `root`, the top of what ignore files apply to."""

    def __init__(self, wanted: Wanted, root: Path, disk: Disk) -> None:
        self._wanted = wanted
        self._root = root
        self._disk = disk
        self._links: list[str] = []

    def files(self, path: str) -> Iterator[Found | Unreadable]:
        """Files below `path` that are worth reading and not ignored, a link to one that is here anyway left out."""
        real: set[str] = set()
        stack = [(os.path.normpath(path), self._layers_above(path))]
        while stack:
            directory, layers = stack.pop()
            try:
                entries = self._disk.entries(directory)
            except OSError as error:
                yield Unreadable(display_name(directory), f"cannot be read: {_reason(error)}")
                continue
            layers = self._with_layer(layers, directory)
            place = self._disk.real(directory)
            for name, kind in entries:
                inner = os.path.join(directory, name).removeprefix(f".{os.sep}")  # noqa: PTH118
                if kind == "directory":
                    if name != ".git" and not _is_ignored(layers, inner, is_directory=True):
                        stack.append((inner, layers))
                elif self._wanted.could_be(name) and not _is_ignored(layers, inner, is_directory=False):
                    if kind == "link":
                        self._links.append(inner)
                    else:
                        real.add(os.path.join(place, name))  # noqa: PTH118
                        yield Found(display_name(inner))
        yield from self._linked(real)

    def _linked(self, real: set[str]) -> Iterator[Found | Unreadable]:
        for link in sorted(self._links):
            target, kind = self._disk.real(link), self._disk.kind(link)
            # A link to a directory leads to what is in the tree itself, or is no part of it.
            if target in real or kind == "directory":
                continue
            if kind != "broken" and not Path(target).is_relative_to(self._disk.real(str(self._root))):
                message = "a symbolic link that leads out of the repository; to check it all the same, name it"
                yield Unreadable(display_name(link), message)
            else:
                real.add(target)
                yield Found(display_name(link))

    def is_excluded(self, path: str) -> bool:
        """Does the configuration exclude this file? What git ignores does not count: somebody named it."""
        absolute = _absolute(Path(path))
        directories = [parent for parent in reversed(absolute.parents) if parent.is_relative_to(self._root)]
        layers: tuple[_Layer, ...] = ()
        for directory, inner in zip(directories, [*directories[1:], absolute], strict=True):
            if lines := self._wanted.excluded(directory):
                layers = (*layers, _Layer(str(directory), Ignore(lines)))
            if _is_ignored(layers, str(inner), is_directory=inner is not absolute):
                return True
        return False

    def _layers_above(self, path: str) -> tuple[_Layer, ...]:
        """Patterns from the root down to the parent of `path`; none where they ignore `path` itself: it was named."""
        absolute = _absolute(Path(path))
        exclude = _git_directory(self._root, self._disk) / "info" / "exclude"
        layers = _layer(str(self._root), _lines(exclude, self._disk))
        if absolute == self._root:
            return layers
        above = [parent for parent in reversed(absolute.parents) if parent.is_relative_to(self._root)]
        for directory, inner in zip(above, [*above[1:], absolute], strict=True):
            layers = self._with_layer(layers, str(directory))
            if _is_ignored(layers, str(inner), is_directory=True):
                return ()
        return layers

    def _with_layer(self, layers: tuple[_Layer, ...], directory: str) -> tuple[_Layer, ...]:
        lines = [*_lines(Path(directory) / ".gitignore", self._disk), *self._wanted.excluded(Path(directory))]
        return layers + _layer(str(Path(directory).absolute()), lines)


def _layer(base: str, lines: Sequence[str]) -> tuple[_Layer, ...]:
    return (_Layer(base, Ignore(lines)),) if lines else ()


def _is_ignored(layers: tuple[_Layer, ...], path: str, *, is_directory: bool) -> bool:
    """The last pattern that matches decides, and the nearer directory's are the later ones (gitignore(5))."""
    if not layers:
        return False
    absolute = _absolute(Path(path))
    for base, patterns in reversed(layers):
        relative = os.path.relpath(absolute, base).replace(os.sep, "/")
        verdict = patterns.verdict(relative, is_directory=is_directory)
        if verdict is not None:
            return verdict
    return False


def _git_directory(root: Path, disk: Disk) -> Path:
    """Where git keeps `info/exclude`: in a worktree or submodule `.git` is a file that says where."""
    git = root / ".git"
    if disk.kind(str(git)) != "file":
        return git
    for line in _lines(git, disk):
        if line.startswith("gitdir:"):
            directory = root / line.removeprefix("gitdir:").strip()
            common = _lines(directory / "commondir", disk)
            return directory / common[0] if common else directory
    return git


def _lines(path: Path, disk: Disk) -> list[str]:
    try:
        text = disk.read(str(path)).decode("utf-8-sig", "surrogateescape")
    except OSError:
        return []
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
