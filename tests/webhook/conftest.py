"""Rules that most tests of the server use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.webhook import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG = {
    "id": "image-explicit-tag",
    "severity": "error",
    "does": "moving_tag",
    "help": "Pin the image to a tag or digest.",
}
PRIVILEGED = {"id": "container-privileged", "severity": "error", "does": "privileged"}
OWNER = {"id": "label-owner", "severity": "warning", "does": "no_owner"}
NOTE = {"id": "note", "severity": "info", "does": "always", "message": "noted"}
RULES: tuple[dict[str, Any], ...] = (TAG, PRIVILEGED, OWNER, NOTE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server with a few rules, shared by the tests of a module."""
    with servers.running(tmp_path_factory.mktemp("server"), *RULES) as running:
        yield running
