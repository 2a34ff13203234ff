"""Stochastic RSI: where the RSI stands between its own lowest and highest, and the averages of that."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators import lookback, rsi
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State
from engine.ranges import PERCENT

HIGHEST, LOWEST, SMOOTH, AVERAGE = range(4, 8)
"""Behind the four numbers of the RSI."""
INDEX = 2
"""Which of its outputs is the RSI itself."""
RESTING = 1e-9
"""An RSI that moved less rests: its last digits still differ, and would be stretched over 0 to 100."""


def _first(params: Params) -> int:
    return int(sum(params)) - 2


def _stable(params: Params) -> int:
    return math.ceil(_first(params) + 6.9 * params[0])


def _own_past(params: Params) -> int:
    return int(sum(params[1:]))


@kernel
def _share(high: float, low: float, value: float) -> float:
    return 100.0 * ((value - low) / (high - low)) if high - low >= RESTING else float("nan")


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write k, d and the RSI; k and d wait for each other, and NaN stays in their windows, as for STOCH."""
    index = rsi.value(st, p[0], now[CLOSE])
    out[at + INDEX] = index
    if st[0] + 1.0 < p[0] + p[1] + p[2] + p[3] - 2.0:
        out[at] = out[at + 1] = float("nan")
        return
    share = _share(max(st[HIGHEST], index), min(st[LOWEST], index), index)
    k = (st[SMOOTH] + share) / p[2]
    out[at] = k
    out[at + 1] = (st[AVERAGE] + k) / p[3]


@kernel
def _extremes(ring: Ring, past: Past, age: int, n: int) -> tuple[float, float]:
    """Return highest and lowest of n past values of the RSI, the newest of them `age` candles old; NaN if one is."""
    base = past[3] + INDEX * past[4]
    high, low = -float("inf"), float("inf")
    for j in range(past[2] - age - n, past[2] - age):
        value = ring[base + (j & (past[4] - 1))]
        if math.isnan(value):
            return float("nan"), float("nan")
        high, low = max(high, value), min(low, value)
    return high, low


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Rebuild extremes and sums from the past values of the RSI, the newest of which is there already."""
    rsi.advance(st, p, now, ring, past)
    length, smooth, d = int(p[1]), int(p[2]), int(p[3])
    if st[0] + 1.0 < p[0] + p[1] + p[2] + p[3] - 2.0:
        return
    st[HIGHEST], st[LOWEST] = _extremes(ring, past, 0, length - 1)
    base = past[3] + INDEX * past[4]
    shares = 0.0
    values = 0.0
    for age in range(smooth + d - 2):
        high, low = _extremes(ring, past, age, length)
        share = _share(high, low, ring[base + ((past[2] - 1 - age) & (past[4] - 1))])
        if age < smooth - 1:
            shares += share
        windows = min(d - 2, age) - max(0, age - smooth + 1) + 1
        if windows > 0:
            values += share * windows
    st[SMOOTH] = shares
    st[AVERAGE] = values / p[2]


DEFINITION = IndicatorDef(
    name="STOCHRSI",
    params=(Param("period", 14), Param("k", 14), Param("smooth", 1, minimum=1, implied=1), Param("d", 3)),
    outputs=("k", "d"),
    first_value=_first,
    stable=_stable,
    window=lookback.one,
    form=form,
    advance=advance,
    hidden=1,
    own_past=_own_past,
    deviation="unknown while the RSI has moved less than 1e-9, where TA-Lib says 0 or stretches its last digits",
    summary="Stochastic RSI, 0 to 100: where the RSI stands between its lowest and its highest; d is its average.",
    talib_name="STOCHRSI",
    signals=("bullish_crossover", "bearish_crossover"),
    sides=("k", "d"),
    ranges=(PERCENT,),
)
