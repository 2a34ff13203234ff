"""Closed candles from before the live tape: what is asked for, and the vendor's candles put into our intervals.

1h and 4h candles are rolled up from 30m ones, because those of the vendor are hours of the clock and mix in the
pre-market; the days of the extended session too. Where a vendor gives no VWAP the typical price (h+l+c)/3 stands
for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.wire.trades import History
from engine.condition import Session, Timeframe
from engine.sessions import Calendars

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


@dataclass(frozen=True, slots=True)
class Window:
    """The candles that are wanted: those of `intervals`, [start, end) each, rising; all of them are over.

    from_ms, now_ms  what a vendor has to be asked for to make them
    sessions         the days' sessions they are in, [open, close) each
    """

    symbol: str
    session: Session
    ask: Ask
    from_ms: int
    now_ms: int
    intervals: Times
    sessions: Times

    def since(self, from_ms: int) -> Window:
        """Return the part of it that begins at or after a time."""
        # A daily candle is stamped with the midnight before its session.
        stamped = from_ms - _DAY_MS if self.ask.resolution == "D" else from_ms
        later = self.intervals[self.intervals[:, 0] >= from_ms]
        return replace(self, from_ms=max(self.from_ms, stamped), intervals=later)


def window(
    calendars: Calendars, symbol: str, ask: Ask, *, session: Session = "regular", now_ms: int, since_ms: int = 0
) -> Window:
    """Return what is to be had of a symbol's closed candles of one timeframe.

    Args:
        since_ms: Candles that ended before it are not wanted; 0 = all that the ask reaches back to.
    """
    always = calendars.calendar_of(symbol) == "24/7"
    days = ask.days_always_open if always else ask.days
    from_ms = max(now_ms - int(days * _DAY_MS), since_ms - _BACK_FROM_A_GAP_MS.get(ask.timeframe, _DAY_MS))
    intervals = calendars.intervals(symbol, session, ask.timeframe, from_ms, now_ms)
    # The first one may have begun before what is asked for: its candle would be a part of itself.
    whole = intervals[(intervals[:, 0] >= from_ms) & (intervals[:, 1] <= now_ms)]
    return Window(
        symbol, session, ask, from_ms, now_ms, whole[whole[:, 1] > since_ms],
        calendars.bounds(symbol, session, from_ms, now_ms),
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
    """Put each given candle into the interval that holds its start; those of other sessions fall out, and those that
    are none: a price that is missing, not finite or not above zero never becomes history.

    Args:
        series: Columns o h l c v and t in seconds, oldest first; n (trades) and w (VWAP) where the vendor has them.
    """
    series = _usable(series)
    if len(intervals) == 0 or len(sessions) == 0 or not series["t"]:
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
    count, weighted = series.get("n"), series.get("w")
    trades = np.array(count, np.int64)[inside] if count else np.zeros(len(groups), np.int64)
    value = (np.array(weighted, np.float64)[inside] if weighted else (high + low + close) / 3) * volume
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
        trades=np.add.reduceat(trades, first).tolist(),
    )


def _usable(series: Mapping[str, Sequence[object]]) -> dict[str, list[float]]:
    """Return the rows that are candles, whatever a vendor put beside them."""
    known = [key for key, column in series.items() if key in "ohlcvtnw" and len(column) == len(series["t"])]
    rows = zip(*(series[key] for key in known), strict=True)
    good = [
        numbers for row in rows if (numbers := _numbers(row)) and _is_candle(dict(zip(known, numbers, strict=True)))
    ]
    return {key: [row[i] for row in good] for i, key in enumerate(known)}


def _numbers(row: Sequence[object]) -> tuple[float, ...]:
    """Return the row, empty where something in it is no finite number."""
    found = tuple(x for x in row if isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x))
    return found if len(found) == len(row) else ()


def _is_candle(row: Mapping[str, float]) -> bool:
    return min(row[key] for key in "ohlc") > 0 and row["v"] >= 0 and row["l"] <= row["h"]
