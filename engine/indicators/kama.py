"""Kaufman's adaptive moving average: fast where the price goes straight, slow where it wavers."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators import lookback
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State
from engine.ranges import POSITIVE

COUNT, PREVIOUS, AVERAGE, CHANGES, REFERENCE = range(5)
FAST = 2.0 / 3.0
SLOW = 2.0 / 31.0


def _stable(params: Params) -> int:
    """Return the candles after which 0.1 % of the seed is left when the price only wavers (3.45 times 30)."""
    return math.ceil(params[0] + 1 + 3.45 * 30)


@kernel
def _value(st: State, c: float) -> float:
    change = c - st[REFERENCE]
    way = st[CHANGES] + abs(c - st[PREVIOUS])
    # The sign of the change is TA-Lib's: a way no longer than it, or none, is straight.
    ratio = 1.0 if way <= change or way < 1e-14 else abs(change / way)
    weight = ratio * (FAST - SLOW) + SLOW
    return (c - st[AVERAGE]) * weight * weight + st[AVERAGE]


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0 = p[0]
    c = now[CLOSE]
    out[at] = float("nan") if st[COUNT] < p0 else _value(st, c)


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    base = off + CLOSE * cap
    c = ring[base + ((k - 1) & (cap - 1))]
    st[AVERAGE] = c if st[COUNT] < p0 else _value(st, c)
    st[PREVIOUS] = c
    st[COUNT] += 1.0
    if st[COUNT] < p0:
        return
    n = int(p0)
    st[REFERENCE] = ring[base + ((k - n) & (cap - 1))]
    st[CHANGES] = 0.0
    for j in range(k - n + 1, k):
        st[CHANGES] += abs(ring[base + (j & (cap - 1))] - ring[base + ((j - 1) & (cap - 1))])


DEFINITION = IndicatorDef(
    name="KAMA",
    params=(Param("period", 10),),
    outputs=(),
    first_value=lookback.after_period,
    stable=_stable,
    window=lookback.after_period,
    summary="Kaufman's adaptive moving average of the close.",
    talib_name="KAMA",
    ranges=(POSITIVE,),
    form=form,
    advance=advance,
)
