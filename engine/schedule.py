"""When a time trigger is due (T33): pure functions of the schedule and a moment, no clock.

Wall times follow the zone. A wall time that a clock change leaves out falls due at the first moment after
the gap; one that comes twice falls due once, the first time. Session days are those of the calendar, by the
date in the schedule's own zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from functools import lru_cache
from typing import Protocol, cast
from zoneinfo import ZoneInfo

import numpy as np
from croniter import croniter

from engine.condition import Cron, MarketHours, SpecificTime
from engine.sessions import Calendars

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_MINUTE_MS = 60_000
_CALENDARS = Calendars()
_CRON_FIELD = re.compile(
    r"(?:[0-9*,/#L-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)+",
    re.IGNORECASE | re.ASCII,
)
SEARCH_FROM = date(2022, 1, 1)
"""Where the question "does it ever occur" begins: every calendar is known from here on."""
_SEARCH_YEARS = 28
"""After so many years leap days and weekdays have met in every way."""

When = MarketHours | SpecificTime | Cron


class _Croniter(Protocol):
    """The part of croniter that we use."""

    def get_next(self, ret_type: type[datetime]) -> datetime: ...


@lru_cache(maxsize=4096)
def next_after(when: When, after_ms: int) -> int | None:
    """Return the first due moment strictly after `after_ms`, epoch milliseconds UTC.

    None when there is none: a date gone by, or the end of the known calendar (2049). Kept for a while: many
    triggers share a schedule and ask at the same mark, and a cron takes 0.2 ms.
    """
    match when:
        case MarketHours():
            return _next_market_hours(when, after_ms)
        case SpecificTime():
            return _next_specific_time(when, after_ms)
        case Cron():
            return _next_cron(when, after_ms)


def due_between(when: When, after_ms: int, until_ms: int) -> Iterator[int]:
    """Yield every due moment in `(after_ms, until_ms]`, in order."""
    due = next_after(when, after_ms)
    while due is not None and due <= until_ms:
        yield due
        due = next_after(when, due)


def latest_between(when: When, due_ms: int, until_ms: int) -> int:
    """Return the last due moment up to `until_ms`, given one, `due_ms`, that is not after it.

    Halves the time between: some forty looks, however many moments lie there.
    """
    low, high = due_ms, until_ms
    while low < high:
        middle = (low + high) // 2
        later = next_after(when, middle)
        if later is not None and later <= until_ms:
            low = later
        else:
            high = middle
    return low


def to_instant(wall: datetime, zone: ZoneInfo) -> int:
    """Return epoch milliseconds of a naive wall time: after the gap it falls into, the first of two."""
    first = wall.replace(tzinfo=zone, fold=0)
    ms = (first - _EPOCH) // _MS
    if _wall(ms, zone) == wall:
        return ms
    # In a gap fold=0 reads the clock as before the change: one gap too late. The change itself lies
    # where the offset that fold=1 uses (after the change) and the one before it meet.
    before, after = first.utcoffset(), wall.replace(tzinfo=zone, fold=1).utcoffset()
    if before is None or after is None:
        raise ValueError(f"zone {zone.key} has no offset at {wall}")
    gap_ms = (after - before) // _MS
    # The change happened within the last `gap_ms` before this moment: find it to the millisecond.
    low, high = ms - gap_ms, ms
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == after:
            high = middle
        else:
            low = middle
    return high


def cron_problem(expression: str) -> str:
    """Return what is wrong with a cron expression, "" when it can be read.

    Five fields, no seconds; `R` (random) and `H` (hashed) would not be the same live and in replay.
    """
    example = "minute hour day month weekday, as in */15 9-15 * * 1-5"
    fields = expression.split()
    if len(expression) > 200 or len(fields) != 5:
        return f"write five fields: {example}"
    if not all(_CRON_FIELD.fullmatch(field) for field in fields):
        return f"write only numbers, names, * , - / L #: {example}"
    try:
        croniter.expand(expression)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return f"it cannot be read: {example}"
    return ""


def cron_days(cron: Cron) -> Iterator[date]:
    """Yield the days from `SEARCH_FROM` on, for 28 years, on which the expression occurs (the calendar kept)."""
    days = " ".join(["0", "0", *cron.expression.split()[2:]])
    start = datetime.combine(SEARCH_FROM, wall_time(0)) - timedelta(seconds=1)
    end = SEARCH_FROM.year + _SEARCH_YEARS
    for wall in _walls(days, start):
        if wall.year >= end:
            return
        if _is_session_day(wall.date(), cron.calendar):
            yield wall.date()


def _next_market_hours(when: MarketHours, after_ms: int) -> int | None:
    table = _CALENDARS.table(when.calendar)
    moments = table.opens_ms if when.event == "open" else table.closes_ms
    offset_ms = when.offset_minutes * _MINUTE_MS
    i = int(np.searchsorted(moments, after_ms - offset_ms, side="right"))
    return int(moments[i]) + offset_ms if i < len(moments) else None


def _next_specific_time(when: SpecificTime, after_ms: int) -> int | None:
    zone = ZoneInfo(when.timezone)
    at = wall_time(when.hour, when.minute, when.second)
    if when.date:
        due = to_instant(datetime.combine(date.fromisoformat(when.date), at), zone)
        return due if due > after_ms and _is_session_day(date.fromisoformat(when.date), when.calendar) else None
    # A gap can move a wall time to the next day at most: begin a day early.
    day = _wall(after_ms, zone).date() - timedelta(days=1)
    for _ in range(_days_to_search(when.calendar)):
        if (not when.weekdays or day.weekday() in when.weekdays) and _is_session_day(day, when.calendar):
            due = to_instant(datetime.combine(day, at), zone)
            if due > after_ms:
                return due
        day += timedelta(days=1)
    return None


def _next_cron(when: Cron, after_ms: int) -> int | None:
    zone = ZoneInfo(when.timezone)
    start = _wall(after_ms, zone).replace(microsecond=0)
    last_year = start.year + _SEARCH_YEARS
    for wall in _walls(when.expression, start):
        if wall.year > last_year:
            return None
        due = to_instant(wall, zone)
        if due > after_ms and _is_session_day(wall.date(), when.calendar):
            return due
    return None


def _walls(expression: str, after: datetime) -> Iterator[datetime]:
    """Yield the wall times of an expression after a naive one; ends where croniter finds no more."""
    times = cast(_Croniter, croniter(expression, after))
    while True:
        try:
            yield times.get_next(datetime)
        except (ValueError, OverflowError):  # none within 50 years, or the end of the calendar
            return


def _is_session_day(day: date, calendar: str) -> bool:
    return not calendar or _CALENDARS.table(calendar).has_day(day)


def _days_to_search(calendar: str) -> int:
    # Without a calendar a weekday comes within a week (+1 for the day before); a holiday season is longer.
    return 400 if calendar else 9


def _wall(ms: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + ms * _MS).astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(ms: int, zone: ZoneInfo) -> timedelta | None:
    return (_EPOCH + ms * _MS).astimezone(zone).utcoffset()
