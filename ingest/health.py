"""How the feed is, from what the socket did: live, stale or disconnected (T20), and for how long it is away."""

from __future__ import annotations

from core.clock import Clock
from core.wire.trades import FeedHealth

SILENT_S = 150.0
"""No frame at all, pings included, for this long: the socket is dead."""


class LinkHealth:
    def __init__(self, clock: Clock, *, gap_tolerance_ms: int) -> None:
        self._clock = clock
        self._tolerance_s = gap_tolerance_ms / 1000
        self._is_up = False
        self._away_since = clock.monotonic()
        self._last_frame = clock.monotonic()

    def connected(self) -> None:
        self._is_up = True
        self._last_frame = self._clock.monotonic()

    def disconnected(self) -> None:
        if self._is_up:
            self._is_up = False
            self._away_since = self._clock.monotonic()

    def frame(self) -> None:
        self._last_frame = self._clock.monotonic()

    @property
    def is_up(self) -> bool:
        return self._is_up

    def silence_s(self) -> float:
        return self._clock.monotonic() - self._last_frame

    def gap_ms(self) -> int:
        """Return how long the socket is down, 0 while it is up."""
        return 0 if self._is_up else int((self._clock.monotonic() - self._away_since) * 1000)

    def state(self) -> FeedHealth:
        """Return `live` also during an interruption no longer than the tolerance."""
        if not self._is_up and self._clock.monotonic() - self._away_since > self._tolerance_s:
            return "disconnected"
        return "stale" if self.silence_s() > SILENT_S else "live"
