"""Schedules: market hours, a time of day, a cron expression (T33)."""

from __future__ import annotations

import re
import zoneinfo
from datetime import date
from typing import Literal

from engine.condition import Cron, MarketHours, Schedule, SpecificTime
from engine.grammar.fields import Fields, near
from engine.schedule import SEARCH_FROM, cron_days, cron_problem, next_after
from engine.sessions import ALWAYS, Calendars, is_calendar, resolve_calendar

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_OFFSET_MINUTES = 720
TYPES = ("market_hours", "specific_time", "cron")
_SEARCH_FROM_MS = (SEARCH_FROM - date(1970, 1, 1)).days * 86_400_000
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?", re.ASCII)


def read_schedule(fields: Fields) -> Schedule | None:
    """Return the schedule of a time trigger; None when something was reported."""
    inner = fields.child("schedule", example='{"type": "market_hours", "market": "US"}')
    if inner is None:
        if not fields.has("schedule"):
            fields.add("schedule", "write a schedule of type " + ", ".join(TYPES))
        return None
    missed: Literal["skip", "run_once"] = inner.choice("missed", ("skip", "run_once"), "skip")
    grace_ms = inner.milliseconds("missed_grace_seconds", unit_ms=1000, default=60_000)
    before = len(inner.problems.found)
    kind = inner.take("type")
    if kind == "market_hours":
        when = _read_market_hours(inner)
    elif kind == "specific_time":
        when = _read_specific_time(inner)
    elif kind == "cron":
        when = _read_cron(inner)
    else:
        hint = near(kind, TYPES) if isinstance(kind, str) else ""
        inner.add("type", "one of " + ", ".join(TYPES) + hint)
        return None  # the other keys mean nothing without a type
    inner.finish()
    if when is None or len(inner.problems.found) > before:
        return None
    return Schedule(when, missed, grace_ms)


def _read_market_hours(fields: Fields) -> MarketHours | None:
    calendar = _read_calendar(fields, default="US")
    event: Literal["open", "close"] = fields.choice("event", ("open", "close"), "open")
    offset = fields.integer("offset_minutes", default=0, at_least=-MOST_OFFSET_MINUTES, at_most=MOST_OFFSET_MINUTES)
    if calendar == ALWAYS:
        fields.add("market", "24/7 never opens or closes: use specific_time or cron")
        return None
    return MarketHours(calendar, event, offset) if calendar else None


def _read_specific_time(fields: Fields) -> SpecificTime | None:
    text = fields.text("time")
    match = _TIME.fullmatch(text) if text is not None else None
    hour, minute, second = (int(part or 0) for part in match.groups()) if match else (99, 0, 0)
    if hour > 23 or minute > 59 or second > 59:
        if text is not None or not fields.has("time"):
            fields.add("time", "write a time of day of 24 hours, as in 09:45")
        match = None
    timezone = _read_timezone(fields)
    days = fields.texts("days", example='["mon", "wed"]')
    for i, day in enumerate(days):
        if day not in WEEKDAYS:
            path = f"{fields.at('days')}[{i}]"
            fields.problems.add(path, day, "one of " + ", ".join(WEEKDAYS) + near(day, WEEKDAYS))
    on = _read_date(fields)
    if days and on:
        fields.add("date", "write days or date, not both")
    calendar = _read_calendar(fields, default="")
    if match is None or timezone is None or calendar is None:
        return None
    weekdays = tuple(sorted({WEEKDAYS.index(day) for day in days if day in WEEKDAYS}))
    when = SpecificTime(hour, minute, second, timezone, weekdays, on, "" if calendar == ALWAYS else calendar)
    if when.calendar and on and not Calendars().table(when.calendar).has_day(date.fromisoformat(on)):
        fields.add("date", f"a day on which {when.calendar} is open")
    elif when.calendar and weekdays and next_after(when, _SEARCH_FROM_MS) is None:
        fields.add("days", f"at least one day on which {when.calendar} is open")
    return when


def _read_cron(fields: Fields) -> Cron | None:
    expression = fields.text("expression")
    timezone = _read_timezone(fields)
    calendar = _read_calendar(fields, default="")
    if expression is None:
        if not fields.has("expression"):
            fields.add("expression", "write five fields, as in */15 9-15 * * 1-5")
        return None
    if wrong := cron_problem(expression):
        fields.add("expression", wrong)
        return None
    expression = " ".join(expression.split())
    if calendar is None or timezone is None:
        return None
    cron = Cron(expression, timezone, "" if calendar == ALWAYS else calendar)
    if next(cron_days(cron), None) is None:
        days = f"on a day on which {cron.calendar} is open" if cron.calendar else "on any date"
        fields.add("expression", f"it never occurs {days}")
        return None
    return cron


def _read_date(fields: Fields) -> str:
    text = fields.text("date")
    if text is None:
        return ""
    try:
        # fromisoformat also takes 20250310 and 2025-W11-1: what is stored has one form.
        return date.fromisoformat(text).isoformat()
    except ValueError:
        fields.add("date", "write a date that exists, as in 2025-03-10")
        return ""


def _read_timezone(fields: Fields) -> str | None:
    text = fields.text("timezone")
    if text is None:
        if not fields.has("timezone"):
            fields.add("timezone", "write the zone of the wall time, as in America/New_York")
        return None
    try:
        zoneinfo.ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        fields.add("timezone", "a zone of the tz database, as in America/New_York" + near(text, known))
        return None
    return text


def _read_calendar(fields: Fields, *, default: str) -> str | None:
    """Return a calendar code, "" for none, None when it was reported."""
    text = fields.text("market")
    if text is None:
        return None if fields.has("market") else resolve_calendar(default)
    code = resolve_calendar(text)
    if is_calendar(code):
        return code
    fields.add("market", "US, or the code of an exchange calendar such as XNYS, XLON, XASX")
    return None
