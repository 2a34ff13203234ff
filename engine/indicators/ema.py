"""Exponential moving average, seeded with the mean of the first `period` closes as TA-Lib does."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators.curves import LINE
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State
from engine.ranges import POSITIVE


def _period(params: Params) -> int:
    return int(params[0])


def _stable(params: Params) -> int:
    return math.ceil(params[0] + 3.45 * params[0])


def _no_window(params: Params) -> int:
    del params
    return 1


@kernel
def value(st: State, p0: float, c: float) -> float:
    """Return the average with `c` as last close; st = count, then sum while seeding, average after."""
    n = st[0] + 1.0
    if n < p0:
        return float("nan")
    if n == p0:
        return (st[1] + c) / p0
    return (c - st[1]) * (2.0 / (p0 + 1.0)) + st[1]


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0 = p[0]
    c = now[CLOSE]
    out[at] = value(st, p0, c)


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    c = now[CLOSE]
    if st[0] + 1.0 < p0:
        st[1] += c
    else:
        st[1] = value(st, p0, c)
    st[0] += 1.0


DEFINITION = IndicatorDef(
    name="EMA",
    params=(Param("period", None),),
    outputs=(),
    first_value=_period,
    stable=_stable,
    window=_no_window,
    summary="Exponential moving average of the close.",
    ranges=(POSITIVE,),
    talib_name="EMA",
    signals=("golden_cross", "death_cross"),
    curves=(LINE,),
    form=form,
    advance=advance,
)
