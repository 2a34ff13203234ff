"""Average true range, Wilder's smoothing, seeded with the mean of the first `period` true ranges."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators.curves import REACH, set_unknown
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, HIGH, LOW, Curve, Now, Out, Past, Ring, State
from engine.ranges import NOT_NEGATIVE

COUNT, PREVIOUS, RANGE = range(3)


def _first(params: Params) -> int:
    return int(params[0]) + 1


def _stable(params: Params) -> int:
    return math.ceil(params[0] + 1 + 6.9 * params[0])


def _no_window(params: Params) -> int:
    del params
    return 1


@kernel
def _true_range(h: float, low: float, previous: float) -> float:
    return max(h - low, max(abs(h - previous), abs(low - previous)))


@kernel
def average(st: State, p0: float, h: float, low: float) -> float:
    """Return sum (while seeding) or average of true ranges with this candle as number count + 1 > 1."""
    reach = _true_range(h, low, st[PREVIOUS])
    n = st[COUNT]
    if n < p0:
        return st[RANGE] + reach
    if n == p0:
        return (st[RANGE] + reach) / p0
    return (st[RANGE] * (p0 - 1.0) + reach) / p0


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0 = p[0]
    h, low = now[HIGH], now[LOW]
    out[at] = float("nan") if st[COUNT] < p0 else average(st, p0, h, low)


@kernel
def fix(st: State, p: State, curve: Curve) -> None:
    p0, n = p[0], st[COUNT]
    if n < p0:
        set_unknown(curve)
        return
    curve[0] = st[PREVIOUS]
    curve[1] = 1.0 / p0
    curve[2] = (st[RANGE] if n == p0 else st[RANGE] * (p0 - 1.0)) / p0


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    h, low, c = now[HIGH], now[LOW], now[CLOSE]
    if st[COUNT] > 0.0:
        st[RANGE] = average(st, p0, h, low)
    st[PREVIOUS] = c
    st[COUNT] += 1.0


DEFINITION = IndicatorDef(
    name="ATR",
    params=(Param("period", 14),),
    outputs=(),
    first_value=_first,
    stable=_stable,
    window=_no_window,
    summary="Average true range, in the unit of the price.",
    ranges=(NOT_NEGATIVE,),
    talib_name="ATR",
    curves=(REACH,),
    fix=fix,
    form=form,
    advance=advance,
)
