"""Double and triple exponential moving average: averages of averages, each seeded as TA-Lib does."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators import lookback
from engine.indicators.curves import LINE
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State

COUNT, FIRST, SECOND, THIRD = range(4)


def _first_double(params: Params) -> int:
    return 2 * int(params[0]) - 1


def _first_triple(params: Params) -> int:
    return 3 * int(params[0]) - 2


def _stable_double(params: Params) -> int:
    return math.ceil(_first_double(params) + 2 * 3.45 * params[0])


def _stable_triple(params: Params) -> int:
    # 3 * 3.45 is a little more than 10.35: rounded, or a whole number would become the next one.
    return math.ceil(round(_first_triple(params) + 3 * 3.45 * params[0], 6))


@kernel
def _next(before: float, value: float, n: float, p0: float) -> float:
    """Return the average (its sum while it is seeded) with its n-th value; nothing before the first."""
    if n < 1.0:
        return before
    if n < p0:
        return before + value
    if n == p0:
        return (before + value) / p0
    return (value - before) * (2.0 / (p0 + 1.0)) + before


@kernel
def _step(st: State, p0: float, c: float) -> tuple[float, float, float]:
    n = st[COUNT] + 1.0
    one = _next(st[FIRST], c, n, p0)
    two = _next(st[SECOND], one, n - p0 + 1.0, p0)
    return one, two, _next(st[THIRD], two, n - 2.0 * p0 + 2.0, p0)


@kernel
def form_double(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    one, two, _ = _step(st, p[0], now[CLOSE])
    out[at] = float("nan") if st[COUNT] + 1.0 < 2.0 * p[0] - 1.0 else 2.0 * one - two


@kernel
def form_triple(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    one, two, three = _step(st, p[0], now[CLOSE])
    out[at] = float("nan") if st[COUNT] + 1.0 < 3.0 * p[0] - 2.0 else 3.0 * one - 3.0 * two + three


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    c = now[CLOSE]
    one, two, three = _step(st, p0, c)
    st[FIRST] = one
    st[SECOND] = two
    st[THIRD] = three
    st[COUNT] += 1.0


DOUBLE = IndicatorDef(
    name="DEMA",
    params=(Param("period", None),),
    outputs=(),
    first_value=_first_double,
    stable=_stable_double,
    window=lookback.one,
    summary="Double exponential moving average: twice the average less the average of it.",
    talib_name="DEMA",
    curves=(LINE,),
    form=form_double,
    advance=advance,
)

TRIPLE = IndicatorDef(
    name="TEMA",
    params=(Param("period", None),),
    outputs=(),
    first_value=_first_triple,
    stable=_stable_triple,
    window=lookback.one,
    summary="Triple exponential moving average: less lag than DEMA, more overshoot.",
    talib_name="TEMA",
    curves=(LINE,),
    form=form_triple,
    advance=advance,
)
