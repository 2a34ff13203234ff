"""Our session tables against recorded sessions of three exchanges (origin: tests/data/README.md)."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from engine.sessions import Calendars

DATA = Path(__file__).parent.parent / "data" / "calendar"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("calendar", ["XNYS", "XASX", "XLON"])
def test_sessions_equal_the_recorded_ones(calendar: str) -> None:
    recorded = rows(f"{calendar}_sessions.csv")
    table = Calendars().table(calendar)
    ours = {
        day: (opens, closes)
        for day, opens, closes in zip(
            table.days.tolist(), table.opens_ms.tolist(), table.closes_ms.tolist(), strict=True
        )
    }
    first, last = (_day(recorded[i]["session"]) for i in (0, -1))
    expected = {_day(r["session"]): (int(r["open_ms"]), int(r["close_ms"])) for r in recorded}
    assert {day: at for day, at in ours.items() if first <= day <= last} == expected


def test_sessions_after_a_clock_change_equal_the_recorded_ones() -> None:
    calendars = Calendars()
    for row in rows("XNYS_dst_switch_sessions.csv"):
        opens, closes = int(row["open_ms"]), int(row["close_ms"])
        assert calendars.bounds("AAPL", "regular", opens, opens + 1).tolist() == [[opens, closes]]


def test_weekday_holidays_have_no_session() -> None:
    table = Calendars().table("XNYS")
    for row in rows("XNYS_weekday_holidays.csv"):
        assert not table.has_day(date.fromisoformat(row["weekday_holiday"]))


def _day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days
