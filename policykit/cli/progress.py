"""How far a run has come, on a terminal, once it has taken longer than anybody likes to wait in silence."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from types import TracebackType

_INTERVAL = 0.1


class Progress:
    """A line that is written over itself; nothing at all where `stream` is no terminal."""

    def __init__(self, stream: TextIO | None, patience: float = 1.0) -> None:
        self._stream = stream if stream is not None and stream.isatty() else None
        self._next = monotonic() + patience
        self._shown = False
        self.total = 0
        self._done = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._stream is not None and self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def step(self) -> None:
        """One more file is read."""
        self._done += 1
        self._show(f"{self._done} of {self.total} files")

    def judging(self) -> None:
        """All files are read; the time goes into rules now."""
        self._show(f"{self._done} files, judging")

    def _show(self, text: str) -> None:
        if self._stream is None or monotonic() < self._next:
            return
        self._next = monotonic() + _INTERVAL
        self._shown = True
        self._stream.write(f"\r\x1b[Kpolicykit: {text}")
        self._stream.flush()
