"""Candles as the vendor's REST answers them: columns o h l c v t, oldest first, t in seconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ingest.simulator.tape import Prints

Candles = dict[str, list[float]]
_SAMPLES = 24
_DIGITS = 6


def none() -> Candles:
    return {key: [] for key in "ohlcvt"}


def from_prints(prints: Prints, length_ms: int, to_ms: int) -> Candles:
    """Roll prints up; candles that begin at or after `to_ms` are left out."""
    starts = prints.ts_ms // length_ms * length_ms
    inside = starts < to_ms
    starts, price, size = starts[inside], prints.price[inside], prints.size[inside]
    if len(starts) == 0:
        return none()
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    last = np.append(first[1:], len(starts)) - 1
    return {
        "o": price[first].tolist(),
        "h": np.maximum.reduceat(price, first).tolist(),
        "l": np.minimum.reduceat(price, first).tolist(),
        "c": price[last].tolist(),
        "v": np.add.reduceat(size, first).tolist(),
        "t": (starts[first] // 1000).tolist(),
    }


def from_path(
    path: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    starts: NDArray[np.int64],
    *,
    length_ms: int,
    volume: float,
) -> Candles:
    """Read candles off a price path, sampled; each has the same nominal volume."""
    if len(starts) == 0:
        return none()
    offsets = np.linspace(0, length_ms - 1, _SAMPLES).astype(np.int64)
    samples = path((starts[:, None] + offsets[None, :]).ravel()).reshape(len(starts), _SAMPLES).round(_DIGITS)
    return {
        "o": samples[:, 0].tolist(),
        "h": samples.max(axis=1).tolist(),
        "l": samples.min(axis=1).tolist(),
        "c": samples[:, -1].tolist(),
        "v": np.full(len(starts), round(volume, 3)).tolist(),
        "t": (starts // 1000).tolist(),
    }
