"""Floor traders' pivot points of the candle before."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators import lookback
from engine.indicators.definition import IndicatorDef
from engine.indicators.state import CLOSE, HIGH, LOW, Now, Out, Past, Ring, State

COUNT, LAST_HIGH, LAST_LOW, LAST_CLOSE = range(4)


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write p, r1, r2, r3, s1, s2, s3: all of the last closed candle, so they stand still while one forms."""
    if st[COUNT] == 0.0:
        for j in range(7):
            out[at + j] = float("nan")
        return
    high, low = st[LAST_HIGH], st[LAST_LOW]
    middle = (high + low + st[LAST_CLOSE]) / 3.0
    out[at] = middle
    out[at + 1] = 2.0 * middle - low
    out[at + 2] = middle + (high - low)
    out[at + 3] = high + 2.0 * (middle - low)
    out[at + 4] = 2.0 * middle - high
    out[at + 5] = middle - (high - low)
    out[at + 6] = low - 2.0 * (high - middle)


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    st[LAST_HIGH], st[LAST_LOW], st[LAST_CLOSE] = now[HIGH], now[LOW], now[CLOSE]
    st[COUNT] += 1.0


DEFINITION = IndicatorDef(
    name="PIVOT",
    params=(),
    outputs=("p", "r1", "r2", "r3", "s1", "s2", "s3"),
    first_value=lookback.two,
    stable=lookback.two,
    window=lookback.one,
    form=form,
    advance=advance,
    source="(high + low + close) / 3 of the candle before and levels either side: PIVOT.r1@1d is the day's",
    summary="Pivot points of the candle before: the pivot, three resistances above it, three supports below.",
)
