"""What is known of the environment of an image that nobody here builds: the names of the variables it sets.

The table is data (`base_environments.json`): official images, with every name that one of their versions in use sets.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from policykit.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.views.image_reference import ImageReference

_OFFICIAL = "docker.io/"


def variables_of(image: ImageReference) -> frozenset[str] | None:
    """The names of the variables an image sets; None where the table does not list it."""
    if isinstance(image.name, Unknown) or not image.name.startswith(_OFFICIAL):
        return None
    return _table().get(image.name.removeprefix(_OFFICIAL).removeprefix("library/"))


@cache
def _table() -> Mapping[str, frozenset[str]]:
    text = Path(__file__).with_name("base_environments.json").read_text("utf-8")
    return {name: frozenset(names) | {"PATH"} for name, names in json.loads(text).items()}
