"""Weighted moving average, and Hull's average of weighted averages."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators import lookback
from engine.indicators.curves import LINE
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State
from engine.ranges import POSITIVE

COUNT, SUM, HALF, HULL = range(4)


def _hull_first(params: Params) -> int:
    return int(params[0]) + math.isqrt(int(params[0])) - 1


@kernel
def _weighted(ring: Ring, off: int, cap: int, end: int, n: int) -> float:
    """Return 1, 2, … n times the closes of candles end-n to end-1, summed."""
    total = 0.0
    base = off + CLOSE * cap
    for j in range(n):
        total += (j + 1.0) * ring[base + ((end - n + j) & (cap - 1))]
    return total


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0 = p[0]
    c = now[CLOSE]
    out[at] = float("nan") if st[COUNT] + 1.0 < p0 else (st[SUM] + p0 * c) / (p0 * (p0 + 1.0) / 2.0)


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    if st[COUNT] + 1.0 >= p0:
        st[SUM] = _weighted(ring, off, cap, k, int(p0) - 1)


@kernel
def form_hull(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write WMA(2·WMA(period / 2) - WMA(period), √period), divisions and root rounded down."""
    p0 = p[0]
    c = now[CLOSE]
    half = float(int(p0) // 2)
    root = float(int(math.sqrt(p0)))
    if st[COUNT] + 1.0 < p0 + root - 1.0:
        out[at] = float("nan")
        return
    whole = (st[SUM] + p0 * c) / (p0 * (p0 + 1.0) / 2.0)
    newest = 2.0 * (st[HALF] + half * c) / (half * (half + 1.0) / 2.0) - whole
    out[at] = (st[HULL] + root * newest) / (root * (root + 1.0) / 2.0)


@kernel
def advance_hull(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Rebuild the sums of both averages and of the newest √period - 1 differences."""
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    n, half, root = int(p0), int(p0) // 2, int(math.sqrt(p0))
    if st[COUNT] + 1.0 < p0 + root - 1.0:
        return
    st[SUM] = _weighted(ring, off, cap, k, n - 1)
    st[HALF] = _weighted(ring, off, cap, k, half - 1)
    total = 0.0
    for age in range(root - 1):
        whole = _weighted(ring, off, cap, k - age, n) / (n * (n + 1) / 2.0)
        total += (root - 1.0 - age) * (
            2.0 * _weighted(ring, off, cap, k - age, half) / (half * (half + 1) / 2.0) - whole
        )
    st[HULL] = total


DEFINITION = IndicatorDef(
    name="WMA",
    params=(Param("period", None),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    summary="Weighted moving average of the close: the newest weighs the period, the oldest 1.",
    talib_name="WMA",
    ranges=(POSITIVE,),
    curves=(LINE,),
    form=form,
    advance=advance,
)

HULL_MOVING = IndicatorDef(
    name="HMA",
    params=(Param("period", 20),),
    outputs=(),
    first_value=_hull_first,
    stable=_hull_first,
    window=_hull_first,
    source="WMA(2 WMA(n/2) - WMA(n), sqrt n), as TA-Lib WMA; halves and roots rounded down (A. Hull)",
    summary="Hull moving average: a short weighted average of twice the half period's less the whole one's.",
    curves=(LINE,),
    form=form_hull,
    advance=advance_hull,
)
