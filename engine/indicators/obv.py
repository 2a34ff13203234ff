"""On-balance volume: the volume of rising candles minus that of falling ones, from the first candle known."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators.definition import IndicatorDef, Params
from engine.indicators.state import CLOSE, VOLUME, Now, Out, Past, Ring, State

COUNT, PREVIOUS, TOTAL = range(3)


def _one(params: Params) -> int:
    del params
    return 1


@kernel
def value(st: State, c: float, v: float) -> float:
    """Return the total with this candle last; the first candle's volume is the start, as in TA-Lib."""
    if st[COUNT] == 0.0:
        return v
    if c > st[PREVIOUS]:
        return st[TOTAL] + v
    return st[TOTAL] - v if c < st[PREVIOUS] else st[TOTAL]


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    c, v = now[CLOSE], now[VOLUME]
    out[at] = value(st, c, v)


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    c, v = now[CLOSE], now[VOLUME]
    st[TOTAL] = value(st, c, v)
    st[PREVIOUS] = c
    st[COUNT] += 1.0


DEFINITION = IndicatorDef(
    name="OBV",
    params=(),
    outputs=(),
    first_value=_one,
    stable=_one,
    window=_one,
    summary="On-balance volume; its level depends on where the history starts.",
    talib_name="OBV",
    reads_volume=True,
    is_cumulative=True,
    form=form,
    advance=advance,
)
