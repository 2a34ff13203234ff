"""Time triggers driven by marks: rules T33, T9, T10, T26."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from engine.firing import firing_id
from engine.output import Output
from engine.replay import play
from tests.unit.engine.tape import SYMBOL, Player, at, clock, player, trades, trigger


def cron(expression: str = "* * * * *", **config: Any) -> Any:
    schedule = {"type": "cron", "expression": expression, "timezone": "UTC", **config.pop("schedule", {})}
    return trigger({"schedule": schedule, **config}, agent_type="time_trigger")


def minutes(p: Player, *times: str) -> Player:
    for time in times:
        p.mark(time)
    return p


def test_T33_fires_at_the_first_mark_at_or_after_the_instant_named_after_it() -> None:
    p = player(cron(), is_offline=False)
    p.mark("10:00:30")
    p.trade("10:00:31", 42)
    minutes(p, "10:00:59.900", "10:01:00.150")
    firing = p.firings[0]
    assert (firing.ts_ms, firing.decided_ms, firing.price, firing.kind) == (at("10:01:00"), at("10:01:00"), 42, "time")
    assert firing.firing_id == firing_id("p/node-1", 1, SYMBOL, at("10:01:00"), 0)
    assert firing.evidence.decided_recv_ms == at("10:01:00.150")
    assert firing.evidence.trade is None


def test_T33_the_price_is_the_last_at_or_before_the_instant() -> None:
    p = player(cron(), is_offline=False)
    p.mark("10:00:30")
    p.prints(("10:00:31", 42), ("10:01:00.020", 50))
    p.mark("10:01:00.150")
    assert p.firings[0].price == 42


def test_T33_an_instant_before_the_first_mark_is_not_ours() -> None:
    p = player(cron(), is_offline=False)
    p.mark("10:00:30")
    assert p.firings == []


def test_T33_missed_instants_are_suppressed_or_the_latest_is_run_once() -> None:
    p = player(cron(), is_offline=False)
    minutes(p, "10:00:30", "10:04:30")
    assert p.fired_at() == ["10:04:00"]
    assert p.reasons() == [("10:01:00", "missed"), ("10:02:00", "missed"), ("10:03:00", "missed")]
    p = player(cron("0 10 * * *", schedule={"missed": "run_once"}), is_offline=False)
    minutes(p, "09:59:30", "10:30:00")
    assert p.fired_at() == ["10:00:00"]


def test_T9_cooldown_and_cap_hold_for_time_triggers() -> None:
    p = player(cron(cooldown_seconds=120), is_offline=False)
    minutes(p, "10:00:30", "10:01:00", "10:02:00", "10:03:00")
    assert p.fired_at() == ["10:01:00", "10:03:00"]
    assert p.reasons() == [("10:02:00", "cooldown")]


def test_T10_a_time_trigger_outside_its_life() -> None:
    p = player(cron(valid_from="2025-03-10T10:02:00Z", valid_until="2025-03-10T10:03:00Z"), is_offline=False)
    minutes(p, "10:00:30", "10:01:00", "10:02:00", "10:03:00")
    assert p.fired_at() == ["10:02:00"]
    assert p.reasons() == [("10:03:00", "expired")]


def test_T31_a_paused_schedule_does_not_catch_up() -> None:
    p = player(cron(), is_offline=False)
    p.mark("10:00:30")
    p.change("pause")
    minutes(p, "10:01:00", "10:02:00")
    p.change("resume")
    p.mark("10:03:00")
    assert p.fired_at() == ["10:03:00"]


def test_T31_an_edited_schedule_fires_in_one_version_only() -> None:
    p = player(cron(), is_offline=False)
    p.mark("10:00:30")
    edited = trigger(
        {"schedule": {"type": "cron", "expression": "*/2 * * * *", "timezone": "UTC"}},
        agent_type="time_trigger",
        version=2,
    )
    p.set(edited)
    minutes(p, "10:01:00", "10:02:00")
    assert [(f.trigger_version, clock(f.ts_ms)) for f in p.firings] == [(2, "10:02:00")]


def test_T24_every_scheduled_instant_within_a_tape_fires() -> None:
    p = player(cron())
    rows = [(SYMBOL, at(t), v, 1.0, 7, 0) for t, v in (("10:00:00", 1.0), ("10:02:30", 2.0), ("10:03:00", 3.0))]
    total = Output()
    for output in play(p.engine, trades(p.engine, rows)):
        total.firings += output.firings
    assert [(clock(f.ts_ms), f.price) for f in total.firings] == [
        ("10:00:00", None),
        ("10:01:00", 1.0),
        ("10:02:00", 1.0),
        ("10:03:00", 2.0),
    ]


def test_T24_an_empty_tape_gives_nothing() -> None:
    p = player(cron())
    assert list(play(p.engine, trades(p.engine, []))) == []
    assert np.isnan(p.engine.market([SYMBOL])[0].price or np.nan)


def test_T33_as_late_as_the_grace_is_not_missed() -> None:
    for late, fired in (("10:02:00", ["10:01:00"]), ("10:02:00.001", [])):
        p = player(cron("1 10 * * *"), is_offline=False)
        minutes(p, "10:00:30", late)
        assert p.fired_at() == fired
        assert p.reasons() == ([] if fired else [("10:01:00", "missed")])


def test_T33_run_once_fires_the_latest_of_those_missed_and_suppresses_the_others() -> None:
    p = player(cron("*/10 * * * *", schedule={"missed": "run_once"}), is_offline=False)
    minutes(p, "10:00:30", "10:35:00")
    assert p.fired_at() == ["10:30:00"]
    assert p.reasons() == [("10:10:00", "missed"), ("10:20:00", "missed")]


def test_T33_of_more_than_a_hundred_missed_instants_the_first_hundred_and_the_latest_are_said() -> None:
    for missed, fired in (("skip", []), ("run_once", ["2025-07-01T10:00:00"])):
        p = player(cron("0 * * * *", schedule={"missed": missed}), is_offline=False)
        minutes(p, "09:30:00")
        p.mark(round(datetime(2025, 7, 1, 10, 30, tzinfo=UTC).timestamp() * 1000))
        said = [s.firing.ts_ms for s in p.suppressions]
        assert said[:100] == [at("10:00:00") + n * 3_600_000 for n in range(100)]
        latest = [datetime.fromtimestamp(f.ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") for f in p.firings]
        assert latest == fired
        assert len(said) == 101 - len(fired)
        assert {s.reason for s in p.suppressions} == {"missed"}


def test_T33_months_of_silence_cost_a_cron_of_every_minute_no_more_than_a_hundred_instants() -> None:
    p = player(cron(schedule={"missed_grace_seconds": 180}), is_offline=False)
    minutes(p, "10:00:30")
    end = round(datetime(2025, 9, 1, 10, 0, 30, tzinfo=UTC).timestamp() * 1000)
    p.mark(end)
    assert [f.ts_ms for f in p.firings] == [end - 150_000, end - 90_000, end - 30_000]
    assert [s.firing.ts_ms for s in p.suppressions][99:] == [at("11:40:00"), end - 210_000]
    p.mark(end + 30_000)
    assert p.firings[-1].ts_ms == end + 30_000


def test_T33_the_hour_that_comes_twice_fires_once_and_the_one_left_out_once_right_after() -> None:
    """New York, 2025: at 06:00Z on 2 November it is one o'clock again, at 07:00Z on 9 March it is three."""
    half_hours = {"timezone": "America/New_York", "missed_grace_seconds": 600}
    for begin, expected in (
        ("2025-11-02T05:20:00Z", ["05:30", "07:00", "07:30", "08:00"]),
        ("2025-03-09T06:20:00Z", ["06:30", "07:00", "07:30", "08:00", "08:30", "09:00"]),
    ):
        p = player(cron("*/30 * * * *", schedule=half_hours), is_offline=False)
        begin_ms = int(datetime.fromisoformat(begin).timestamp() * 1000)
        for minute in range(0, 170, 5):
            p.mark(begin_ms + minute * 60_000)
        fired = [f"{datetime.fromtimestamp(f.ts_ms / 1000, UTC):%H:%M}" for f in p.firings]
        assert fired == expected
        assert p.suppressions == []


def test_T33_ten_minutes_before_the_close_follows_half_days() -> None:
    hours = {"type": "market_hours", "market": "US", "event": "close", "offset_minutes": -10}
    p = player(trigger({"schedule": hours}, agent_type="time_trigger"), is_offline=False)
    begin_ms = int(datetime.fromisoformat("2025-11-26T00:00:00Z").timestamp() * 1000)
    for minute in range(0, 4 * 1440, 1):
        p.mark(begin_ms + minute * 60_000)
    fired = [f"{datetime.fromtimestamp(f.ts_ms / 1000, UTC):%d. %H:%M}" for f in p.firings]
    assert fired == ["26. 20:50", "28. 17:50"]  # the 27th is Thanksgiving, the 28th a half day, the 29th a Saturday


def test_T20_a_time_trigger_fires_whatever_the_state_of_the_feed() -> None:
    p = player(cron(), is_offline=False)
    p.mark("10:00:30", health="live")
    p.mark("10:01:00", health="disconnected")
    assert p.fired_at() == ["10:01:00"]
    assert p.firings[0].evidence.health == "disconnected"
