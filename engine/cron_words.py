"""A cron expression as people say it: "every 15 minutes from 09:00 to 15:59 on Monday to Friday"."""

from __future__ import annotations

import re

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MOST_TIMES = 6
_STEP = re.compile(r"\*/([0-9]+)")
_SPAN = re.compile(r"([0-9]+)-([0-9]+)")


def cron_words(expression: str) -> str:
    """Return the common forms in words, any other as it is written: "by the cron '0 0 1 * *'".

    Args:
        expression: Five fields that `schedule.cron_problem` has nothing against.
    """
    minute, hour, day, month, weekday = expression.split()
    times = _times(minute, hour)
    days = _days(weekday.lower())
    if day != "*" or month != "*" or times is None or days is None:
        return f"by the cron {expression!r}"
    return times + days


def _times(minute: str, hour: str) -> str | None:
    minutes, hours = _numbers(minute), _numbers(hour)
    if minutes is not None and hours is not None:
        if len(minutes) * len(hours) > _MOST_TIMES:
            return None
        return "at " + _joined([f"{h:02}:{m:02}" for h in hours for m in minutes])
    every = _every(minute)
    if every is not None:
        if hour == "*":
            return every
        if span := _SPAN.fullmatch(hour):
            return f"{every} from {int(span[1]):02}:00 to {int(span[2]):02}:59"
        return f"{every} from {hours[0]:02}:00 to {hours[0]:02}:59" if hours is not None and len(hours) == 1 else None
    if minutes is None or len(minutes) > _MOST_TIMES:
        return None
    past = "every hour at minute " + _joined([str(m) for m in minutes])
    if hour == "*":
        return past
    span = _SPAN.fullmatch(hour)
    return f"{past} from {int(span[1]):02}:00 to {int(span[2]):02}:59" if span else None


def _every(minute: str) -> str | None:
    """Return "every minute", "every 15 minutes"; None for a step that does not divide the hour."""
    if minute == "*":
        return "every minute"
    step = _STEP.fullmatch(minute)
    if step is None or not 1 <= int(step[1]) <= 30 or 60 % int(step[1]):
        return None
    return "every minute" if step[1] == "1" else f"every {int(step[1])} minutes"


def _days(weekday: str) -> str | None:
    if weekday == "*":
        return ""
    for number, short in enumerate(_SHORT):
        weekday = weekday.replace(short, str(number))
    if (span := _SPAN.fullmatch(weekday)) and int(span[1]) < int(span[2]) <= 7:
        return f" on {_DAYS[int(span[1])]} to {_DAYS[int(span[2])]}"
    numbers = _numbers(weekday)
    if numbers is None or any(number > 7 for number in numbers):
        return None
    return " on " + _joined(list(dict.fromkeys(_DAYS[number] for number in numbers)))


def _numbers(field: str) -> list[int] | None:
    """Return the numbers of a plain list such as `0,30`, in order; None for anything else."""
    parts = field.split(",")
    return sorted({int(part) for part in parts}) if all(p.isascii() and p.isdigit() for p in parts) else None


def _joined(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
