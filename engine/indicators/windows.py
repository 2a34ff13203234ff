"""What the newest closed candles of a ring come to: rebuilt at each close, so that nothing drifts."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators.state import HIGH, LOW, Ring


@kernel
def highest(ring: Ring, off: int, cap: int, k: int, n: int) -> float:
    """Return the highest high of candles k-n to k-1; -inf where n is 0."""
    found = -float("inf")
    base = off + HIGH * cap
    for j in range(k - n, k):
        found = max(found, ring[base + (j & (cap - 1))])
    return found


@kernel
def lowest(ring: Ring, off: int, cap: int, k: int, n: int) -> float:
    """Return the lowest low of candles k-n to k-1; inf where n is 0."""
    found = float("inf")
    base = off + LOW * cap
    for j in range(k - n, k):
        found = min(found, ring[base + (j & (cap - 1))])
    return found
