"""The arrays an indicator's kernel works on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

State = NDArray[np.float64]
"""SLOTS numbers of one indicator; slot 0 counts the closed candles seen."""
Ring = NDArray[np.float64]
"""All closed candles kept: field f of candle k of a series is `ring[off + f*cap + (k & (cap-1))]`."""
Out = NDArray[np.float64]
Curve = NDArray[np.float64]
"""The numbers of an output's curve (`engine.indicators.curves`), at most four."""

SLOTS = 8
OPEN, HIGH, LOW, CLOSE, VOLUME, VWAP, STARTED, TRADES = range(8)
RING_FIELDS = 8

Now = tuple[float, float, float, float, float, float, float]
"""A candle by field: open, high, low, close, volume, vwap times volume, start (epoch ms)."""
VALUE = 5
Past = tuple[int, int, int, int, int]
"""A series of closed candles: where it begins in the ring, its capacity (a power of two), how many there were; and
where the indicator's own past outputs begin, with their capacity (`own_past`)."""
