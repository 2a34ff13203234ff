"""Supertrend: a stop some average true ranges away, which follows the trend and turns with it."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators import atr, lookback
from engine.indicators.definition import IndicatorDef, Param
from engine.indicators.state import CLOSE, HIGH, LOW, Now, Out, Past, Ring, State
from engine.ranges import ANY, Range

UPPER, LOWER, TREND = range(3, 6)
"""Behind the three numbers of the average true range. No trend is 0."""
_COUNT, _CLOSE_BEFORE = range(2)


@kernel
def _bands(st: State, p: State, now: Now, reach: float) -> tuple[float, float, float]:
    """Return upper band, lower band and trend with this candle the newest.

    The upper band only falls and the lower one only rises, until the close before was beyond it.
    """
    middle = (now[HIGH] + now[LOW]) / 2.0
    upper, lower = middle + p[1] * reach, middle - p[1] * reach
    if st[TREND] == 0.0:
        return upper, lower, -1.0
    before = st[_CLOSE_BEFORE]
    if upper >= st[UPPER] and before <= st[UPPER]:
        upper = st[UPPER]
    if lower <= st[LOWER] and before >= st[LOWER]:
        lower = st[LOWER]
    trend = st[TREND]
    if trend < 0.0 and now[CLOSE] > upper:
        trend = 1.0
    elif trend > 0.0 and now[CLOSE] < lower:
        trend = -1.0
    return upper, lower, trend


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write the line and the direction, 1 up or -1 down."""
    atr.form(st, p, now, ring, past, out, at)
    if st[_COUNT] < p[0]:
        out[at + 1] = float("nan")
        return
    upper, lower, trend = _bands(st, p, now, out[at])
    out[at] = lower if trend > 0.0 else upper
    out[at + 1] = trend


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    if st[_COUNT] >= p[0]:
        st[UPPER], st[LOWER], st[TREND] = _bands(st, p, now, atr.average(st, p[0], now[HIGH], now[LOW]))
    atr.advance(st, p, now, ring, past)


DEFINITION = IndicatorDef(
    name="SUPERTREND",
    params=(Param("period", 10), Param("width", 3, minimum=0.1, maximum=100, is_integer=False)),
    outputs=("line", "direction"),
    first_value=lookback.after_period,
    stable=lookback.wilder,
    window=lookback.one,
    form=form,
    advance=advance,
    source="bands of Wilder's ATR around (high + low) / 2, as TradingView's ta.supertrend; it begins downward",
    summary="Supertrend: the stop that follows the trend, and its direction: 1 is up, -1 is down.",
    ranges=(ANY, Range(-1.0, 1.0)),
)
