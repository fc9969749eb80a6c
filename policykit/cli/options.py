"""Options that several verbs share, and what they stand for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from policykit.errors import Problem, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping


def add_catalogue_arguments(parser: argparse.ArgumentParser) -> None:
    """Where policies and configuration come from."""
    parser.add_argument(
        "--policies", metavar="DIR", action="append", default=[], help="policies of your own, beside the built-in ones"
    )
    parser.add_argument("--config", metavar="FILE", help="the only configuration, in place of policykit.yaml files")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write compiled policies")


def policy_directories(parsed: argparse.Namespace) -> tuple[Path, ...]:
    """The directories of `--policies`. UsageError where one does not exist."""
    missing = [name for name in parsed.policies if not Path(name).is_dir()]
    if missing:
        raise UsageError(*(Problem("no such directory", f"--policies {name}") for name in missing))
    return tuple(Path(name) for name in parsed.policies)


def cache_directory(parsed: argparse.Namespace, environment: Mapping[str, str]) -> Path | None:
    """Where the user's caches are by the custom of the system; None for no cache."""
    if parsed.no_cache:
        return None
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = environment.get("XDG_CACHE_HOME")
        if not base or not base.startswith("/"):  # the specification says that a relative one is to be ignored
            home = environment.get("HOME")
            base = f"{home}/.cache" if home else None
    return Path(base) / "policykit" if base else None


def split_names(given: Iterable[str]) -> tuple[str, ...]:
    """Names of options that may be repeated and may hold several, separated by commas."""
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())


def wants_colour(environment: Mapping[str, str] = os.environ) -> bool:
    """Is standard output a terminal that shows colours? https://no-color.org, https://force-color.org"""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and environment.get("TERM") != "dumb"
