"""What a stale, lost or halted feed does to triggers: rules T2, T20, T21, T24."""

from __future__ import annotations

import pytest

from tests.unit.engine.tape import SYMBOL, at, player, price, trigger

OTHER = "BINANCE:ETHUSDT"


@pytest.mark.parametrize("health", ["stale", "disconnected"])
def test_T20_without_a_healthy_feed_nothing_is_evaluated_and_then_a_baseline_is_taken(health: str) -> None:
    p = player(trigger(price(">", 100, fire="every_edge")), is_offline=False)
    p.trade("10:00:05", 99)
    p.mark("10:00:20", health=health)
    p.trade("10:00:21", 101)
    assert p.firings == []
    assert p.engine.trigger_states()[0].health == health
    p.mark("10:00:22")
    p.prints(("10:00:23", 102), ("10:00:24", 99), ("10:00:25", 101))
    assert p.fired_at() == ["10:00:25"]
    assert p.reasons() == [("10:00:23", "baseline")]


def test_T20_quiet_changes_nothing() -> None:
    p = player(trigger(price(">", 100)), is_offline=False)
    p.trade("10:00:05", 99)
    p.mark("10:01:06", health="quiet")
    p.trade("10:01:07", 101)
    assert p.fired_at() == ["10:01:07"]


def test_T20_one_symbol_can_be_stale_alone() -> None:
    p = player(trigger(price(">", 100), symbols=(SYMBOL, OTHER)), is_offline=False)
    for symbol in (SYMBOL, OTHER):
        p.trade("10:00:05", 99, symbol=symbol)
    p.mark("10:00:20", health="live", symbol_health={OTHER: "stale"})
    for symbol in (SYMBOL, OTHER):
        p.trade("10:00:21", 101, symbol=symbol)
    assert [f.symbol for f in p.firings] == [SYMBOL]


def test_T20_a_lost_feed_cancels_holds() -> None:
    p = player(trigger(price(">", 100, hold={"seconds": 60})), is_offline=False)
    p.prints(("10:00:05", 99), ("10:00:10", 101))
    p.mark("10:00:30", health="disconnected", gap_ms=11_000)
    p.mark("10:02:00")
    assert p.firings == []
    assert p.reasons() == [("10:00:10", "hold")]
    assert p.suppressions[0].firing.evidence.health == "disconnected gap_ms=11000"


def test_T2_after_gap_fire_keeps_the_state_and_says_gap() -> None:
    p = player(trigger(price(">", 100, after_gap="fire", fire="every_edge")), is_offline=False)
    p.trade("10:00:05", 99)
    p.mark("10:00:20", health="stale")
    p.mark("10:00:30")
    p.prints(("10:00:31", 101), ("10:00:32", 99), ("10:00:33", 101))
    assert p.fired_at() == ["10:00:31", "10:00:33"]
    assert [f.evidence.flags for f in p.firings] == [("gap",), ()]


def test_T2_after_gap_fire_keeps_the_previous_values_of_a_cross() -> None:
    p = player(trigger(price("crosses_above", 100, after_gap="fire")), is_offline=False)
    p.trade("10:00:05", 99)
    p.mark("10:00:20", health="stale")
    p.mark("10:00:30")
    p.trade("10:00:31", 101)
    assert p.fired_at() == ["10:00:31"]


def test_T20_candles_go_on_while_values_are_unknown() -> None:
    p = player(is_offline=False)
    p.trade("10:00:05", 99)
    p.mark("10:00:20", health="stale")
    p.trade("10:00:21", 101)
    p.mark("10:01:02", health="stale")
    assert p.candle("1m", "10:00:00").high == 101


def test_T20_a_symbol_that_appears_while_the_feed_is_stale_is_unknown() -> None:
    p = player(is_offline=False)
    p.mark("10:00:00", health="stale")
    p.set(trigger(price(">", 100, fire="every_edge")))
    p.prints(("10:00:05", 99), ("10:00:06", 101))
    assert p.firings == []


def test_T21_after_a_halt_values_stay_unknown_for_the_reopen_wait() -> None:
    p = player(trigger(price(">", 100, fire="every_edge")), is_offline=False)
    p.trade("10:00:05", 99)
    p.mark("10:00:10", health="live", symbol_health={SYMBOL: "halted"})
    p.mark("10:05:00", health="live")
    p.prints(("10:05:10", 99), ("10:05:11", 101), ("10:05:12", 99))
    p.mark("10:05:59.750", health="live")
    assert p.firings == []
    p.mark("10:06:00", health="live")
    p.prints(("10:06:01", 99), ("10:06:02", 101))
    assert p.fired_at() == ["10:06:02"]


def test_T24_feed_time_never_goes_back() -> None:
    p = player(is_offline=False)
    p.trade("10:00:05", 99)
    p.mark("10:01:02")
    p.mark("10:00:00")
    p.trade("10:00:59", 98)
    assert p.engine.counters()["late"] == 1


def test_T12_outside_its_session_a_trigger_is_closed_and_keeps_its_state() -> None:
    p = player(trigger(price(">", 100), symbols=("AAPL",)), is_offline=False)
    p.trade("19:59:59", 99, symbol="AAPL")
    p.mark("20:00:05")
    assert p.engine.trigger_states()[0].health == "closed"
    p.trade("20:30:00", 200, symbol="AAPL")
    assert p.firings == []
    p.trade("13:30:00", 101, symbol="AAPL", day="2025-03-11")
    assert [f.ts_ms for f in p.firings] == [at("13:30:00", "2025-03-11")]
