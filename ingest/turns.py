"""How often a vendor may be asked: so many calls a minute, and not at all for a while after it said "too many"."""

from __future__ import annotations

from collections import deque

from core.clock import Clock

_MINUTE_S = 60


class Turns:
    def __init__(self, clock: Clock, *, calls_per_minute: int) -> None:
        self._clock = clock
        self._limit = calls_per_minute
        self._calls: deque[float] = deque()
        self._not_before = 0.0

    def take(self, share: float = 1.0) -> float:
        """Take one call of this minute's and return 0, or return how many seconds to wait before asking again.

        Args:
            share: No turn while so large a part of the plan's calls has been used; below 1 for what can wait.
        """
        now = self._clock.monotonic()
        while self._calls and self._calls[0] < now - _MINUTE_S:
            self._calls.popleft()
        most = max(1, int(self._limit * share))
        if now < self._not_before:
            return self._not_before - now
        if len(self._calls) >= most:
            # Whoever may use more goes on until enough of the oldest calls are a minute old.
            return max(0.01, self._calls[len(self._calls) - most] + _MINUTE_S - now)
        self._calls.append(now)
        return 0.0

    def give_back(self) -> None:
        """Return a turn that no call was made with."""
        if self._calls:
            self._calls.pop()

    def pause(self, seconds: float) -> None:
        """Give no turn for so long."""
        self._not_before = max(self._not_before, self._clock.monotonic() + seconds)
