"""A package as written into whether it is a name or a file, whether it asks for a version, and its name.

Rules: the manual page of each package manager.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policykit.unknown import HOLE

if TYPE_CHECKING:
    from collections.abc import Callable


def local(*endings: str) -> Callable[[str], bool]:
    """Whether a text is a path, an address, or a file by its ending."""

    def is_local(text: str) -> bool:
        return text.startswith((".", "/", "~")) or "://" in text or text.lower().endswith(endings)

    return is_local


def version_by(pattern: str) -> Callable[[str], bool]:
    """Whether a text asks for a version: where the pattern is found in it."""
    compiled = re.compile(pattern)
    return lambda text: compiled.search(text) is not None


def npm_pinned(text: str) -> bool:
    """`name@version`, `@scope/name@version`, the same behind an alias, or a commit of a repository."""
    text = text.rpartition("npm:")[2]
    if "/" in text.removeprefix("@").partition("/")[2] or ":" in text or ("/" in text and not text.startswith("@")):
        return "#" in text
    return text.removeprefix("@").partition("@")[2] not in ("", "latest", "next")


def npm_local(text: str) -> bool:
    """A file or a directory; a repository is none, it is asked for its commit."""
    if text.startswith(("git+", "git:", "github:", "gitlab:", "bitbucket:", "gist:")):
        return False
    return local(".tgz", ".tar", ".tar.gz")(text)


def pip_local(text: str) -> bool:
    """A file, a directory, a direct reference, or a repository at a revision."""
    if re.match(r"(?:git|hg|svn|bzr)\+", text):
        return "@" in text.partition("://")[2].partition("/")[2]  # at a revision
    return local(".whl", ".zip", ".tar.gz", ".tar.bz2")(text) or "/" in text or " @ " in text


def go_local(text: str) -> bool:
    """A package of the module at hand, or one of the words for several of them."""
    return text.startswith((".", "/", "~")) or text.endswith(".go") or text in ("all", "std", "cmd", "tool")


def go_pinned(text: str) -> bool:
    """`package@version`, unless the version is a word for the newest."""
    return text.partition("@")[2] not in ("", "latest", "upgrade", "patch")


RPM_VERSION = rf"-(?:[0-9]+:)?[0-9{HOLE}][^-]*(?:-[0-9{HOLE}][^-]*)?$"
_RPM_NAME = re.compile(RPM_VERSION)
_NAME = re.compile(r"[^=<>~!:;\[\s]+")


def name_of(manager: str, text: str) -> str:
    """The name of a package as written, without its version; `manager` as in `Manager.name`."""
    if manager in ("yum", "dnf"):
        return _RPM_NAME.sub("", text)
    if manager in ("npm", "yarn", "pnpm", "go", "cargo"):
        return text[:1] + text[1:].partition("@")[0]
    match = _NAME.match(text)
    name = match[0] if match else text
    return name.partition("/")[0] if manager == "apt" else name
