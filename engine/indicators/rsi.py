"""Relative strength index, Wilder's smoothing, seeded with the mean of the first `period` changes."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators.curves import SHARE, set_unknown
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Curve, Now, Out, Past, Ring, State
from engine.ranges import PERCENT

COUNT, PREVIOUS, GAIN, LOSS = range(4)
FROZEN = 1e-250
"""Averages this small stop shrinking: a market flat for thousands of candles keeps its last value."""


def _first(params: Params) -> int:
    return int(params[0]) + 1


def _stable(params: Params) -> int:
    return math.ceil(params[0] + 1 + 6.9 * params[0])


def _no_window(params: Params) -> int:
    del params
    return 1


@kernel
def value(st: State, p0: float, c: float) -> float:
    """Return the index with `c` as last close. No change so far is 0/0: NaN, where TA-Lib says 0 (T18)."""
    if st[COUNT] < p0:
        return float("nan")
    d = c - st[PREVIOUS]
    up = d if d > 0.0 else 0.0
    down = -d if d < 0.0 else 0.0
    if st[COUNT] == p0:
        gain = (st[GAIN] + up) / p0
        loss = (st[LOSS] + down) / p0
    else:
        gain = (st[GAIN] * (p0 - 1.0) + up) / p0
        loss = (st[LOSS] * (p0 - 1.0) + down) / p0
    total = gain + loss
    return 100.0 * (gain / total) if total > 0.0 else float("nan")


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    out[at] = value(st, p[0], now[CLOSE])


@kernel
def fix(st: State, p: State, curve: Curve) -> None:
    p0, n = p[0], st[COUNT]
    if n < p0:
        set_unknown(curve)
        return
    weight = 1.0 if n == p0 else p0 - 1.0
    curve[0] = st[PREVIOUS]
    curve[1] = st[GAIN] * weight
    curve[2] = (st[GAIN] + st[LOSS]) * weight


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    c = now[CLOSE]
    n = st[COUNT]
    if n > 0.0:
        d = c - st[PREVIOUS]
        up = d if d > 0.0 else 0.0
        down = -d if d < 0.0 else 0.0
        if n < p0:
            st[GAIN] += up
            st[LOSS] += down
        elif n == p0:
            st[GAIN] = (st[GAIN] + up) / p0
            st[LOSS] = (st[LOSS] + down) / p0
        elif d != 0.0 or st[GAIN] + st[LOSS] > FROZEN:
            st[GAIN] = (st[GAIN] * (p0 - 1.0) + up) / p0
            st[LOSS] = (st[LOSS] * (p0 - 1.0) + down) / p0
    st[PREVIOUS] = c
    st[COUNT] = n + 1.0


DEFINITION = IndicatorDef(
    name="RSI",
    params=(Param("period", 14),),
    outputs=(),
    first_value=_first,
    stable=_stable,
    window=_no_window,
    deviation="unknown before the first change of price, where TA-Lib says 0",
    summary="Relative strength index, 0 to 100; unknown until the price has changed once.",
    ranges=(PERCENT,),
    talib_name="RSI",
    curves=(SHARE,),
    fix=fix,
    form=form,
    advance=advance,
)
