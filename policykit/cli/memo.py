"""A command that was run before, and files that have not changed since, into what it said then.

A check is a function of its arguments, of the day (suppressions expire), of the program, and of what it asks of the
file system. All of its questions are kept with their answers (`policykit.disk`); as long as the file system still gives
the same ones, so would the check. Nothing is imported here that a run of 20 ms would feel.
"""

from __future__ import annotations

import os
import sys
import time
from hashlib import sha256

from policykit import __version__, stored
from policykit.disk import NotedDisk, still_true

TYPE_CHECKING = False  # of `typing`, which takes as long to import as everything here together
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    #: The exit code, and each text with the file it goes to; "" for standard output.
    Said = tuple[int, list[tuple[str, str]]]


def recall(arguments: Sequence[str]) -> Said | None:
    """What `policykit check` said to these arguments, if it would say the same now."""
    if arguments[:1] != ["check"] or "--no-cache" in arguments:
        return None
    file = _file(arguments)
    kept = stored.load(file) if file else None
    if kept is None or not still_true(kept[0]):
        return None
    said: Said = kept[1]
    return said


def keep(arguments: Sequence[str], disk: NotedDisk, said: Said) -> None:
    """Remember what a check said, unless it read something that cannot be read again."""
    file = _file(arguments)
    if file and disk.repeatable:
        stored.store(file, (disk.answers, said))


def wants_colour(environment: Mapping[str, str] = os.environ) -> bool:
    """Is standard output a terminal that shows colours? https://no-color.org, https://force-color.org"""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and environment.get("TERM") != "dumb"


def _file(arguments: Sequence[str]) -> str:
    """Where the answer to a command is kept; "" where it cannot be."""
    directory = stored.user_directory(os.environ)
    try:
        question = (list(arguments), os.getcwd(), wants_colour(), time.strftime("%Y-%m-%d"), sys.version, _program())  # noqa: PTH109
    except OSError:
        return ""
    name = sha256(repr(question).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{directory}{os.sep}check-{name}.bin" if directory else ""


def _program() -> list[object]:
    """This very program: its version alone would not tell a checkout that somebody works in."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    state: list[object] = [__version__, package]
    stack = [package]
    while stack:
        with os.scandir(stack.pop()) as scan:
            for entry in scan:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    state.append((entry.path, status.st_size, status.st_mtime_ns))
                elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                    stack.append(entry.path)
    return sorted(state, key=repr)
