"""What is known of an image that nobody here builds: the user it runs as.

The table is data (`base_images.json`, first match wins): only images whose published configuration has said the same
for years. What it does not list is unknown. A configuration may put entries of its own in front.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from policykit.unknown import Unknown
from policykit.views.image_reference import matches_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.views.image_reference import ImageReference, Text


class BaseImage(NamedTuple):
    """Images by name (patterns as in `matches_any`) and by tag (a glob)."""

    images: tuple[str, ...]
    user: str
    tags: str = "*"
    windows: bool = False


def base_image(reference: ImageReference, known: Sequence[BaseImage]) -> BaseImage | None:
    """The first entry of `known`, then of the built-in table, that matches; None where none certainly does."""
    return _first(reference.name, reference.tag, tuple(known))


@lru_cache(maxsize=4096)
def _first(name: Text, tag: Text, known: tuple[BaseImage, ...]) -> BaseImage | None:
    for entry in (*known, *_built_in()):
        named = matches_any(name, list(entry.images))
        if named is False:
            continue
        if isinstance(named, Unknown) or (isinstance(tag, Unknown) and entry.tags != "*"):
            return None  # this entry may apply or not, so no later one may be trusted
        if isinstance(tag, Unknown) or fnmatchcase(tag, entry.tags):
            return entry
    return None


@cache
def _built_in() -> tuple[BaseImage, ...]:
    text = Path(__file__).with_name("base_images.json").read_text("utf-8")
    return tuple(BaseImage(**{**row, "images": tuple(row["images"])}) for row in json.loads(text))
