"""Volume by where the price went: money flow index, accumulation/distribution, Chaikin's flow, relative volume."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators import lookback
from engine.indicators.definition import IndicatorDef, Param
from engine.indicators.state import CLOSE, HIGH, LOW, VOLUME, Now, Out, Past, Ring, State
from engine.ranges import NOT_NEGATIVE, PERCENT, Range

COUNT, PREVIOUS, UP, DOWN = range(4)
FLOW, TOTAL = UP, DOWN


@kernel
def _typical(ring: Ring, at: int, cap: int) -> float:
    return (ring[at + HIGH * cap] + ring[at + LOW * cap] + ring[at + CLOSE * cap]) / 3.0


@kernel
def form_index(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write the share of upward flow; NaN without flow, where TA-Lib says 0 (and also below a flow of 1)."""
    p0 = p[0]
    v = now[VOLUME]
    h, low, c = now[HIGH], now[LOW], now[CLOSE]
    typical = (h + low + c) / 3.0
    up = st[UP] + (typical * v if typical > st[PREVIOUS] else 0.0)
    total = up + st[DOWN] + (typical * v if typical < st[PREVIOUS] else 0.0)
    out[at] = float("nan") if st[COUNT] < p0 or total <= 0.0 else 100.0 * (up / total)


@kernel
def advance_index(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Rebuild the flows of the newest period - 1 changes."""
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    before = _typical(ring, off + ((k - 1) & (cap - 1)), cap)
    st[PREVIOUS] = before
    st[UP] = st[DOWN] = 0.0
    if st[COUNT] < p0:
        return
    before = _typical(ring, off + ((k - int(p0)) & (cap - 1)), cap)
    for j in range(k - int(p0) + 1, k):
        at = off + (j & (cap - 1))
        typical = _typical(ring, at, cap)
        if typical > before:
            st[UP] += typical * ring[at + VOLUME * cap]
        elif typical < before:
            st[DOWN] += typical * ring[at + VOLUME * cap]
        before = typical


@kernel
def _accumulated(h: float, low: float, c: float, v: float) -> float:
    """Return the volume, weighed -1 to 1 by where the candle closed; 0 for one without a range."""
    return ((c - low) - (h - c)) / (h - low) * v if h > low else 0.0


@kernel
def form_accumulation(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    out[at] = st[FLOW] + _accumulated(now[HIGH], now[LOW], now[CLOSE], now[VOLUME])


@kernel
def advance_accumulation(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    st[FLOW] += _accumulated(now[HIGH], now[LOW], now[CLOSE], now[VOLUME])
    st[COUNT] += 1.0


@kernel
def form_chaikin(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0, v = p[0], now[VOLUME]
    total = st[TOTAL] + v
    if st[COUNT] + 1.0 < p0 or total <= 0.0:
        out[at] = float("nan")
    else:
        out[at] = (st[FLOW] + _accumulated(now[HIGH], now[LOW], now[CLOSE], v)) / total


@kernel
def advance_chaikin(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    st[FLOW] = st[TOTAL] = 0.0
    for j in range(k - min(int(p0) - 1, int(st[COUNT])), k):
        at = off + (j & (cap - 1))
        v = ring[at + VOLUME * cap]
        st[FLOW] += _accumulated(ring[at + HIGH * cap], ring[at + LOW * cap], ring[at + CLOSE * cap], v)
        st[TOTAL] += v


@kernel
def form_relative(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    p0 = p[0]
    v = now[VOLUME]
    out[at] = v / (st[TOTAL] / p0) if st[COUNT] >= p0 and st[TOTAL] > 0.0 else float("nan")


@kernel
def advance_relative(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    off, cap, k = past[0], past[1], past[2]
    st[COUNT] += 1.0
    st[TOTAL] = 0.0
    for j in range(k - min(int(p0), int(st[COUNT])), k):
        st[TOTAL] += ring[off + VOLUME * cap + (j & (cap - 1))]


INDEX = IndicatorDef(
    name="MFI",
    params=(Param("period", 14),),
    outputs=(),
    first_value=lookback.after_period,
    stable=lookback.after_period,
    window=lookback.after_period,
    deviation=(
        "unknown while no money flowed, where TA-Lib says 0, as it does for a flow below 1; neighbouring "
        "typical prices that differ by rounding only are a tie (T19)"
    ),
    summary="Money flow index, 0 to 100; unknown while no money flowed.",
    talib_name="MFI",
    ranges=(PERCENT,),
    reads_volume=True,
    form=form_index,
    advance=advance_index,
)

ACCUMULATION = IndicatorDef(
    name="AD",
    params=(),
    outputs=(),
    first_value=lookback.one,
    stable=lookback.one,
    window=lookback.one,
    summary="Accumulation/distribution line; its level depends on where the history starts.",
    talib_name="AD",
    reads_volume=True,
    is_cumulative=True,
    form=form_accumulation,
    advance=advance_accumulation,
)

CHAIKIN = IndicatorDef(
    name="CMF",
    params=(Param("period", 20),),
    outputs=(),
    first_value=lookback.period,
    stable=lookback.period,
    window=lookback.period,
    source="sum of AD's money flow volume over sum of volume (M. Chaikin)",
    summary="Chaikin money flow, -1 to 1; unknown while there is no volume.",
    ranges=(Range(-1.0, 1.0),),
    reads_volume=True,
    form=form_chaikin,
    advance=advance_chaikin,
)

RELATIVE = IndicatorDef(
    name="RVOL",
    params=(Param("period", 20),),
    outputs=(),
    first_value=lookback.after_period,
    stable=lookback.after_period,
    window=lookback.after_period,
    source="volume over the mean volume of the candles before",
    summary="Relative volume: the volume over the mean of that of the candles before.",
    ranges=(NOT_NEGATIVE,),
    reads_volume=True,
    form=form_relative,
    advance=advance_relative,
)
