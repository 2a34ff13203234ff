"""Rate of change and momentum: the close against the one `period` candles before, in percent and in price."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators.curves import LINE
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State
from engine.ranges import Range

COUNT, REFERENCE = range(2)


def _first(params: Params) -> int:
    return int(params[0]) + 1


def _period(params: Params) -> int:
    return int(params[0])


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0 = p[0]
    c = now[CLOSE]
    out[at] = float("nan") if st[COUNT] < p0 else (c / st[REFERENCE] - 1.0) * 100.0


@kernel
def form_momentum(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0 = p[0]
    c = now[CLOSE]
    out[at] = float("nan") if st[COUNT] < p0 else c - st[REFERENCE]


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Keep the close that the next candle is measured against; candle k-1 is the newest."""
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    if st[COUNT] >= p0:
        st[REFERENCE] = ring[off + CLOSE * cap + ((k - int(p0)) & (cap - 1))]


DEFINITION = IndicatorDef(
    name="ROC",
    params=(Param("period", 10),),
    outputs=(),
    first_value=_first,
    stable=_first,
    window=_period,
    summary="Rate of change of the close over some candles, in percent.",
    talib_name="ROC",
    ranges=(Range(low=-100.0, low_open=True),),
    curves=(LINE,),
    form=form,
    advance=advance,
)

MOMENTUM = IndicatorDef(
    name="MOM",
    params=(Param("period", 10),),
    outputs=(),
    first_value=_first,
    stable=_first,
    window=_period,
    summary="Momentum: change of the close over some candles, in the unit of the price.",
    talib_name="MOM",
    curves=(LINE,),
    form=form_momentum,
    advance=advance,
)
