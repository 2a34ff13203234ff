"""When a time trigger is due (T33): every wall minute of every day is looked at, one after another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.sessions import hours, is_session_day

DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def instants(schedule: dict[str, Any], after_ms: int, until_ms: int) -> list[int]:
    """Return the instants of a schedule in (after_ms, until_ms], rising; each once."""
    found: set[int] = set()
    text = json.dumps(schedule)
    day = datetime.fromtimestamp(after_ms / 1000, UTC).date() - 2 * DAY
    while day <= datetime.fromtimestamp(until_ms / 1000, UTC).date() + 2 * DAY:
        found.update(ms for ms in _of(text, day) if after_ms < ms <= until_ms)
        day += DAY
    return sorted(found)


@cache
def _of(text: str, day: date) -> tuple[int, ...]:
    schedule = json.loads(text)
    return tuple(_of_day(schedule, day)) if not schedule.get("market") or is_session_day(day) else ()


def _of_day(schedule: dict[str, Any], day: date) -> Iterator[int]:
    if schedule["type"] == "market_hours":
        opens, closes = hours(day, "regular")
        yield (closes if schedule.get("event") == "close" else opens) + 60_000 * schedule.get("offset_minutes", 0)
        return
    zone = ZoneInfo(schedule["timezone"])
    if schedule["type"] == "specific_time":
        wanted = schedule.get("days")
        if wanted is None or WEEKDAYS[day.weekday()] in wanted:
            yield instant(datetime.combine(day, time.fromisoformat(schedule["time"])), zone)
        return
    minute, hour, of_month, month, of_week = schedule["expression"].split()
    is_day = (
        _has(of_month, day.day, 1, 31) and _has(month, day.month, 1, 12) and _has(of_week, day.isoweekday() % 7, 0, 6)
    )
    for h in range(24):
        for m in range(60):
            if is_day and _has(hour, h, 0, 23) and _has(minute, m, 0, 59):
                yield instant(datetime.combine(day, time(h, m)), zone)


def _has(text: str, value: int, low: int, high: int) -> bool:
    """Return whether a field of a cron expression names a value: *, 5, 1-5, 1,3, */15."""
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        if value in range(int(first), int(last or first) + 1, int(step or 1)):
            return True
    return False


def instant(wall: datetime, zone: ZoneInfo) -> int:
    """Return when a wall time is: the first of two; where there is none, the first moment after the gap."""
    ms = round(wall.replace(tzinfo=zone, fold=0).timestamp() * 1000)
    if datetime.fromtimestamp(ms / 1000, zone).replace(tzinfo=None) == wall:
        return ms
    # In a gap: walk back minute by minute to its end, where the clock first shows a time after the wanted one.
    while datetime.fromtimestamp((ms - 60_000) / 1000, zone).replace(tzinfo=None) > wall:
        ms -= 60_000
    return ms
