"""Plain values into files of the user's cache directory and back: whole or not at all, and never too many of them."""

from __future__ import annotations

import marshal
import os
import sys
from hashlib import sha256

TYPE_CHECKING = False  # of `typing`, which takes as long to import as everything here together
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: What all files of a cache directory may take together, in bytes.
LIMIT = 128 * 1024 * 1024
_CHECKSUM = 32


def user_directory(environment: Mapping[str, str]) -> str | None:
    """Where the user's caches are by the custom of the system; None where that is nowhere."""
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")  # noqa: PTH111
    else:
        base = environment.get("XDG_CACHE_HOME")
        if not base or not base.startswith("/"):  # the specification says that a relative one is to be ignored
            home = environment.get("HOME")
            base = f"{home}/.cache" if home else None
    return f"{base}{os.sep}policykit" if base else None


def load(path: str) -> Any:
    """The value that was stored; None where there is none, or none whole: a damaged file is as good as none."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            content = file.readall()
        if sha256(content[_CHECKSUM:]).digest() != content[:_CHECKSUM]:
            return None
        os.utime(path)  # what is used stays
        return marshal.loads(content[_CHECKSUM:])  # noqa: S302
    except (OSError, ValueError, EOFError, TypeError):
        return None


def store(path: str, value: Any, limit: int = LIMIT) -> None:
    """Keep a value of plain types, readable by nobody else. One that cannot be kept is no error.

    The files that were not used for longest go, where all together would take more than `limit`.
    """
    payload = marshal.dumps(value)
    if len(payload) > limit // 4:
        return
    directory = os.path.dirname(path)  # noqa: PTH120
    # Another process may be at the same value; neither sees the other's half.
    unfinished = f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(directory, exist_ok=True, mode=0o700)  # noqa: PTH103
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(sha256(payload).digest() + payload)
        os.replace(unfinished, path)  # noqa: PTH105
        _evict(directory, limit)
    except OSError:
        return


def _evict(directory: str, limit: int) -> None:
    with os.scandir(directory) as scan:
        files = [(entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in scan if entry.is_file()]
    excess = sum(size for _, size, _ in files) - limit
    for _, size, path in sorted(files):
        if excess <= 0:
            return
        os.unlink(path)  # noqa: PTH108
        excess -= size
