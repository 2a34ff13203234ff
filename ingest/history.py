"""Closed candles from before the live tape, so that indicators are warm when the first trade comes.

Fetched when a symbol is subscribed and published before its first live trade: the log stays the engine's only
input. Regular-session 1h and 4h candles are rolled up from 30m ones, because those of the vendor are hours of the
clock and mix in the pre-market. The vendor gives no VWAP: the typical price (h+l+c)/3 stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.wire.trades import History
from engine.condition import Timeframe
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
    days_always_open: int


ASKS: tuple[Ask, ...] = (
    Ask("1m", "1", 5, 1),
    Ask("5m", "5", 8, 2),
    Ask("15m", "15", 15, 4),
    Ask("1h", "30", 60, 14),
    Ask("4h", "30", 60, 28),
    Ask("1d", "D", 420, 300),
)
_DAY_S = 86_400


class HistorySource:
    def __init__(self, rest: Rest, calendars: Calendars, *, source: str) -> None:
        self._rest = rest
        self._calendars = calendars
        self._source = source

    def fetch(self, symbol: str, ask: Ask, now_ms: int) -> History | None:
        """Return the regular-session candles that ended before `now_ms`, None where there are none.

        Raises:
            NotAllowed, Unavailable: see `Rest.candles`.
        """
        always = self._calendars.calendar_of(symbol) == "24/7"
        days = ask.days_always_open if always else ask.days
        to_s = now_ms // 1000
        series = self._rest.candles(symbol, ask.resolution, to_s - days * _DAY_S, to_s)
        if not series["t"]:
            return None
        starts = np.array(series["t"], np.int64) * 1000
        span = int(starts[0]), int(starts[-1]) + TIMEFRAME_MS[ask.timeframe]
        intervals = self._calendars.intervals(symbol, "regular", ask.timeframe, *span)
        sessions = self._calendars.bounds(symbol, "regular", *span)
        ended = intervals[intervals[:, 1] <= now_ms]
        return roll_up(symbol, ask.timeframe, self._source, series, intervals=ended, sessions=sessions)


def roll_up(
    symbol: str,
    timeframe: Timeframe,
    source: str,
    series: dict[str, list[float]],
    *,
    intervals: Times,
    sessions: Times,
) -> History | None:
    """Put each given candle into the interval that holds its start; those of other sessions fall out."""
    starts = np.array(series["t"], np.int64) * 1000
    # A daily candle is stamped with midnight UTC of its date, its interval begins at the session's open.
    reach = 86_399_999 if timeframe == "1d" else 0
    at = np.searchsorted(intervals[:, 0], starts + reach, side="right") - 1
    inside = (at >= 0) & (starts < intervals[np.maximum(at, 0), 1])
    if not reach:
        session = np.searchsorted(sessions[:, 0], starts, side="right") - 1
        inside &= (session >= 0) & (starts < sessions[np.maximum(session, 0), 1])
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
    return History(
        symbol=symbol,
        session="regular",
        timeframe=timeframe,
        source=source,
        ts_ms=intervals[groups[first], 0].tolist(),
        open=open_[first].tolist(),
        high=np.maximum.reduceat(high, first).tolist(),
        low=np.minimum.reduceat(low, first).tolist(),
        close=close[last].tolist(),
        volume=volumes.tolist(),
        vwap=vwap.tolist(),
        trades=[0] * len(first),
    )
