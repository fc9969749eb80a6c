"""Text patterns of Kyverno and Gatekeeper: `*` stands for any characters, `?` (Kyverno's) for one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def like(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern as a whole; an empty pattern fits the empty text only."""
    return pattern == "*" or pattern == text or _compiled(pattern).fullmatch(text) is not None


def like_any(patterns: Iterable[str], text: str) -> bool:
    """Whether a text fits one of the patterns."""
    return any(like(pattern, text) for pattern in patterns)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Every part between stars is looked for once, from the left: atomic groups forbid going back."""
    first, *rest = (re.escape(part).replace(r"\?", ".") for part in re.split(r"\*+", pattern))
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle) + f".*{last}", re.DOTALL)
