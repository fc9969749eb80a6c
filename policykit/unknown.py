"""A value that cannot be known from the files alone: `$ARG` without a default, the user of an unseen base image.

It is a value like any other on its way from a parser through a view into an expression; CEL propagates it
as its specification says, and a policy whose result is unknown reports that instead of a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Stands for each unknown piece in `Unknown.pattern`. No format that is read here can carry a NUL.
HOLE = "\0"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a value is not known, and what of it is.

    `reasons`: sentences without a full stop, in the order met, each once ("`TAG` has no default").
    `pattern`: for a text of which some pieces are known, the text with `HOLE` for each unknown piece.
    """

    reasons: tuple[str, ...]
    pattern: str = HOLE

    def can_be(self, text: str) -> bool:
        """Whether some text for each hole makes the pattern `text`."""
        first, *rest = self.pattern.split(HOLE)
        if not rest:
            return text == first
        *between, last = rest
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in between:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false")


def merge(first: Unknown, second: Unknown) -> Unknown:
    """Both reasons, each once: what an operation on two unknown values depends on."""
    extra = tuple(r for r in second.reasons if r not in first.reasons)
    return Unknown(first.reasons + extra) if extra else first
