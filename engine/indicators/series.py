"""An indicator over a whole series of closed candles: for charts and agents, by the same kernels as the tape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.compiled import kernel
from engine.indicators import dispatch
from engine.indicators.column import Column
from engine.indicators.state import CLOSE, HIGH, LOW, RING_FIELDS, SLOTS, VOLUME

Prices = NDArray[np.float64]


def closed_values(column: Column, high: Prices, low: Prices, close: Prices, volume: Prices) -> Prices:
    """Return the value at the close of each candle.

    Args:
        column: Which output of which indicator.
        high, low, close, volume: Of consecutive closed candles, oldest first, shape (n,), finite.

    Returns:
        Shape (n,); NaN while warming up, which is everywhere for fewer candles than it needs.
    """
    count = len(close)
    capacity = 1 << max(6, (count - 1).bit_length()) if count else 64
    ring = np.zeros(RING_FIELDS * capacity)
    for field, values in ((HIGH, high), (LOW, low), (CLOSE, close), (VOLUME, volume)):
        ring[field * capacity : field * capacity + count] = values
    width = column.definition.width
    out = np.full(count * width, np.nan)
    _walk(column.definition.kind, np.array(column.params, np.float64), ring, capacity, count, width, out)
    return out[column.index :: width].copy()


@kernel
def _walk(kind: int, params: Prices, ring: Prices, capacity: int, count: int, width: int, out: Prices) -> None:
    state = np.zeros(SLOTS)
    for k in range(count):
        high, low, close = ring[HIGH * capacity + k], ring[LOW * capacity + k], ring[CLOSE * capacity + k]
        dispatch.form(kind, state, params, high, low, close, ring[VOLUME * capacity + k], out, k * width)
        dispatch.advance(kind, state, params, ring, 0, capacity, k + 1)
