"""Options that several verbs share, and what they stand for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from policykit import stored
from policykit.disk import Disk
from policykit.errors import Problem, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add_catalogue_arguments(parser: argparse.ArgumentParser) -> None:
    """Where policies and configuration come from."""
    parser.add_argument(
        "--policies", metavar="DIR", action="append", default=[], help="policies of your own, beside the built-in ones"
    )
    parser.add_argument("--config", metavar="FILE", help="the only configuration, in place of policykit.yaml files")
    parser.add_argument(
        "--preset", metavar="NAME", action="append", default=[], help="a named set of rules, as with `extends`"
    )
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the user's cache")


def policy_directories(parsed: argparse.Namespace, disk: Disk = Disk()) -> tuple[Path, ...]:  # noqa: B008  no state
    """The directories of `--policies`. UsageError where one does not exist."""
    missing = [name for name in parsed.policies if disk.kind(name) != "directory"]
    if missing:
        raise UsageError(*(Problem("no such directory", f"--policies {name}") for name in missing))
    return tuple(Path(name) for name in parsed.policies)


def cache_directory(parsed: argparse.Namespace) -> Path | None:
    """Where to keep what took long to find out; None for nowhere."""
    directory = None if parsed.no_cache else stored.user_directory(os.environ)
    return Path(directory) if directory else None


def split_names(given: Iterable[str]) -> tuple[str, ...]:
    """Names of options that may be repeated and may hold several, separated by commas."""
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())
