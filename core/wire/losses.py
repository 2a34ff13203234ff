"""Records that a log let go of before a reader of ours came to them: counted for good, and said for a while."""

from __future__ import annotations

import math

from core.clock import Clock

SAID_FOR_S = 600.0


class Losses:
    """Not shared between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_s = -math.inf
        self.total = 0

    def add(self, records: int) -> None:
        self.note(self.total + records)

    def note(self, total: int) -> None:
        """Take the count of all there have been so far."""
        if total > self.total:
            self.total, self._last_s = total, self._clock.monotonic()

    def problem(self, consequence: str) -> str:
        """Return what is to be said of it, empty once it is long ago."""
        if self._clock.monotonic() - self._last_s >= SAID_FOR_S:
            return ""
        return f"{self.total:,} records fell out of the log before they were read: {consequence}"
