"""A directory to run the program in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.command import Command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled policies, kept from one test to the next."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def policykit(tmp_path: Path, cache: Path) -> Command:
    """The program, in an empty repository."""
    (tmp_path / ".git").mkdir()
    return Command(tmp_path, cache)
