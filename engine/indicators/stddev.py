"""Standard deviation of the close (population), z-score, and slope of the least-squares line."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators import bbands, lookback
from engine.indicators.definition import IndicatorDef, Param
from engine.indicators.state import CLOSE, Out, Ring, State
from engine.ranges import NOT_NEGATIVE

COUNT, SHIFT, SUM, SQUARES = range(4)

DEFINITION = IndicatorDef(
    name="STDDEV",
    kind=16,
    params=(Param("period", 20),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    deviation="0 in a flat market, where TA-Lib leaves up to 1e-8 of its sums of squares",
    summary="Population standard deviation of the close, in the unit of the price.",
    talib_name="STDDEV",
    ranges=(NOT_NEGATIVE,),
)

ZSCORE = IndicatorDef(
    name="ZSCORE",
    kind=17,
    params=(Param("period", 20),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    source="(close - mean) / population deviation, as TA-Lib SMA and STDDEV",
    summary="Distance of the close from its simple average, in standard deviations; unknown while they are 0.",
)

SLOPE = IndicatorDef(
    name="SLOPE",
    kind=27,
    params=(Param("period", 14),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    summary="Slope of the least-squares line through the closes, in price a candle.",
    talib_name="LINEARREG_SLOPE",
)


@kernel
def form(st: State, p0: float, c: float, is_score: bool, out: Out, at: int) -> None:
    """Write deviation or z-score; sums are of distances to the last close, as for Bollinger bands."""
    if st[COUNT] + 1.0 < p0:
        out[at] = float("nan")
        return
    d = c - st[SHIFT]
    mean = (st[SUM] + d) / p0
    variance = (st[SQUARES] + d * d) / p0 - mean * mean
    deviation = math.sqrt(variance) if variance > 0.0 else 0.0
    if not is_score:
        out[at] = deviation
    else:
        out[at] = (d - mean) / deviation if deviation > 0.0 else float("nan")


@kernel
def advance(st: State, p0: float, ring: Ring, off: int, cap: int, k: int) -> None:
    bbands.advance(st, p0, ring, off, cap, k)


@kernel
def form_slope(st: State, p0: float, c: float, out: Out, at: int) -> None:
    if st[COUNT] + 1.0 < p0:
        out[at] = float("nan")
    else:
        out[at] = (st[SUM] + (p0 - 1.0) / 2.0 * (c - st[SHIFT])) / (p0 * (p0 * p0 - 1.0) / 12.0)


@kernel
def advance_slope(st: State, p0: float, ring: Ring, off: int, cap: int, k: int) -> None:
    """Rebuild the sum of closes (less the newest) times their place, counted from the middle of the window."""
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
