"""How a worker is doing, as numbers that another thread or process may read while they change."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import MutableSequence

#: Numbers that a worker keeps: heartbeat, serving (0/1), end of the certificate's life.
SLOTS = 3
_BEAT, _SERVING, _EXPIRY = range(SLOTS)

#: An event loop that has not turned for this long is dead.
PULSE = 30.0


class Health(Protocol):
    """What the probes ask."""

    def alive(self) -> bool: ...

    def ready(self) -> bool: ...


class WorkerHealth:
    """One worker's numbers, in a sequence of `SLOTS` of them that may be shared memory."""

    def __init__(self, numbers: MutableSequence[float] | None = None) -> None:
        self._numbers: MutableSequence[float] = [0.0] * SLOTS if numbers is None else numbers
        self.beat()

    def beat(self) -> None:
        self._numbers[_BEAT] = time.monotonic()

    def serving(self, yes: bool) -> None:
        self._numbers[_SERVING] = float(yes)

    def certificate_until(self, timestamp: float) -> None:
        self._numbers[_EXPIRY] = timestamp

    def alive(self) -> bool:
        return time.monotonic() - self._numbers[_BEAT] < PULSE

    def ready(self) -> bool:
        """Policies loaded, self-review passed, certificate in its time, and not on the way out."""
        return self._numbers[_SERVING] == 1.0 and self._numbers[_EXPIRY] > time.time() and self.alive()
