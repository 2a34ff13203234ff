"""An indicator over a whole series of closed candles: for charts and agents, by the same kernels as the tape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.compiled import kernel
from engine.condition import Session
from engine.indicators import dispatch
from engine.indicators.column import Column
from engine.indicators.registry import KINDS
from engine.indicators.state import RING_FIELDS, SLOTS
from engine.kernels_candles import closed_candle
from engine.sessions import Calendars

Prices = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Series:
    """Consecutive closed candles of one timeframe, oldest first, each of shape (n,) and finite.

    `vwap` may be NaN without volume. `night_ms` is that of the symbol's sessions (`Calendars.night_of`).
    """

    ts_ms: NDArray[np.int64]
    open: Prices
    high: Prices
    low: Prices
    close: Prices
    volume: Prices
    vwap: Prices
    night_ms: int = 0

    def __len__(self) -> int:
        return len(self.close)


class AnyCandle(Protocol):
    """A closed candle, wherever it was kept."""

    @property
    def symbol(self) -> str: ...
    @property
    def session(self) -> str: ...
    @property
    def ts_ms(self) -> int: ...
    @property
    def open(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def close(self) -> float: ...
    @property
    def volume(self) -> float: ...
    @property
    def vwap(self) -> float: ...


def series_of(candles: Sequence[AnyCandle], calendars: Calendars | None = None) -> Series:
    """Return candles of one symbol, session and timeframe, oldest first, as columns."""
    night = 0
    if candles:
        session: Session = "extended" if candles[0].session == "extended" else "regular"
        night = (calendars or Calendars()).night_of(candles[0].symbol, session)
    return Series(
        ts_ms=np.array([c.ts_ms for c in candles], np.int64),
        open=np.array([c.open for c in candles], np.float64),
        high=np.array([c.high for c in candles], np.float64),
        low=np.array([c.low for c in candles], np.float64),
        close=np.array([c.close for c in candles], np.float64),
        volume=np.array([c.volume for c in candles], np.float64),
        vwap=np.array([c.vwap for c in candles], np.float64),
        night_ms=night,
    )


def closed_values(column: Column, series: Series) -> Prices:
    """Return the value of one output of one indicator at the close of each candle.

    Returns:
        Shape (n,); NaN while warming up, which is everywhere for fewer candles than it needs.
    """
    count = len(series)
    capacity = 1 << max(6, (count - 1).bit_length()) if count else 64
    definition = column.definition
    width = definition.width
    ring = np.zeros((RING_FIELDS + width) * capacity)
    fields = (series.open, series.high, series.low, series.close, series.volume, series.vwap, series.ts_ms)
    for field, values in enumerate(fields):
        ring[field * capacity : field * capacity + count] = values
    params = (*column.params, float(series.night_ms)) if definition.reads_session else column.params
    out = np.full(count * width, np.nan)
    _walk(KINDS[definition.name], np.array(params, np.float64), ring, capacity, count, width, out)
    return out[column.index :: width].copy()


@kernel
def _walk(kind: int, params: Prices, ring: Prices, capacity: int, count: int, width: int, out: Prices) -> None:
    """Walk over the ring; behind its candles stand the indicator's own past outputs, one series each."""
    state = np.zeros(SLOTS)
    own = RING_FIELDS * capacity
    for k in range(count):
        now = closed_candle(ring, k, capacity)
        dispatch.form(kind, state, params, now, ring, (0, capacity, k, own, capacity), out, k * width)
        for j in range(width):
            ring[own + j * capacity + k] = out[k * width + j]
        dispatch.advance(kind, state, params, now, ring, (0, capacity, k + 1, own, capacity))
