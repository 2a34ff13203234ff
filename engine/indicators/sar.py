"""Parabolic stop and reverse (J. Wilder), as TA-Lib's SAR."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators import lookback
from engine.indicators.definition import IndicatorDef, Param
from engine.indicators.state import HIGH, LOW, Now, Out, Past, Ring, State

COUNT, STOP, EXTREME, PACE, TREND, LAST_HIGH, LAST_LOW = range(7)
"""The stop is that of the next candle; the trend 1 or -1."""


@kernel
def _begin(st: State, p: State, now: Now) -> tuple[float, float, float]:
    """Return stop, extreme and trend at the second candle: down only if the low fell by more than the high rose."""
    fall, rise = st[LAST_LOW] - now[LOW], now[HIGH] - st[LAST_HIGH]
    if fall > 0.0 and fall > rise:
        return st[LAST_HIGH], now[LOW], -1.0
    return st[LAST_LOW], now[HIGH], 1.0


@kernel
def _step(st: State, p: State, now: Now) -> tuple[float, float, float, float, float]:
    """Return this candle's stop, the next one's, extreme, pace and trend; count is at least 1."""
    stop, extreme, pace, trend = st[STOP], st[EXTREME], st[PACE], st[TREND]
    top, bottom = max(now[HIGH], st[LAST_HIGH]), min(now[LOW], st[LAST_LOW])
    if st[COUNT] == 1.0:
        stop, extreme, trend = _begin(st, p, now)
        pace = min(p[0], p[1])
        top, bottom = now[HIGH], now[LOW]  # TA-Lib takes the second candle twice
    is_touched = now[LOW] <= stop if trend > 0.0 else now[HIGH] >= stop
    if is_touched:
        trend = -trend
        pace = min(p[0], p[1])
        stop = min(extreme, bottom) if trend > 0.0 else max(extreme, top)
        extreme = now[HIGH] if trend > 0.0 else now[LOW]
    value = stop
    if not is_touched:
        is_further = now[HIGH] > extreme if trend > 0.0 else now[LOW] < extreme
        if is_further:
            extreme = now[HIGH] if trend > 0.0 else now[LOW]
            pace = min(pace + p[0], p[1])
    stop += pace * (extreme - stop)
    stop = min(stop, bottom) if trend > 0.0 else max(stop, top)
    return value, stop, extreme, pace, trend


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    out[at] = float("nan") if st[COUNT] == 0.0 else _step(st, p, now)[0]


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    if st[COUNT] > 0.0:
        _, st[STOP], st[EXTREME], st[PACE], st[TREND] = _step(st, p, now)
    st[LAST_HIGH], st[LAST_LOW] = now[HIGH], now[LOW]
    st[COUNT] += 1.0


DEFINITION = IndicatorDef(
    name="SAR",
    params=(
        Param("step", 0.02, minimum=0.001, maximum=1, is_integer=False),
        Param("limit", 0.2, minimum=0.001, maximum=1, is_integer=False),
    ),
    outputs=(),
    first_value=lookback.two,
    stable=lookback.two,
    window=lookback.one,
    form=form,
    advance=advance,
    summary="Parabolic stop and reverse: a stop that gains on the price as the trend goes on.",
    talib_name="SAR",
)
