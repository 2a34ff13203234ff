"""Bollinger bands: the simple average and `width` population deviations above and below."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators.curves import LINE, LOWER, UPPER, set_unknown
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Curve, Now, Out, Past, Ring, State
from engine.indicators.windows import distances

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
def fix(st: State, p: State, curve: Curve) -> None:
    """Write mean of the other closes, 1/period, and under the root: their share, and that of the close's distance.

    With n others of mean m and squares s about it, a close at distance d from m makes the sum of squares
    s + d*d*n/(n + 1).
    """
    p0, width = p[0], p[1]
    others = p0 - 1.0
    if st[COUNT] < others:
        set_unknown(curve)
        return
    mean = st[SUM] / others
    squares = st[SQUARES] - st[SUM] * mean
    curve[0] = st[SHIFT] + mean
    curve[1] = 1.0 / p0
    curve[2] = width * width * (squares if squares > 0.0 else 0.0) / p0
    curve[3] = width * width * others / (p0 * p0)


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Rebuild shift and sums of the last period - 1 closes from the ring; candle k-1 is the newest."""
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    n = min(int(p0) - 1, int(st[COUNT]))
    base = off + CLOSE * cap
    shift = ring[base + ((k - 1) & (cap - 1))]
    st[SHIFT] = shift
    st[SUM], st[SQUARES] = distances(ring, off, cap, k, n, shift)


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
    curves=(UPPER, LINE, LOWER),
    fix=fix,
    form=form,
    advance=advance,
)
