"""When New York trades in 2025, written down by hand (T12). A symbol with a prefix trades around the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
DAY_MS = 86_400_000
HOLIDAYS = {
    date(2025, month, day)
    for month, day in [(1, 1), (1, 9), (1, 20), (2, 17), (4, 18), (5, 26), (6, 19), (7, 4), (9, 1), (11, 27), (12, 25)]
}
HALF_DAYS = {date(2025, 7, 3), date(2025, 11, 28), date(2025, 12, 24)}


def is_around_the_clock(symbol: str) -> bool:
    return ":" in symbol


def is_session_day(day: date) -> bool:
    assert day.year == 2025, "the table is of 2025"
    return day.weekday() < 5 and day not in HOLIDAYS


def hours(day: date, session: str) -> tuple[int, int]:
    """Return open and close of a session day, epoch milliseconds."""
    is_half = day in HALF_DAYS
    if session == "regular":
        opens, closes = time(9, 30), time(13, 0) if is_half else time(16, 0)
    else:
        opens, closes = time(4, 0), time(17, 0) if is_half else time(20, 0)
    return _ms(day, opens), _ms(day, closes)


def session_at(symbol: str, session: str, ts_ms: int) -> tuple[int, int] | None:
    """Return open and close of the session that holds a time, None outside every session."""
    if is_around_the_clock(symbol):
        midnight = ts_ms // DAY_MS * DAY_MS
        return midnight, midnight + DAY_MS
    day = _new_york_date(ts_ms)
    if not is_session_day(day):
        return None
    opens, closes = hours(day, session)
    return (opens, closes) if opens <= ts_ms < closes else None


def session_open_before(symbol: str, session: str, ts_ms: int) -> int:
    """Return the last open at or before a time: what caps and `next_session` count from."""
    if is_around_the_clock(symbol):
        return ts_ms // DAY_MS * DAY_MS
    day = _new_york_date(ts_ms)
    while not is_session_day(day) or hours(day, session)[0] > ts_ms:
        day -= timedelta(days=1)
    return hours(day, session)[0]


def _new_york_date(ts_ms: int) -> date:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).astimezone(NEW_YORK).date()


def _ms(day: date, at: time) -> int:
    return round(datetime.combine(day, at, NEW_YORK).timestamp()) * 1000
