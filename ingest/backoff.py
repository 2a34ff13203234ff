"""How long to wait before the next attempt: doubling, bounded, with jitter so that many do not knock at once."""

from __future__ import annotations

import random

FIRST_S, MOST_S, JITTER = 1.0, 60.0, 0.2
STABLE_S = 60.0
"""A connection that held this long starts the count anew."""


class Backoff:
    def __init__(self, *, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._next_s = FIRST_S

    def wait_s(self) -> float:
        """Return the seconds to wait now, and make the next wait longer."""
        wait = self._next_s * self._random.uniform(1 - JITTER, 1 + JITTER)
        self._next_s = min(self._next_s * 2, MOST_S)
        return wait

    def held(self, seconds: float) -> None:
        """Tell how long the last connection lasted."""
        if seconds >= STABLE_S:
            self._next_s = FIRST_S
