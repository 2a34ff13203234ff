"""Closed candles from before the live tape, so that indicators are warm when the first trade comes.

Fetched when a symbol is subscribed and published before its first live trade: the log stays the engine's only
input. After a longer interruption what was missed is fetched the same way. 1h and 4h candles are rolled up from 30m
ones, because those of the vendor are hours of the clock and mix in the pre-market; the days of the extended session
too. The vendor gives no VWAP: the typical price (h+l+c)/3 stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.wire.trades import History
from engine.condition import Session, Timeframe
from engine.sessions import TIMEFRAME_MS, Calendars
from ingest.rest import Rest

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ask:
    """`resolution` is what the vendor is asked for; `days` reaches back over nights, weekends and holidays."""

    timeframe: Timeframe
    resolution: str
    days: int
    days_always_open: float


ASKS: tuple[Ask, ...] = (
    Ask("1m", "1", 5, 0.5),
    Ask("5m", "5", 8, 1.5),
    Ask("15m", "15", 15, 3),
    Ask("1h", "30", 60, 14),
    Ask("4h", "30", 60, 28),
    Ask("1d", "D", 420, 300),
)
_DAY_S = 86_400
_DAY_MS = 86_400_000
_EXTENDED_DAY = Ask("1d", "30", 60, 60)
_BACK_FROM_A_GAP_MS = {"1d": 7 * _DAY_MS}
"""So far before a gap the asking begins, to see the candles whole that it cut; a day where nothing is said."""


def asks_for(session: Session) -> tuple[Ask, ...]:
    return ASKS if session == "regular" else (*ASKS[:-1], _EXTENDED_DAY)


class HistorySource:
    def __init__(self, rest: Rest, calendars: Calendars, *, source: str) -> None:
        self._rest = rest
        self._calendars = calendars
        self._source = source

    def fetch(
        self, symbol: str, ask: Ask, now_ms: int, *, session: Session = "regular", since_ms: int = 0
    ) -> History | None:
        """Return the candles of a session that ended before `now_ms`, None where there are none.

        Args:
            since_ms: Candles that ended before it are not wanted; 0 = all that the ask reaches back to.

        Raises:
            NotAllowed, Unavailable: see `Rest.candles`.
        """
        always = self._calendars.calendar_of(symbol) == "24/7"
        days = ask.days_always_open if always else ask.days
        from_ms = max(now_ms - int(days * _DAY_MS), since_ms - _BACK_FROM_A_GAP_MS.get(ask.timeframe, _DAY_MS))
        series = self._rest.candles(symbol, ask.resolution, from_ms // 1000, now_ms // 1000)
        if not series["t"]:
            return None
        starts = np.array(series["t"], np.int64) * 1000
        span = int(starts[0]), int(starts[-1]) + TIMEFRAME_MS[ask.timeframe]
        intervals = self._calendars.intervals(symbol, session, ask.timeframe, *span)
        sessions = self._calendars.bounds(symbol, session, *span)
        # The first one may have begun before what was asked for: its candle would be a part of itself.
        whole = intervals[(intervals[:, 0] >= from_ms) & (intervals[:, 1] <= now_ms)]
        whole = whole[whole[:, 1] > since_ms]
        return roll_up(
            symbol, ask.timeframe, self._source, series, intervals=whole, sessions=sessions, session=session,
            is_daily=ask.resolution == "D",
        )  # fmt: skip


def roll_up(
    symbol: str,
    timeframe: Timeframe,
    source: str,
    series: dict[str, list[float]],
    *,
    intervals: Times,
    sessions: Times,
    session: Session = "regular",
    is_daily: bool = False,
) -> History | None:
    """Put each given candle into the interval that holds its start; those of other sessions fall out."""
    if len(intervals) == 0 or len(sessions) == 0:
        return None
    starts = np.array(series["t"], np.int64) * 1000
    # A daily candle is stamped with midnight UTC of its date, its interval begins at the session's open.
    reach = _DAY_MS - 1 if is_daily else 0
    at = np.searchsorted(intervals[:, 0], starts + reach, side="right") - 1
    inside = (at >= 0) & (starts < intervals[np.maximum(at, 0), 1])
    if not reach:
        of_day = np.searchsorted(sessions[:, 0], starts, side="right") - 1
        inside &= (of_day >= 0) & (starts < sessions[np.maximum(of_day, 0), 1])
    if not inside.any():
        return None
    groups = at[inside]
    open_, high, low, close, volume = (np.array(series[k], np.float64)[inside] for k in "ohlcv")
    first = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    last = np.append(first[1:], len(groups)) - 1
    value = (high + low + close) / 3 * volume
    volumes = np.add.reduceat(volume, first)
    typical = (high[last] + low[last] + close[last]) / 3
    vwap = np.divide(np.add.reduceat(value, first), volumes, out=typical, where=volumes > 0)
    highest, lowest = np.maximum.reduceat(high, first), np.minimum.reduceat(low, first)
    return History(
        symbol=symbol,
        session=session,
        timeframe=timeframe,
        source=source,
        ts_ms=intervals[groups[first], 0].tolist(),
        open=open_[first].tolist(),
        high=highest.tolist(),
        low=lowest.tolist(),
        close=close[last].tolist(),
        volume=volumes.tolist(),
        vwap=np.clip(vwap, lowest, highest).tolist(),
        trades=[0] * len(first),
    )
