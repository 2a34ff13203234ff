"""The three schedules of a time trigger as JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence

from engine.grammar.schedules import MOST_OFFSET_MINUTES, WEEKDAYS
from engine.grammar.schema_value import Json, choice, integer, number, object_of


def schedule_schemas() -> list[Json]:
    """Return one schema a type of schedule; `type` tells them apart."""
    return [_market_hours(), _specific_time(), _cron()]


def _market_hours() -> Json:
    most = MOST_OFFSET_MINUTES
    return _schedule("Market hours", "market_hours", {
        "market": {"title": "Market", "type": "string", "default": "US",
                   "description": "US, or an exchange code such as XLON."},
        "event": choice("Event", ("open", "close"), "open"),
        "offset_minutes": integer("Offset (minutes)", -most, most, default=0, said="Negative: before the event."),
    })  # fmt: skip


def _specific_time() -> Json:
    return _schedule("Specific time", "specific_time", {
        "time": {"title": "Time", "type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$",
                 "description": "24 hours, e.g. 09:45."},
        "timezone": _timezone(),
        "days": {"title": "Days", "type": "array", "items": {"type": "string", "enum": list(WEEKDAYS)}, "default": [],
                 "description": "None chosen: every day."},
        "date": {"title": "Date", "type": "string", "description": "A single day instead, e.g. 2025-03-10."},
        "market": _open_days(),
    }, ["time", "timezone"])  # fmt: skip


def _cron() -> Json:
    return _schedule("Cron", "cron", {
        "expression": {"title": "Expression", "type": "string", "maxLength": 200,
                       "description": "minute hour day month weekday, e.g. */15 9-15 * * 1-5."},
        "timezone": _timezone(),
        "market": _open_days(),
    }, ["expression", "timezone"])  # fmt: skip


def _schedule(title: str, kind: str, fields: Json, required: Sequence[str] = ()) -> Json:
    both: Json = {
        "type": {"title": "Type", "type": "string", "const": kind},
        **fields,
        "missed": choice("When missed", ("skip", "run_once"), "skip", "run_once: fire late, once, if at all."),
        "missed_grace_seconds": number("Grace (seconds)", at_least=0, default=60, said="Later counts as missed."),
    }  # fmt: skip
    return object_of(title, both, required=["type", *required])


def _timezone() -> Json:
    return {"title": "Time zone", "type": "string", "description": "e.g. America/New_York."}


def _open_days() -> Json:
    return {"title": "Market", "type": "string", "description": "When given, only days on which it is open."}
