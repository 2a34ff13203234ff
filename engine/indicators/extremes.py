"""What the highest high and the lowest low of a window say: Williams %R, Donchian channel, Aroon."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators import lookback
from engine.indicators.definition import IndicatorDef, Param
from engine.indicators.state import CLOSE, HIGH, LOW, Now, Out, Past, Ring, State
from engine.indicators.windows import highest, lowest
from engine.ranges import MINUS_HUNDRED_TO_ZERO, PERCENT, POSITIVE

COUNT, HIGHEST, LOWEST, HIGH_AGE, LOW_AGE = range(5)


@kernel
def form_williams(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write the distance from the highest; 0/0 is NaN where TA-Lib says 0."""
    p0 = p[0]
    h, low, c = now[HIGH], now[LOW], now[CLOSE]
    high, bottom = max(st[HIGHEST], h), min(st[LOWEST], low)
    if st[COUNT] + 1.0 < p0 or high == bottom:
        out[at] = float("nan")
    else:
        out[at] = (high - c) / ((high - bottom) / -100.0)


@kernel
def form_donchian(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0 = p[0]
    h, low = now[HIGH], now[LOW]
    if st[COUNT] + 1.0 < p0:
        out[at] = out[at + 1] = out[at + 2] = float("nan")
        return
    high, bottom = max(st[HIGHEST], h), min(st[LOWEST], low)
    out[at] = high
    out[at + 1] = (high + bottom) / 2.0
    out[at + 2] = bottom


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    n = min(int(p0) - 1, int(st[COUNT]))
    st[HIGHEST] = highest(ring, off, cap, k, n)
    st[LOWEST] = lowest(ring, off, cap, k, n)


@kernel
def form_aroon(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write down, up; of equal extremes the newest counts, as in TA-Lib."""
    p0 = p[0]
    h, low = now[HIGH], now[LOW]
    if st[COUNT] < p0:
        out[at] = out[at + 1] = float("nan")
        return
    factor = 100.0 / p0
    out[at] = factor * (p0 - (0.0 if low <= st[LOWEST] else st[LOW_AGE]))
    out[at + 1] = factor * (p0 - (0.0 if h >= st[HIGHEST] else st[HIGH_AGE]))


@kernel
def advance_aroon(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Find the extremes of the newest `period` candles and their age seen from the next candle."""
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    high, bottom = -float("inf"), float("inf")
    for j in range(k - min(int(p0), int(st[COUNT])), k):
        h, low = ring[off + HIGH * cap + (j & (cap - 1))], ring[off + LOW * cap + (j & (cap - 1))]
        if h >= high:
            high = h
            st[HIGH_AGE] = float(k - j)
        if low <= bottom:
            bottom = low
            st[LOW_AGE] = float(k - j)
    st[HIGHEST] = high
    st[LOWEST] = bottom


WILLIAMS = IndicatorDef(
    name="WILLR",
    params=(Param("period", 14),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    deviation="unknown where highest = lowest, where TA-Lib says 0",
    summary="Williams %R, -100 to 0; unknown while highest equals lowest.",
    talib_name="WILLR",
    ranges=(MINUS_HUNDRED_TO_ZERO,),
    form=form_williams,
    advance=advance,
)

DONCHIAN = IndicatorDef(
    name="DONCHIAN",
    params=(Param("period", 20),),
    outputs=("upper", "middle", "lower"),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    source="TA-Lib MAX and MIN; the middle is their mean (R. Donchian)",
    summary="Donchian channel: highest high, lowest low and their middle.",
    ranges=(POSITIVE,),
    form=form_donchian,
    advance=advance,
)

AROON = IndicatorDef(
    name="AROON",
    params=(Param("period", 14),),
    outputs=("down", "up"),
    first_value=lookback.after_period,
    stable=lookback.after_period,
    window=lookback.after_period,
    summary="Aroon, 0 to 100: how recently the high (up) and the low (down) of the window were.",
    talib_name="AROON",
    ranges=(PERCENT,),
    form=form_aroon,
    advance=advance_aroon,
)
