"""The REST quote against the stream: a symbol whose quote moves while its stream says nothing is not covered (T20).

One in ten to twenty subscribed, actively traded stocks has been seen to give no tick at all. Only silent symbols
are asked about, one at a time, within a quarter of the key's calls.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from core.clock import Clock

MOVES_S = 300.0
EVERY_S = 60.0
PACE, SHARE = 0.25, 0.75
"""The part of the key's calls a minute that quotes may take, and how full the minute may be before they wait."""


@dataclass(slots=True)
class _Reading:
    """When the quote was last asked and what it said; when it was first seen to move in this silence."""

    asked: float
    price: float
    moving_since: float | None = None


class QuoteWatch:
    """Told which symbols are silent, says whom to ask about and, from the answers, which are stale."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._readings: dict[str, _Reading] = {}
        self._stale: set[str] = set()

    @property
    def stale(self) -> frozenset[str]:
        """Silent symbols whose quote has moved for five minutes, until their stream speaks."""
        return frozenset(self._stale)

    def silent(self, symbols: Collection[str]) -> None:
        """Take those that have been silent for a minute while their market is open; forget all others."""
        self._readings = {s: r for s, r in self._readings.items() if s in symbols}
        self._stale.intersection_update(symbols)
        for symbol in symbols:
            self._readings.setdefault(symbol, _Reading(-math.inf, 0.0))

    def due(self) -> str | None:
        """Return the symbol to ask about next, None while none is due."""
        asked, symbol = min(((r.asked, s) for s, r in self._readings.items()), default=(0.0, None))
        return symbol if symbol is not None and self._clock.monotonic() - asked >= EVERY_S else None

    def take(self, symbol: str, price: float) -> None:
        """Take a quote's price, 0 where there is none or the answer failed: that proves nothing."""
        reading = self._readings.get(symbol)
        if reading is None:
            return  # it has spoken meanwhile
        now = self._clock.monotonic()
        reading.asked = now
        if price <= 0:
            return
        if reading.price and price != reading.price:
            if reading.moving_since is None:
                reading.moving_since = now
            elif now - reading.moving_since >= MOVES_S:
                self._stale.add(symbol)
        reading.price = price
