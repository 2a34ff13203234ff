"""Volume-weighted average price of the session so far."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators import lookback
from engine.indicators.definition import IndicatorDef
from engine.indicators.state import STARTED, VALUE, VOLUME, Now, Out, Past, Ring, State
from engine.ranges import POSITIVE

COUNT, MONEY, TRADED, SESSION = range(4)
DAY_MS = 86_400_000.0


@kernel
def _session(p: State, now: Now) -> float:
    """Return the number of the session that a candle is of; p[0] is a time of day at which none is open."""
    return math.floor((now[STARTED] - p[0]) / DAY_MS)


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write the price; NaN until something was traded in the session."""
    is_same = st[SESSION] == _session(p, now)
    money = (st[MONEY] if is_same else 0.0) + now[VALUE]
    traded = (st[TRADED] if is_same else 0.0) + now[VOLUME]
    out[at] = money / traded if traded > 0.0 else float("nan")


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    session = _session(p, now)
    if session != st[SESSION]:
        st[MONEY] = st[TRADED] = 0.0
    st[SESSION] = session
    st[MONEY] += now[VALUE]
    st[TRADED] += now[VOLUME]
    st[COUNT] += 1.0


DEFINITION = IndicatorDef(
    name="VWAP",
    params=(),
    outputs=(),
    first_value=lookback.one,
    stable=lookback.one,
    window=lookback.one,
    form=form,
    advance=advance,
    reads_session=True,
    reads_volume=True,
    source="sum of price times size over sum of size since the session's open; 24/7 symbols since 00:00 UTC",
    summary="Volume-weighted average price of the session so far; the field vwap is that of one candle.",
    ranges=(POSITIVE,),
)
