"""When time triggers are due (T33): clock changes, half days, leap days."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.condition import Cron, MarketHours, SpecificTime
from engine.schedule import When, cron_problem, due_between, latest_between, next_after, to_instant

NEW_YORK = "America/New_York"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def text(at_ms: int | None) -> str | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def due(when: When, after: str, until: str) -> list[str | None]:
    return [text(at) for at in due_between(when, ms(after), ms(until))]


def test_T33_ten_minutes_before_the_close_of_a_half_day() -> None:
    before_close = MarketHours("XNYS", "close", -10)
    assert text(next_after(before_close, ms("2025-11-28T00:00Z"))) == "2025-11-28T17:50:00Z"


def test_T33_five_minutes_after_the_open_follows_summer_time() -> None:
    after_open = MarketHours("XNYS", "open", 5)
    assert due(after_open, "2025-03-07T00:00Z", "2025-03-11T00:00Z") == [
        "2025-03-07T14:35:00Z",
        "2025-03-10T13:35:00Z",
    ]


def test_market_hours_skip_holidays_and_weekends() -> None:
    assert text(next_after(MarketHours("XNYS"), ms("2025-07-03T20:00Z"))) == "2025-07-07T13:30:00Z"
    assert text(next_after(MarketHours("XASX"), ms("2025-07-04T12:00Z"))) == "2025-07-07T00:00:00Z"


def test_due_is_strictly_after() -> None:
    opening = ms("2025-03-10T13:30Z")
    assert next_after(MarketHours("XNYS"), opening - 1) == opening
    assert text(next_after(MarketHours("XNYS"), opening)) == "2025-03-11T13:30:00Z"
    minute = Cron("* * * * *", "UTC")
    assert next_after(minute, opening) == opening + 60_000
    assert next_after(minute, opening - 1) == opening
    assert next_after(minute, opening + 999) == opening + 60_000


def test_T33_a_wall_time_in_the_gap_is_due_right_after_it() -> None:
    half_past_two = SpecificTime(2, 30, 0, NEW_YORK)
    assert due(half_past_two, "2025-03-08T00:00Z", "2025-03-11T00:00Z") == [
        "2025-03-08T07:30:00Z",
        "2025-03-09T07:00:00Z",
        "2025-03-10T06:30:00Z",
    ]


def test_T33_a_wall_time_that_comes_twice_is_due_once_the_first_time() -> None:
    half_past_one = SpecificTime(1, 30, 0, NEW_YORK)
    assert due(half_past_one, "2025-11-01T12:00Z", "2025-11-03T12:00Z") == [
        "2025-11-02T05:30:00Z",
        "2025-11-03T06:30:00Z",
    ]


def test_T33_a_cron_keeps_to_both_rules() -> None:
    quarters = Cron("*/15 1-3 * * *", NEW_YORK)
    spring = due(quarters, "2025-03-09T05:59Z", "2025-03-09T08:00Z")
    assert spring == [
        "2025-03-09T06:00:00Z",
        "2025-03-09T06:15:00Z",
        "2025-03-09T06:30:00Z",
        "2025-03-09T06:45:00Z",
        "2025-03-09T07:00:00Z",
        "2025-03-09T07:15:00Z",
        "2025-03-09T07:30:00Z",
        "2025-03-09T07:45:00Z",
    ]
    autumn = due(quarters, "2025-11-02T05:40Z", "2025-11-02T07:20Z")
    assert autumn == ["2025-11-02T05:45:00Z", "2025-11-02T07:00:00Z", "2025-11-02T07:15:00Z"]


def test_a_gap_of_half_an_hour_is_found_to_the_second() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    assert text(to_instant(datetime(2025, 10, 5, 2, 10), zone)) == "2025-10-04T15:30:00Z"


def test_a_leap_day_comes_every_four_years() -> None:
    leap_day = Cron("0 12 29 2 *", "UTC")
    assert due(leap_day, "2021-01-01T00:00Z", "2033-01-01T00:00Z") == [
        "2024-02-29T12:00:00Z",
        "2028-02-29T12:00:00Z",
        "2032-02-29T12:00:00Z",
    ]


def test_session_days_only() -> None:
    noon = Cron("0 12 * * *", NEW_YORK, "XNYS")
    assert due(noon, "2025-07-03T00:00Z", "2025-07-08T00:00Z") == [
        "2025-07-03T16:00:00Z",
        "2025-07-07T16:00:00Z",
    ]
    monday = SpecificTime(9, 45, 0, NEW_YORK, (0, 2), "", "XNYS")
    assert due(monday, "2025-05-23T00:00Z", "2025-06-03T00:00Z") == [
        "2025-05-28T13:45:00Z",  # Monday the 26th is Memorial Day
        "2025-06-02T13:45:00Z",
    ]


def test_a_single_date_is_due_once() -> None:
    once = SpecificTime(9, 45, 30, NEW_YORK, (), "2025-03-10")
    assert due(once, "2025-01-01T00:00Z", "2026-01-01T00:00Z") == ["2025-03-10T13:45:30Z"]
    assert next_after(once, ms("2025-03-10T13:45:30Z")) is None


def test_what_never_comes_is_none_and_does_not_search_for_ever() -> None:
    assert next_after(Cron("0 0 30 2 *", "UTC"), ms("2025-01-01T00:00Z")) is None
    assert next_after(Cron("0 0 * * 0", NEW_YORK, "XNYS"), ms("2025-01-01T00:00Z")) is None
    assert next_after(SpecificTime(9, 0, 0, NEW_YORK, (6,), "", "XNYS"), ms("2025-01-01T00:00Z")) is None
    assert next_after(MarketHours("XNYS"), ms("2049-12-31T23:00Z")) is None


def test_the_zone_of_the_machine_does_not_matter() -> None:
    code = (
        "from engine.condition import Cron; from engine.schedule import next_after;"
        f"print(next_after(Cron('30 2 * * *', '{NEW_YORK}'), {ms('2025-03-09T00:00Z')}))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "TZ": zone},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for zone in ("UTC", "Asia/Tokyo", NEW_YORK)
    }
    assert answers == {f"{ms('2025-03-09T07:00Z')}\n"}


@pytest.mark.parametrize("expression", ["* * * * *", "*/15 9-15 * * 1-5", "0 0 L * *", "0 9 * mar fri", "5,35 * 1 1 0"])
def test_usual_expressions_are_read(expression: str) -> None:
    assert cron_problem(expression) == ""


@pytest.mark.parametrize(
    "expression",
    ["", "@daily", "* * * *", "* * * * * *", "60 * * * *", "R * * * *", "H * * * *", "* * * * funday", "٣ * * * *"],
)
def test_what_is_not_the_same_twice_or_no_cron_is_refused(expression: str) -> None:
    assert cron_problem(expression)


@given(
    after=st.integers(ms("2024-01-01T00:00Z"), ms("2027-01-01T00:00Z")),
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    zone=st.sampled_from([NEW_YORK, "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
@settings(max_examples=60, deadline=None)
def test_a_daily_cron_equals_a_daily_time_and_a_plain_search(after: int, minute: int, hour: int, zone: str) -> None:
    daily = Cron(f"{minute} {hour} * * *", zone)
    found = next_after(daily, after)
    assert found == next_after(SpecificTime(hour, minute, 0, zone), after)
    assert found is not None
    assert found > after
    wall = datetime.fromtimestamp(found / 1000, ZoneInfo(zone))
    asked = wall.replace(hour=hour, minute=minute, second=0, fold=0, tzinfo=None)
    assert to_instant(asked, ZoneInfo(zone)) == found
    before = asked - timedelta(days=1)
    assert to_instant(before, ZoneInfo(zone)) <= after


@given(after=st.integers(ms("2025-03-08T00:00Z"), ms("2025-03-10T00:00Z")), step=st.sampled_from([5, 7, 15, 30]))
@settings(max_examples=40, deadline=None)
def test_due_moments_do_not_depend_on_where_the_search_begins(after: int, step: int) -> None:
    when = Cron(f"*/{step} * * * *", NEW_YORK)
    end = ms("2025-03-10T06:00Z")
    whole = list(due_between(when, ms("2025-03-07T23:00Z"), end))
    assert list(due_between(when, after, end)) == [at for at in whole if at > after]


@given(
    step=st.sampled_from(["*/5 * * * *", "0 9 * * 1-5", "30 2 * * *", "0 0 1 * *"]),
    until=st.integers(ms("2025-03-08T00:00Z"), ms("2025-03-10T00:00Z")),
)
@settings(max_examples=20, deadline=None)
def test_the_latest_of_many_due_moments_is_the_one_a_walk_ends_with(step: str, until: int) -> None:
    when = Cron(step, NEW_YORK)
    walked = list(due_between(when, ms("2025-02-27T00:00Z"), until))
    assert latest_between(when, walked[0], until) == walked[-1]
