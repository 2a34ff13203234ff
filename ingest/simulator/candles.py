"""Candles as the vendor's REST answers them: columns o h l c v t, oldest first, t in seconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ingest.simulator.listing import MINUTE
from ingest.simulator.tape import SETS_PRICE, Prints

Candles = dict[str, list[float]]
_SAMPLES = 24
_DIGITS = 6
_ROLLED: dict[str, np.ufunc] = {"h": np.maximum, "l": np.minimum, "v": np.add}


def none() -> Candles:
    return {key: [] for key in "ohlcvt"}


def joined(first: Candles, second: Candles) -> Candles:
    """Return the candles of both, where `second` begins after `first` ends."""
    return {key: [*first[key], *second[key]] for key in "ohlcvt"}


def from_prints(prints: Prints, length_ms: int, to_ms: int) -> Candles:
    """Return the candles that a listener of the same prints makes; those that begin at or after `to_ms` are left out.

    A minute in which no print set a price has no candle (T17); longer candles are rolled up from minutes (T11).
    """
    prints = prints.where(prints.ts_ms // length_ms * length_ms < to_ms)
    minutes = prints.ts_ms // MINUTE * MINUTE
    sets = SETS_PRICE[prints.codes]
    at = minutes[sets]
    if len(at) == 0:
        return none()
    first, last = _edges(at)
    starts, price = at[first], prints.price[sets]
    of_all, _ = _edges(minutes)
    volume = np.add.reduceat(prints.size, of_all)[np.searchsorted(minutes[of_all], starts)]
    columns = {
        "o": price[first], "h": np.maximum.reduceat(price, first), "l": np.minimum.reduceat(price, first),
        "c": price[last], "v": volume,
    }  # fmt: skip
    return _rolled(starts, columns, length_ms)


def _rolled(minutes: NDArray[np.int64], columns: dict[str, NDArray[np.float64]], length_ms: int) -> Candles:
    starts = minutes // length_ms * length_ms
    first, last = _edges(starts)
    found: Candles = {key: how.reduceat(columns[key], first).tolist() for key, how in _ROLLED.items()}
    found |= {"o": columns["o"][first].tolist(), "c": columns["c"][last].tolist()}
    return found | {"t": (starts[first] // 1000).tolist()}


def _edges(groups: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each run of equal values begins, and where it ends."""
    first = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    return first, np.append(first[1:], len(groups)) - 1


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
