"""What the newest closed candles of a ring come to: rebuilt at each close, so that nothing drifts."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators.state import CLOSE, HIGH, LOW, Ring


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


@kernel
def distances(ring: Ring, off: int, cap: int, k: int, n: int, of: float) -> tuple[float, float]:
    """Return the sum of the distances of the closes of candles k-n to k-1 from `of`, and that of their squares.

    In four sums side by side: an addition waits for the one before it to be done.
    """
    base = off + CLOSE * cap
    mask = cap - 1
    a = b = c = d = aa = bb = cc = dd = 0.0
    j = k - n
    while j + 4 <= k:
        x = ring[base + (j & mask)] - of
        y = ring[base + ((j + 1) & mask)] - of
        z = ring[base + ((j + 2) & mask)] - of
        w = ring[base + ((j + 3) & mask)] - of
        a += x
        b += y
        c += z
        d += w
        aa += x * x
        bb += y * y
        cc += z * z
        dd += w * w
        j += 4
    while j < k:
        x = ring[base + (j & mask)] - of
        a += x
        aa += x * x
        j += 1
    return (a + b) + (c + d), (aa + bb) + (cc + dd)
