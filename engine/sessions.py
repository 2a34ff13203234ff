"""When a market is open, and where its candles begin and end (T11, T12).

A calendar is named by its exchange code ("XNYS"); `ALWAYS` ("24/7") is the calendar of symbols that never
close, whose sessions are UTC days. All tables cover 1990 to 2049 as far as the calendar is known, so what is
computed from them does not depend on today's date. exchange_calendars takes 1.5 s to import: it is loaded
by the first question about a real exchange, never for `ALWAYS`.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from typing import Protocol, cast
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.condition import Session, Timeframe

ALWAYS = "24/7"
DEFAULT_CALENDAR = "XNYS"
DEFAULT_PREFIXES: Mapping[str, str] = {"ASX": "XASX", "LSE": "XLON"}
MARKETS: Mapping[str, str] = {"US": "XNYS"}
"""Names of markets that are no exchange codes."""

TIMEFRAME_MS: Mapping[Timeframe, int] = {
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
}
DAY_MS = 86_400_000
_ANCHORED = ("4h", "1d")
_FIRST, _LAST = "1990-01-01", "2049-12-31"

Instants = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ExtendedHours:
    """Wall-clock hours of a market's extended session."""

    timezone: str
    opens: wall_time
    closes: wall_time
    regular_close: wall_time
    """A session that closes before it is an early close ..."""
    early_closes: wall_time
    """... and its extended session ends then."""


EXTENDED: Mapping[str, ExtendedHours] = {
    "XNYS": ExtendedHours("America/New_York", wall_time(4), wall_time(20), wall_time(16), wall_time(17)),
}


@dataclass(frozen=True, slots=True)
class SessionTable:
    """All sessions of one calendar, oldest first; the arrays have one length and are read-only.

    opens_ms, closes_ms  int64  `[open, close)` of each session, epoch milliseconds UTC
    days                 int64  the session's own date, days since 1970-01-01 (a session of XASX begins on
                                the UTC day before)
    """

    opens_ms: Instants
    closes_ms: Instants
    days: Instants

    def __len__(self) -> int:
        return len(self.opens_ms)

    def index_at(self, ts_ms: int) -> int:
        """Return the index of the session that contains `ts_ms`, -1 when the market is closed then."""
        i = int(np.searchsorted(self.opens_ms, ts_ms, side="right")) - 1
        return i if i >= 0 and ts_ms < self.closes_ms[i] else -1

    def has_day(self, day: date) -> bool:
        """Return whether there is a session on this date."""
        wanted = (day - date(1970, 1, 1)).days
        i = int(np.searchsorted(self.days, wanted))
        return i < len(self.days) and int(self.days[i]) == wanted


def night_ms(opens_ms: Instants, closes_ms: Instants) -> int:
    """Return a time of day, ms UTC, at which no session is open: the middle of the shortest night; 0 for 24/7.

    Between it and the next one lies one whole session, on either side of a clock change.
    """
    if len(opens_ms) < 2:
        return 0
    nights = opens_ms[1:] - closes_ms[:-1]
    shortest = int(np.argmin(nights))
    return int(closes_ms[shortest] + nights[shortest] // 2) % DAY_MS


class Calendars:
    """Answers questions about sessions; keeps what it has computed. Safe to share between threads."""

    def __init__(self, prefixes: Mapping[str, str] = DEFAULT_PREFIXES) -> None:
        """Take the calendar code of each symbol prefix, e.g. `{"ASX": "XASX"}`."""
        self._prefixes = {prefix: resolve_calendar(code) for prefix, code in prefixes.items()}

    def calendar_of(self, symbol: str) -> str:
        """Return the calendar of a symbol: XNYS for a bare one, 24/7 for a prefix without a calendar."""
        prefix, colon, _ = symbol.rpartition(":")
        if not colon:
            return DEFAULT_CALENDAR
        return self._prefixes.get(prefix, ALWAYS)

    def night_of(self, symbol: str, session: Session = "regular") -> int:
        """Return `night_ms` of a symbol's sessions."""
        calendar = self.calendar_of(symbol)
        if calendar == ALWAYS:
            return 0
        table = self.table(calendar, session)
        return night_ms(table.opens_ms, table.closes_ms)

    def table(self, calendar: str, session: Session = "regular") -> SessionTable:
        """Return every session of a calendar other than 24/7.

        Raises:
            ValueError: 24/7, which has no table, or no such calendar.
        """
        return _table(calendar, session)

    def bounds(self, symbol: str, session: Session, from_ms: int, to_ms: int) -> Instants:
        """Return `[open, close)` of each session that overlaps `[from_ms, to_ms)`, shape (n, 2).

        For a 24/7 symbol a session is a UTC day, whatever `session` says.
        """
        return self.intervals(symbol, session, "1d", from_ms, to_ms)

    def intervals(self, symbol: str, session: Session, timeframe: Timeframe, from_ms: int, to_ms: int) -> Instants:
        """Return `[start, end)` of each candle that overlaps `[from_ms, to_ms)`, shape (n, 2), oldest first.

        4h and 1d start at the session's open (24/7: UTC) and are cut at its close. Shorter ones start at
        multiples of their length since the epoch, their start may lie before the open (T12); their end is
        cut at the close (T13).
        """
        length = TIMEFRAME_MS[timeframe]
        calendar = self.calendar_of(symbol)
        if calendar == ALWAYS:
            starts = np.arange(from_ms // length * length, max(to_ms, from_ms), length, dtype=np.int64)
            return np.column_stack((starts, starts + length))
        if timeframe in _ANCHORED:
            return _overlapping(_anchored(calendar, session, timeframe), from_ms, to_ms)
        table = _table(calendar, session)
        sessions = _overlapping(np.column_stack((table.opens_ms, table.closes_ms)), from_ms, to_ms)
        return _overlapping(_grid(sessions, length), from_ms, to_ms)

    def interval_at(self, symbol: str, session: Session, timeframe: Timeframe, ts_ms: int) -> tuple[int, int] | None:
        """Return `(start, end)` of the candle that a trade at `ts_ms` enters; None outside the session."""
        found = self.intervals(symbol, session, timeframe, ts_ms, ts_ms + 1)
        if len(found) == 0:
            return None
        # A short candle that begins before the open reaches outside the session; a trade there is in none.
        if self.calendar_of(symbol) != ALWAYS and len(self.bounds(symbol, session, ts_ms, ts_ms + 1)) == 0:
            return None
        return int(found[0, 0]), int(found[0, 1])


def parse_prefixes(text: str) -> dict[str, str]:
    """Read `ASX=XASX,LSE=XLON`.

    Raises:
        ValueError: a part that is no PREFIX=CALENDAR pair; the text says which.
    """
    prefixes: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        prefix, equals, code = (p.strip() for p in part.partition("="))
        if not equals or not prefix or not code:
            raise ValueError(f"found {part!r}; write PREFIX=CALENDAR, e.g. ASX=XASX")
        prefixes[prefix] = code
    return prefixes


def resolve_calendar(market: str) -> str:
    """Return the calendar code of a market ("US" → "XNYS"); an unknown name comes back unchanged."""
    return MARKETS.get(market, market)


def is_calendar(code: str) -> bool:
    """Return whether this is the code of a calendar we know, 24/7 included."""
    if code in (ALWAYS, DEFAULT_CALENDAR):
        return True
    import exchange_calendars

    return code in exchange_calendars.get_calendar_names()


_lock = threading.Lock()
_tables: dict[tuple[str, Session], SessionTable] = {}
_anchors: dict[tuple[str, Session, Timeframe], Instants] = {}


def _table(calendar: str, session: Session) -> SessionTable:
    if calendar not in EXTENDED:
        session = "regular"
    with _lock:
        known = _tables.get((calendar, session))
        if known is None:
            regular = _tables.get((calendar, "regular")) or _load(calendar)
            _tables[calendar, "regular"] = regular
            known = _extend(regular, EXTENDED[calendar]) if session == "extended" else regular
            _tables[calendar, session] = known
    return known


def _anchored(calendar: str, session: Session, timeframe: Timeframe) -> Instants:
    table = _table(calendar, session)
    with _lock:
        known = _anchors.get((calendar, session, timeframe))
        if known is None:
            known = _cut(table, TIMEFRAME_MS[timeframe])
            _anchors[calendar, session, timeframe] = known
    return known


def _cut(table: SessionTable, length_ms: int) -> Instants:
    """Cut each session into pieces of one length from its open; the last one ends at its close."""
    lengths = table.closes_ms - table.opens_ms
    # No session of an anchored day is longer than one calendar day, so 1d is always one piece.
    counts = np.ones_like(lengths) if length_ms >= DAY_MS else -(-lengths // length_ms)
    opens = np.repeat(table.opens_ms, counts)
    closes = np.repeat(table.closes_ms, counts)
    nth = np.arange(len(opens)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = opens + nth * length_ms
    ends = closes if length_ms >= DAY_MS else np.minimum(starts + length_ms, closes)
    return _frozen(np.column_stack((starts, ends)))


def _grid(sessions: Instants, length_ms: int) -> Instants:
    """Return the candles of a length that divides the hour, for each session `[open, close)`."""
    pieces: list[Instants] = []
    for opens, closes in sessions.tolist():
        starts = np.arange(opens // length_ms * length_ms, closes, length_ms, dtype=np.int64)
        pieces.append(np.column_stack((starts, np.minimum(starts + length_ms, closes))))
    return np.concatenate(pieces) if pieces else np.empty((0, 2), np.int64)


def _overlapping(intervals: Instants, from_ms: int, to_ms: int) -> Instants:
    first = int(np.searchsorted(intervals[:, 1], from_ms, side="right"))
    last = int(np.searchsorted(intervals[:, 0], to_ms, side="left"))
    return intervals[first : max(first, last)]


def _extend(regular: SessionTable, hours: ExtendedHours) -> SessionTable:
    zone = ZoneInfo(hours.timezone)
    opens: list[int] = []
    closes: list[int] = []
    for day, close_ms in zip(regular.days.tolist(), regular.closes_ms.tolist(), strict=True):
        on = date(1970, 1, 1) + timedelta(days=day)
        is_early = datetime.fromtimestamp(close_ms / 1000, zone).time() < hours.regular_close
        closes_at = hours.early_closes if is_early else hours.closes
        opens.append(_instant(on, hours.opens, zone))
        closes.append(_instant(on, closes_at, zone))
    return SessionTable(_frozen(np.array(opens, np.int64)), _frozen(np.array(closes, np.int64)), regular.days)


def _instant(day: date, at: wall_time, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, at, zone).timestamp()) * 1000


class _ExchangeCalendar(Protocol):
    """The part of exchange_calendars.ExchangeCalendar that we read."""

    opens_nanos: Instants
    closes_nanos: Instants
    sessions_nanos: Instants


def _load(calendar: str) -> SessionTable:
    if calendar == ALWAYS:
        raise ValueError("24/7 has no table of sessions: they are UTC days")
    if not is_calendar(calendar):
        raise ValueError(f"unknown calendar {calendar!r}")
    import exchange_calendars

    with warnings.catch_warnings():
        # exchange_calendars 4.13 reads Series.values in a manner that pandas 3.1 deprecates.
        warnings.simplefilter("ignore")
        kind = type(exchange_calendars.get_calendar(calendar))
        known_from, known_to = kind.bound_min(), kind.bound_max()
        start = max(_FIRST, str(known_from)[:10]) if known_from is not None else _FIRST
        end = min(_LAST, str(known_to)[:10]) if known_to is not None else _LAST
        found = cast(_ExchangeCalendar, exchange_calendars.get_calendar(calendar, start=start, end=end))
    return SessionTable(
        _frozen(found.opens_nanos // 1_000_000),
        _frozen(found.closes_nanos // 1_000_000),
        _frozen(found.sessions_nanos // (DAY_MS * 1_000_000)),
    )


def _frozen(array: Instants) -> Instants:
    array.flags.writeable = False
    return array
