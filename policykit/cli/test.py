"""`policykit test`: the examples of policies, run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from policykit.cli.main import CLEAN, VIOLATIONS
from policykit.cli.options import cache_directory
from policykit.errors import Problem, UsageError

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directories", metavar="DIR", nargs="*", help="directories of policies (default: the built-in ones)"
    )
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write compiled policies")


def run(parsed: argparse.Namespace) -> int:
    from policykit.catalogue import load_catalogue
    from policykit.catalogue.examples import missing_examples, missing_extra, read_examples, run_examples

    missing = [name for name in parsed.directories if not Path(name).is_dir()]
    if missing:
        raise UsageError(*(Problem("no such directory", name) for name in missing))
    directories = tuple(Path(name) for name in parsed.directories)
    catalogue = load_catalogue(directories, cache=cache_directory(parsed))
    failed = skipped = 0
    files = [
        file
        for file in read_examples(directories)
        if not directories or _is_below(catalogue.file(file.policy.id), directories)
    ]
    for file in files:
        if extra := missing_extra(file.policy):
            sys.stdout.write(f"skipped {file.policy.id} (needs policykit[{extra}])\n")
            skipped += 1
            continue
        problems = [*missing_examples(file), *run_examples(file, catalogue)]
        failed += bool(problems)
        groups = (file.examples.passing, file.examples.failing, file.examples.unknown)
        sys.stdout.write(f"{'FAILED' if problems else 'ok':<6} {file.policy.id} ({sum(map(len, groups))} examples)\n")
        for problem in problems:
            sys.stdout.write(f"       {problem}\n")
    sys.stdout.write(f"{len(files) - failed - skipped} of {len(files)} policies do what their examples say\n")
    return VIOLATIONS if failed else CLEAN


def _is_below(file: str, directories: tuple[Path, ...]) -> bool:
    return any(Path(file).resolve().is_relative_to(directory.resolve()) for directory in directories)
