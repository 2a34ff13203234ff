from __future__ import annotations

from typing import cast

import pytest

from core.clock import ManualClock
from core.wire.records import TriggerRecord
from core.wire.trades import History
from engine.sessions import Calendars
from ingest.backoff import Backoff
from ingest.health import LinkHealth
from ingest.history import roll_up
from ingest.subscriptions import Wishes


def record(action: str, symbols: list[str] | None = None) -> TriggerRecord:
    return TriggerRecord(
        pipeline_id="p", trigger_id="p/n", trigger_version=1, action=action, user_id="u", pipeline_version=1,  # pyright: ignore[reportArgumentType]
        at_ms=0, symbols=symbols or [],
    )  # fmt: skip


def test_symbols_of_active_pipelines_come_before_the_watch_list() -> None:
    wishes = Wishes(watch=("W", "A"), limit=10)
    wishes.take("p1", record("set", ["A", "B"]))
    wishes.take("p2", record("set", ["B", "C"]))
    assert wishes.admitted() == ["A", "B", "C", "W"]


def test_a_paused_pipeline_gives_its_slots_back_and_a_deleted_one_too() -> None:
    wishes = Wishes(watch=(), limit=10)
    wishes.take("p1", record("set", ["A"]))
    wishes.take("p2", record("set", ["B"]))
    wishes.take("p1", record("pause"))
    assert wishes.admitted() == ["B"]
    wishes.take("p1", record("resume"))
    wishes.take("p2", None)
    assert wishes.admitted() == ["A"]


def test_T32_symbols_beyond_the_keys_limit_wait_visibly() -> None:
    wishes = Wishes(watch=("C",), limit=2)
    wishes.take("p1", record("set", ["A", "B"]))
    assert (wishes.admitted(), wishes.waiting()) == (["A", "B"], ["C"])


def test_T20_a_short_interruption_is_still_live_a_long_one_disconnected() -> None:
    clock = ManualClock()
    health = LinkHealth(clock, gap_tolerance_ms=10_000)
    health.connected()
    health.disconnected()
    clock.advance(10_000)
    assert (health.state(), health.gap_ms()) == ("live", 10_000)
    clock.advance(1)
    assert (health.state(), health.gap_ms()) == ("disconnected", 10_001)
    health.connected()
    assert (health.state(), health.gap_ms()) == ("live", 0)


def test_T20_a_socket_that_is_open_but_mute_is_stale() -> None:
    clock = ManualClock()
    health = LinkHealth(clock, gap_tolerance_ms=10_000)
    health.connected()
    clock.advance(150_001)
    assert health.state() == "stale"
    health.frame()
    assert health.state() == "live"


def test_the_wait_doubles_up_to_a_minute_and_starts_anew_after_a_stable_connection() -> None:
    backoff = Backoff(seed=1)
    waits = [backoff.wait_s() for _ in range(10)]
    assert 0.8 <= waits[0] <= 1.2
    assert 48 <= waits[-1] <= 72
    backoff.held(60)
    assert backoff.wait_s() <= 1.2


HOUR = 3600


def test_hours_of_a_regular_session_are_rolled_up_from_half_hours_without_the_pre_market() -> None:
    opens = 1741613400  # 2025-03-10 13:30Z
    times = [opens - 1800, opens, opens + 1800, opens + HOUR]
    series = {k: [float(i + 1) for i in range(4)] for k in "ohlcv"} | {"t": [float(t) for t in times]}
    span = opens * 1000, (opens + 2 * HOUR) * 1000
    intervals = Calendars().intervals("AAPL", "regular", "1h", *span)
    sessions = Calendars().bounds("AAPL", "regular", *span)
    found = roll_up("AAPL", "1h", "test", series, intervals=intervals, sessions=sessions)
    assert isinstance(found, History)
    # The first hour of the session is named 13:00Z and holds 13:30 to 14:00 (T12).
    assert found.ts_ms == [(opens - 1800) * 1000, (opens + 1800) * 1000]
    assert (found.open, found.close, found.high, found.low) == ([2.0, 3.0], [2.0, 4.0], [2.0, 4.0], [2.0, 3.0])


def test_a_daily_candle_stamped_midnight_goes_to_the_session_of_its_date() -> None:
    midnight = 1741564800  # 2025-03-10 00:00Z
    series = {k: [1.0] for k in "ohlcv"} | {"t": [float(midnight)]}
    for symbol, start in (("AAPL", 1741613400000), ("BINANCE:BTCUSDT", midnight * 1000)):
        span = midnight * 1000, (midnight + 2 * 86400) * 1000
        intervals = Calendars().intervals(symbol, "regular", "1d", *span)
        found = roll_up(symbol, "1d", "test", series, intervals=intervals, sessions=intervals, is_daily=True)
        assert found is not None
        assert found.ts_ms == [start]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("c", None),
        ("h", "9"),
        ("l", 0.0),
        ("o", -1.0),
        ("v", float("nan")),
        ("t", None),
        ("c", float("inf")),
        ("l", 9.0),
    ],
)
def test_a_given_candle_that_is_none_never_becomes_history(column: str, value: object) -> None:
    first = 1741564800  # 2025-03-10 00:00Z
    series: dict[str, list[object]] = {k: [1.0, 1.0, 1.0] for k in "ohlcv"}
    series["t"] = [first, first + 60, first + 120]
    series[column][1] = value
    span = first * 1000, (first + 180) * 1000
    intervals = Calendars().intervals("BINANCE:BTCUSDT", "regular", "1m", *span)
    found = roll_up(
        "BINANCE:BTCUSDT", "1m", "test", cast("dict[str, list[float]]", series), intervals=intervals, sessions=intervals
    )
    assert found is not None
    assert found.ts_ms == [first * 1000, (first + 120) * 1000]
