"""One control plane for a whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster import control_plane
from tests.cluster.binaries import MissingBinaryError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control_plane.ControlPlane]:
    """A running API server, or a skip that says what is missing."""
    try:
        running = control_plane.start(tmp_path_factory.mktemp("plane"))
    except MissingBinaryError as error:
        pytest.skip(str(error))
    yield running
    running.stop()
