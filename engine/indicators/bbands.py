"""Bollinger bands: the simple average and `width` population deviations above and below."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State

COUNT, SHIFT, SUM, SQUARES = range(4)


def _period(params: Params) -> int:
    return int(params[0])


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write upper, middle, lower.

    Sums are of distances to the last close, not of the prices: the squares of prices cancel badly
    (a flat market must have deviation 0).
    """
    p0, p1 = p[0], p[1]
    c = now[CLOSE]
    if st[COUNT] + 1.0 < p0:
        out[at] = out[at + 1] = out[at + 2] = float("nan")
        return
    d = c - st[SHIFT]
    mean = (st[SUM] + d) / p0
    variance = (st[SQUARES] + d * d) / p0 - mean * mean
    deviation = math.sqrt(variance) if variance > 0.0 else 0.0
    middle = st[SHIFT] + mean
    out[at] = middle + p1 * deviation
    out[at + 1] = middle
    out[at + 2] = middle - p1 * deviation


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Rebuild shift and sums of the last period - 1 closes from the ring; candle k-1 is the newest."""
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    n = min(int(p0) - 1, int(st[COUNT]))
    base = off + CLOSE * cap
    shift = ring[base + ((k - 1) & (cap - 1))]
    total = 0.0
    squares = 0.0
    for j in range(k - n, k):
        d = ring[base + (j & (cap - 1))] - shift
        total += d
        squares += d * d
    st[SHIFT] = shift
    st[SUM] = total
    st[SQUARES] = squares


DEFINITION = IndicatorDef(
    name="BBANDS",
    params=(Param("period", 20), Param("width", 2, minimum=0.1, maximum=10, is_integer=False)),
    outputs=("upper", "middle", "lower"),
    first_value=_period,
    stable=_period,
    window=_period,
    deviation="no width in a flat market, where TA-Lib leaves up to 1e-8 of its sums of squares",
    summary="Bollinger bands: average of the close and bands of some population deviations around it.",
    talib_name="BBANDS",
    form=form,
    advance=advance,
)
