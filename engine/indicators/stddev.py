"""Standard deviation of the close (population), z-score, and slope of the least-squares line."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators import bbands, lookback
from engine.indicators.curves import LINE
from engine.indicators.definition import IndicatorDef, Param
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State
from engine.ranges import NOT_NEGATIVE

COUNT, SHIFT, SUM, SQUARES = range(4)


@kernel
def _distance(st: State, p0: float, c: float) -> tuple[float, float]:
    """Return how far the close is from the mean, and the deviation, with that close the newest of the window.

    Sums are of distances to the last close, as for Bollinger bands.
    """
    d = c - st[SHIFT]
    mean = (st[SUM] + d) / p0
    variance = (st[SQUARES] + d * d) / p0 - mean * mean
    return d - mean, math.sqrt(variance) if variance > 0.0 else 0.0


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    out[at] = float("nan") if st[COUNT] + 1.0 < p[0] else _distance(st, p[0], now[CLOSE])[1]


@kernel
def form_score(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    distance, deviation = _distance(st, p[0], now[CLOSE])
    out[at] = float("nan") if st[COUNT] + 1.0 < p[0] or deviation == 0.0 else distance / deviation


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    bbands.advance(st, p, now, ring, past)


@kernel
def form_slope(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0 = p[0]
    c = now[CLOSE]
    if st[COUNT] + 1.0 < p0:
        out[at] = float("nan")
    else:
        out[at] = (st[SUM] + (p0 - 1.0) / 2.0 * (c - st[SHIFT])) / (p0 * (p0 * p0 - 1.0) / 12.0)


@kernel
def advance_slope(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Rebuild the sum of closes (less the newest) times their place, counted from the middle of the window."""
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    if st[COUNT] + 1.0 < p0:
        return
    base = off + CLOSE * cap
    n = int(p0)
    shift = ring[base + ((k - 1) & (cap - 1))]
    total = 0.0
    for j in range(n - 1):
        total += (j - (p0 - 1.0) / 2.0) * (ring[base + ((k - n + 1 + j) & (cap - 1))] - shift)
    st[SHIFT] = shift
    st[SUM] = total


DEFINITION = IndicatorDef(
    name="STDDEV",
    params=(Param("period", 20),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    deviation="0 in a flat market, where TA-Lib leaves up to 1e-8 of its sums of squares",
    summary="Population standard deviation of the close, in the unit of the price.",
    talib_name="STDDEV",
    ranges=(NOT_NEGATIVE,),
    form=form,
    advance=advance,
)

ZSCORE = IndicatorDef(
    name="ZSCORE",
    params=(Param("period", 20),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    source="(close - mean) / population deviation, as TA-Lib SMA and STDDEV",
    summary="Distance of the close from its simple average, in standard deviations; unknown while they are 0.",
    form=form_score,
    advance=advance,
)

SLOPE = IndicatorDef(
    name="SLOPE",
    params=(Param("period", 14),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    summary="Slope of the least-squares line through the closes, in price a candle.",
    talib_name="LINEARREG_SLOPE",
    curves=(LINE,),
    form=form_slope,
    advance=advance_slope,
)
