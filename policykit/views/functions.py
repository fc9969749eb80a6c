"""Functions that policies have beyond Kubernetes' CEL: `image.isUnder([...])`. A library of `policykit.cel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.library import member
from policykit.cel.types import BOOL, STRING, ListType
from policykit.views.image_reference import matches_any
from policykit.views.types import IMAGE

if TYPE_CHECKING:
    from policykit.unknown import Unknown


def is_under(image: dict[str, Any], patterns: list[str]) -> bool | Unknown:
    """Whether an image's name lies under one of the patterns (`matches_any`), as far as its name is known."""
    return matches_any(image["name"], patterns)


FUNCTIONS = (member("isUnder", (IMAGE, ListType(STRING)), BOOL, is_under, linear=True, partial=True),)
TYPES: dict[str, Any] = {}
