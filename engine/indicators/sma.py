"""Simple moving average: the mean of the last `period` closes."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators.curves import LINE
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State
from engine.indicators.windows import distances
from engine.ranges import POSITIVE


def _period(params: Params) -> int:
    return int(params[0])


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write the average of the last period - 1 closes and `c`; st = count, sum of those closes."""
    p0 = p[0]
    c = now[CLOSE]
    if st[0] + 1.0 < p0:
        out[at] = float("nan")
    else:
        out[at] = (st[1] + c) / p0


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Rebuild the sum from the ring, so that it never drifts; candle k-1 is the newest."""
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[0] += 1.0
    n = min(int(p0) - 1, int(st[0]))
    st[1] = distances(ring, off, cap, k, n, 0.0)[0]


DEFINITION = IndicatorDef(
    name="SMA",
    params=(Param("period", None),),
    outputs=(),
    first_value=_period,
    stable=_period,
    window=_period,
    summary="Simple moving average of the close.",
    ranges=(POSITIVE,),
    talib_name="SMA",
    signals=("golden_cross", "death_cross"),
    curves=(LINE,),
    form=form,
    advance=advance,
)
