"""Randomness as a pure function of where one stands: the same seed gives the same tape from any starting minute.

Counter-based: a value is a hash (splitmix64) of its coordinates, so nothing has to be drawn in order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Values = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


def mixed(key: int, numbers: NDArray[np.int64] | Keys) -> Keys:
    """Return a hash of (key, number) for each number: splitmix64, see Steele et al., 2014."""
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) * _GOLDEN + np.uint64(key & 0xFFFFFFFFFFFFFFFF)
        z = (z ^ (z >> np.uint64(30))) * _M1
        z = (z ^ (z >> np.uint64(27))) * _M2
        return z ^ (z >> np.uint64(31))


def uniform(key: int, numbers: NDArray[np.int64] | Keys) -> Values:
    """Return numbers in (0, 1), never 0 and never 1."""
    return ((mixed(key, numbers) >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def normal(key: int, numbers: NDArray[np.int64] | Keys) -> Values:
    """Return standard normal numbers (Box and Muller, 1958)."""
    radius = np.sqrt(-2.0 * np.log(uniform(key, numbers)))
    return radius * np.cos(2.0 * np.pi * uniform(key ^ 0x5851F42D4C957F2D, numbers))


def smooth(key: int, times_ms: NDArray[np.int64], period_ms: int) -> Values:
    """Return smooth noise of mean 0 and about unit size that changes its mind once a period."""
    at = times_ms // period_ms
    x = (times_ms - at * period_ms) / period_ms
    # Quintic fade (Perlin, 2002): no visible corner where one lattice point hands over to the next.
    fade = x * x * x * (x * (x * 6.0 - 15.0) + 10.0)
    left, right = _lattice(key, at)
    return left + (right - left) * fade


def _lattice(key: int, at: NDArray[np.int64]) -> tuple[Values, Values]:
    """Return the noise at each point and at the one after it, drawn once where many times share a point."""
    if len(at) == 0:
        return np.zeros(0), np.zeros(0)
    first, last = int(at.min()), int(at.max())
    if last - first + 2 > len(at):
        return normal(key, at), normal(key, at + 1)
    drawn = normal(key, np.arange(first, last + 2, dtype=np.int64))
    return drawn[at - first], drawn[at - first + 1]
