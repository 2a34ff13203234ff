"""Commodity channel index: how far the typical price is from its mean, in mean deviations."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators import lookback
from engine.indicators.definition import IndicatorDef, Param
from engine.indicators.state import CLOSE, HIGH, LOW, Now, Out, Past, Ring, State

COUNT, SUM, HIGHEST, LOWEST = range(4)
ROUNDING = 1e-12
"""Typical prices that differ by less of themselves are equal: else their last digits would be the whole range."""


@kernel
def _typical(ring: Ring, past: Past, j: int) -> float:
    at = past[0] + (j & (past[1] - 1))
    return (ring[at + HIGH * past[1]] + ring[at + LOW * past[1]] + ring[at + CLOSE * past[1]]) / 3.0


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write the index; NaN where all typical prices of the window are one. It looks at the whole window: its mean
    moves with every trade, and each distance from it."""
    typical = (now[HIGH] + now[LOW] + now[CLOSE]) / 3.0
    highest = max(st[HIGHEST], typical)
    if st[COUNT] + 1.0 < p[0] or highest - min(st[LOWEST], typical) <= ROUNDING * highest:
        out[at] = float("nan")
        return
    mean = (st[SUM] + typical) / p[0]
    distances = abs(typical - mean)
    for j in range(past[2] - int(p[0]) + 1, past[2]):
        distances += abs(_typical(ring, past, j) - mean)
    out[at] = (typical - mean) / (0.015 * (distances / p[0]))


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    st[COUNT] += 1.0
    st[SUM] = 0.0
    st[HIGHEST], st[LOWEST] = -float("inf"), float("inf")
    for j in range(past[2] - min(int(p[0]) - 1, int(st[COUNT])), past[2]):
        typical = _typical(ring, past, j)
        st[SUM] += typical
        st[HIGHEST], st[LOWEST] = max(st[HIGHEST], typical), min(st[LOWEST], typical)


DEFINITION = IndicatorDef(
    name="CCI",
    params=(Param("period", 20),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    form=form,
    advance=advance,
    deviation="unknown where all typical prices of the window are equal but for rounding; TA-Lib says 0 or noise",
    summary="Commodity channel index: distance of the typical price from its mean, in 0.015 mean deviations.",
    talib_name="CCI",
)
