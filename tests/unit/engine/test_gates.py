"""From an edge to a Firing: rules T5 to T10, T29, T31."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.condition import TriggerChange
from engine.firing import firing_id
from tests.unit.engine.tape import SYMBOL, Player, at, clock, player, price, trigger

TABLE = (
    ("10:00:05", 99.00), ("10:00:20", 100.50), ("10:00:40", 99.90), ("10:00:50", 100.20), ("10:01:10", 100.30),
    ("10:01:30", 99.80), ("10:01:40", 100.10),
)  # fmt: skip


def close_trigger(value: float = 100, **config: Any) -> Any:
    leaf = {"operand": "close", "operator": ">", "value": value}
    return trigger({"conditions": [leaf], "evaluate": "candle_close", **config}, agent_type="technical_trigger")


@pytest.mark.parametrize(
    ("config", "fired", "reasons"),
    [
        ({}, ["10:00:20", "10:01:40"], [("10:00:50", "once_per_candle")]),
        ({"fire": "every_edge"}, ["10:00:20", "10:00:50", "10:01:40"], []),
        ({"fire": "once"}, ["10:00:20"], [("10:00:50", "completed"), ("10:01:40", "completed")]),
        (
            {"fire": "every_edge", "cooldown_seconds": 60},
            ["10:00:20", "10:01:40"],
            [("10:00:50", "cooldown")],
        ),
    ],
)
def test_T6_the_table_of_frequencies(config: dict[str, Any], fired: list[str], reasons: list[tuple[str, str]]) -> None:
    p = player(trigger(price(">", 100, **config))).prints(*TABLE)
    assert p.fired_at() == fired
    assert p.reasons() == reasons


def test_T6_once_ends_completed() -> None:
    p = player(trigger(price(">", 100, fire="once"))).prints(*TABLE[:2])
    assert p.engine.trigger_states()[0].state == "completed"


def test_T5_candle_close_judges_closed_candles_only() -> None:
    p = player(close_trigger()).prints(("10:00:05", 99), ("10:01:05", 101), ("10:01:50", 101), ("10:02:00", 50))
    assert p.fired_at() == ["10:01:50"]
    assert p.decided_at() == ["10:02:00"]
    assert p.firings[0].kind == "candle_close"
    assert p.firings[0].price == 101


def test_T5_all_candles_of_an_instant_close_before_any_is_judged() -> None:
    leaves = [
        {"operand": "close", "operator": ">", "value": 100},
        {"operand": "close@1h", "operator": ">", "value": 100},
    ]
    spec = trigger({"all": leaves, "evaluate": "candle_close", "timeframe": "5m"}, agent_type="technical_trigger")
    p = player(spec).prints(("09:54:00", 99), ("09:59:00", 101), ("10:00:00", 50))
    assert p.fired_at() == ["09:59:00"]
    hour = p.firings[0].evidence.leaves[1].left
    assert (hour.before, hour.now) == (None, 101)


def test_T13_a_close_judged_trigger_waits_for_no_trade() -> None:
    p = player(close_trigger(), is_offline=False)
    p.prints(("10:00:05", 99), ("10:01:05", 99), ("10:02:05", 101))
    p.mark("10:03:02")
    assert p.decided_at() == ["10:03:00"]
    assert p.firings[0].evidence.decided_recv_ms == at("10:03:02")


def test_T7_a_hold_of_seconds_fires_by_time_named_after_the_last_trade() -> None:
    p = player(trigger(price(">", 100, hold={"seconds": 30})), is_offline=False)
    p.prints(("10:00:05", 99), ("10:00:10", 101), ("10:00:25", 102))
    p.mark("10:00:39.999")
    assert p.engine.trigger_states()[0].state == "pending"
    p.mark("10:00:40.250")
    assert p.fired_at() == ["10:00:25"]
    assert p.decided_at() == ["10:00:40"]
    assert (p.firings[0].kind, p.firings[0].price) == ("hold", 102)


def test_T7_a_hold_is_due_before_a_later_trade_is_applied() -> None:
    p = player(trigger(price(">", 100, hold={"seconds": 30})))
    p.prints(("10:00:05", 99), ("10:00:10", 101), ("10:00:25", 102), ("10:00:52", 50))
    assert p.fired_at() == ["10:00:25"]
    assert p.decided_at() == ["10:00:40"]


def test_T7_one_false_evaluation_breaks_the_hold() -> None:
    p = player(trigger(price(">", 100, hold={"seconds": 30})))
    p.prints(("10:00:05", 99), ("10:00:10", 101), ("10:00:25", 99), ("10:00:52", 101))
    assert p.firings == []
    assert p.reasons() == [("10:00:10", "hold")]
    assert clock(p.suppressions[0].firing.decided_ms) == "10:00:25"


def test_T7_a_hold_of_trades_counts_the_edge() -> None:
    p = player(trigger(price(">", 100, hold={"trades": 2}, fire="every_edge")))
    p.prints(("10:00:05", 99), ("10:00:10", 101), ("10:00:11", 99), ("10:00:12", 101), ("10:00:13", 102))
    assert p.fired_at() == ["10:00:13"]
    assert p.firings[0].kind == "tick"
    assert p.reasons() == [("10:00:10", "hold")]


def test_T7_a_hold_of_candles_counts_the_edge() -> None:
    p = player(close_trigger(hold={"candles": 2}))
    p.prints(("10:00:05", 99), ("10:01:05", 101), ("10:05:05", 102), ("10:06:05", 102))
    assert p.decided_at() == ["10:06:00"]
    assert p.firings[0].kind == "candle_close"


def test_T7_the_end_of_the_session_cancels_a_hold() -> None:
    spec = trigger(price(">", 100, hold={"seconds": 30}), symbols=("AAPL",))
    p = player(spec, is_offline=False)
    p.prints(("19:59:40", 99), ("19:59:50", 101), symbol="AAPL")
    p.mark("20:00:01.750")
    assert p.reasons() == []
    p.mark("20:00:30")
    assert p.firings == []
    assert p.reasons() == [("19:59:50", "hold")]
    assert clock(p.suppressions[0].firing.decided_ms) == "20:00:00"


def test_T7_midnight_of_a_24_7_symbol_cancels_nothing() -> None:
    p = player(trigger(price(">", 100, hold={"seconds": 30})), is_offline=False)
    p.prints(("23:59:40", 99), ("23:59:50", 101))
    p.mark("00:00:20", day="2025-03-11")
    assert p.decided_at() == ["00:00:20"]


def test_T7_the_last_candles_are_judged_before_the_end_cancels() -> None:
    leaf = {"operand": "close", "operator": ">", "value": 100}
    spec = trigger(
        {"conditions": [leaf], "evaluate": "candle_close", "hold": {"candles": 2}, "timeframe": "1m"},
        agent_type="technical_trigger",
        symbols=("AAPL",),
    )
    p = player(spec, is_offline=False)
    p.prints(("19:56:30", 99), ("19:57:30", 99), ("19:58:30", 101), ("19:59:30", 101), symbol="AAPL")
    p.mark("20:00:02")
    assert p.decided_at() == ["20:00:00"]
    assert p.suppressions == []


def test_T8_rearm_in_the_next_session() -> None:
    p = player(trigger(price(">", 100, fire="every_edge", rearm="next_session")))
    p.prints(("10:00:05", 99), ("10:00:10", 101), ("10:00:11", 99), ("10:00:12", 101))
    p.prints(("00:00:01", 99), ("00:00:02", 101), day="2025-03-11")
    assert p.fired_at() == ["10:00:10", "00:00:02"]
    assert p.reasons() == [("10:00:12", "rearm")]


def test_T8_manual_rearm_waits_for_a_resume() -> None:
    p = player(trigger(price(">", 100, fire="every_edge", rearm="manual")))
    p.prints(("10:00:05", 99), ("10:00:10", 101), ("10:00:11", 99), ("10:00:12", 101))
    p.change("resume")
    p.prints(("10:00:13", 99), ("10:00:14", 101))
    assert p.fired_at() == ["10:00:10", "10:00:14"]
    assert p.reasons() == [("10:00:12", "rearm")]


@pytest.mark.parametrize(("second", "fires"), [("10:01:19.999", False), ("10:01:20", True)])
def test_T9_cooldown_counts_from_decision_to_decision_and_equal_passes(second: str, fires: bool) -> None:
    p = player(trigger(price(">", 100, fire="every_edge", cooldown_seconds=60)))
    p.prints(("10:00:05", 99), ("10:00:20", 101), ("10:00:30", 99), (second, 101))
    assert p.fired_at() == ["10:00:20", *([second] if fires else [])]
    assert p.reasons() == ([] if fires else [(second, "cooldown")])


def test_T9_a_cap_of_firings_is_reset_at_the_session() -> None:
    p = player(trigger(price(">", 100, fire="every_edge", max_firings_per_session=1)))
    p.prints(("10:00:05", 99), ("10:00:20", 101), ("10:00:30", 99), ("10:00:40", 101))
    p.prints(("00:00:01", 99), ("00:00:02", 101), day="2025-03-11")
    assert p.fired_at() == ["10:00:20", "00:00:02"]
    assert p.reasons() == [("10:00:40", "cap")]


def test_T9_each_symbol_has_its_own_cooldown() -> None:
    other = "BINANCE:ETHUSDT"
    p = player(trigger(price(">", 100, cooldown_seconds=600), symbols=(SYMBOL, other)))
    p.prints(("10:00:05", 99), ("10:00:20", 101))
    p.prints(("10:00:25", 99), ("10:00:30", 101), symbol=other)
    assert [f.symbol for f in p.firings] == [SYMBOL, other]


def test_T10_nothing_is_evaluated_before_valid_from_and_the_baseline_comes_after() -> None:
    p = player(trigger(price(">", 100, fire="every_edge", valid_from="2025-03-10T10:01:00+00:00")))
    p.prints(("10:00:05", 99), ("10:00:06", 101), ("10:01:00", 102), ("10:01:01", 99), ("10:01:02", 101))
    assert p.reasons() == [("10:01:00", "baseline")]
    assert p.fired_at() == ["10:01:02"]


def test_T10_valid_until_is_exclusive_and_what_comes_after_is_expired() -> None:
    p = player(trigger(price(">", 100, fire="every_edge", valid_until="2025-03-10T10:01:00+00:00")))
    p.prints(("10:00:05", 99), ("10:00:59.999", 101), ("10:00:59.999", 99), ("10:01:00", 101))
    assert p.fired_at() == ["10:00:59.999"]
    assert p.reasons() == [("10:01:00", "expired")]
    assert p.engine.trigger_states()[0].state == "expired"


def test_T10_max_firings_ends_the_trigger() -> None:
    p = player(trigger(price(">", 100, fire="every_edge", max_firings=1)))
    p.prints(("10:00:05", 99), ("10:00:06", 101), ("10:00:07", 99), ("10:00:08", 101))
    assert p.fired_at() == ["10:00:06"]
    assert p.reasons() == [("10:00:08", "expired")]


def test_T29_a_suppression_carries_the_id_it_would_have_had() -> None:
    p = player(trigger(price(">", 100))).prints(("10:00:05", 101))
    assert p.suppressions[0].firing.firing_id == firing_id("p/node-1", 1, SYMBOL, at("10:00:05"), 0)


def test_T31_a_new_version_takes_a_baseline_and_keeps_the_cooldown() -> None:
    p = player(trigger(price(">", 100, fire="every_edge", cooldown_seconds=60)))
    p.prints(("10:00:05", 99), ("10:00:20", 101), ("10:00:30", 99))
    p.set(trigger(price(">", 90, fire="every_edge", cooldown_seconds=60), version=2))
    p.prints(("10:00:31", 95), ("10:00:40", 89), ("10:00:50", 95), ("10:01:30", 89), ("10:01:31", 95))
    assert p.reasons() == [("10:00:31", "baseline"), ("10:00:50", "cooldown")]
    assert [(f.trigger_version, clock(f.ts_ms)) for f in p.firings] == [(1, "10:00:20"), (2, "10:01:31")]


def test_T31_setting_the_same_version_again_changes_nothing() -> None:
    spec = trigger(price(">", 100))
    p = player(spec).prints(("10:00:05", 99))
    p.set(replace(spec))
    p.prints(("10:00:06", 101))
    assert p.fired_at() == ["10:00:06"]


def test_T31_pause_disarms_and_resume_takes_a_baseline() -> None:
    p = player(trigger(price(">", 100, fire="every_edge"))).prints(("10:00:05", 99))
    p.change("pause")
    p.prints(("10:00:06", 101), ("10:00:07", 99))
    assert p.engine.trigger_states()[0].state == "paused"
    p.change("resume")
    p.prints(("10:00:08", 101), ("10:00:09", 99), ("10:00:10", 101))
    assert p.fired_at() == ["10:00:10"]
    assert p.reasons() == [("10:00:08", "baseline")]


def test_T31_removing_a_trigger_frees_its_indicators_and_cancels_its_hold() -> None:
    leaf = {"indicator": "SMA_2", "operator": ">", "value": 1}
    spec = trigger({"conditions": [leaf], "hold": {"seconds": 60}}, agent_type="technical_trigger")
    p = player(spec).prints(("10:00:05", 0.5), ("10:01:05", 0.6), ("10:01:06", 5))
    p.change("remove", at_ms=at("10:01:10"))
    assert p.reasons() == [("10:01:06", "hold")]
    p.prints(("10:05:05", 5))
    assert p.firings == []
    assert p.engine.trigger_states() == []
    assert all(c.values == {} for c in p.candles if c.ts_ms > at("10:01:00"))


def test_T31_changes_of_one_batch_apply_in_order() -> None:
    p = player()
    spec = trigger(price(">", 100))
    p.engine.apply([TriggerChange("set", "p/node-1", spec), TriggerChange("remove", "p/node-1")])
    p.prints(("10:00:05", 99), ("10:00:06", 101))
    assert p.firings == []


def test_triggers_added_and_removed_leave_the_others_alone() -> None:
    p: Player = player(*(trigger(price(">", 100 + n), node_id=f"n{n}") for n in range(5)))
    p.prints(("10:00:05", 99))
    p.change("remove", "p/n1")
    p.change("remove", "p/n3")
    p.set(
        trigger(
            {"conditions": [{"indicator": "RSI", "operator": ">", "value": 1}]},
            agent_type="technical_trigger",
            node_id="n9",
        )
    )
    p.set(trigger(price("<", 200), node_id="n7"))
    p.prints(("10:00:06", 110))
    assert [f.trigger_id for f in p.firings] == ["p/n0", "p/n2", "p/n4"]
    assert p.reasons() == [("10:00:06", "baseline")]
