"""Time as a parameter: whoever needs the time is given a Clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int:
        """Return epoch milliseconds UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds of a clock that never steps back; only differences mean something."""
        ...


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is advanced."""

    def __init__(self, now_ms: int = 1_741_613_400_000) -> None:
        self._now_ms = now_ms
        self._started_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return (self._now_ms - self._started_ms) / 1000

    def advance(self, ms: int) -> None:
        self._now_ms += ms


def to_datetime(ms: int) -> datetime:
    """Return the aware UTC datetime of epoch milliseconds."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def to_ms(at: datetime) -> int:
    """Return epoch milliseconds of an aware datetime.

    Raises:
        ValueError: the datetime is naive.
    """
    if at.tzinfo is None:
        raise ValueError(f"naive datetime {at!r}: give one with a zone")
    return round(at.timestamp() * 1000)
