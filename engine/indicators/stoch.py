"""Stochastic oscillator: where the close stands between the lowest low and the highest high, and its averages."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, HIGH, LOW, Now, Out, Past, Ring, State
from engine.indicators.windows import highest, lowest
from engine.ranges import PERCENT

COUNT, HIGHEST, LOWEST, SMOOTH, AVERAGE = range(5)


def _first(params: Params) -> int:
    return int(sum(params)) - 2


@kernel
def _share(high: float, low: float, c: float) -> float:
    """Return the percentage of the way from low to high; 0/0 is NaN where TA-Lib says 0 (T18)."""
    return (c - low) / ((high - low) / 100.0) if high > low else float("nan")


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write k and d with the candle (high, low, close) last; both wait for `first` candles, as in TA-Lib."""
    smooth, d = p[1], p[2]
    first = p[0] + smooth + d - 2.0
    if st[COUNT] + 1.0 < first:
        out[at] = out[at + 1] = float("nan")
        return
    h, low, c = now[HIGH], now[LOW], now[CLOSE]
    share = _share(max(st[HIGHEST], h), min(st[LOWEST], low), c)
    k = (st[SMOOTH] + share) / smooth
    out[at] = k
    out[at + 1] = (st[AVERAGE] + k) / d


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Rebuild from the ring the extremes and the sums of the newest smooth - 1 shares and d - 1 values of k.

    A share of age a (0 = newest) is in as many of those values as there are windows of `smooth` over it. NaN
    shares make the sums NaN for as long as they are in, and not longer.
    """
    p0, p1, p2 = p[0], p[1], p[2]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    length, smooth, d = int(p0), int(p1), int(p2)
    if st[COUNT] + 1.0 < p0 + p1 + p2 - 2.0:
        return
    st[HIGHEST] = highest(ring, off, cap, k, length - 1)
    st[LOWEST] = lowest(ring, off, cap, k, length - 1)
    shares = 0.0
    values = 0.0
    for age in range(smooth + d - 2):
        end = k - age
        close = ring[off + CLOSE * cap + ((end - 1) & (cap - 1))]
        share = _share(highest(ring, off, cap, end, length), lowest(ring, off, cap, end, length), close)
        if age < smooth - 1:
            shares += share
        windows = min(d - 2, age) - max(0, age - smooth + 1) + 1
        if windows > 0:
            values += share * windows
    st[SMOOTH] = shares
    st[AVERAGE] = values / p1


DEFINITION = IndicatorDef(
    name="STOCH",
    params=(Param("k", 14), Param("smooth", 1, minimum=1, implied=1), Param("d", 3)),
    outputs=("k", "d"),
    first_value=_first,
    stable=_first,
    window=_first,
    deviation=("unknown where highest = lowest, where TA-Lib says 0; its average too while such a value is in it"),
    summary="Stochastic oscillator, 0 to 100, and its simple average d; unknown while highest equals lowest.",
    talib_name="STOCH",
    signals=("bullish_crossover", "bearish_crossover"),
    sides=("k", "d"),
    ranges=(PERCENT,),
    form=form,
    advance=advance,
)
