"""A limit of time on pure Python code, enforced by an interval timer of the process.

An evaluation on the event loop's own thread cannot be cancelled from outside; SIGALRM reaches it between two byte
codes, and within a regular expression too. Works in the main thread only.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from policykit_webhook.judge import Cut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

#: Where an alarm was swallowed by code that catches everything, it rings again after this long.
_AGAIN = 0.02


class Alarm:
    """Cuts what runs under `limit` when its time is over, or when `signal_number` arrives."""

    def __init__(self, *signal_numbers: int) -> None:
        self._armed = False
        self._held = False
        for number in (signal.SIGALRM, *signal_numbers):
            signal.signal(number, self._ring)

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raises Cut within the block after `seconds`."""
        try:
            self._armed = True
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), _AGAIN)
            yield
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within a limit: lets no alarm through; what rings meanwhile rings again after the block."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if self._armed and not self._held:
            raise Cut
