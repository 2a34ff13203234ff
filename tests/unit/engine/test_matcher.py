"""Becoming true: rules T1 to T4, T8 of the trigger contract."""

from __future__ import annotations

import pytest

from engine.firing import firing_id
from tests.unit.engine.tape import SYMBOL, at, player, price, trigger


def test_T1_fires_on_the_edge_and_not_while_it_stays_true() -> None:
    p = player(trigger(price(">", 100, fire="every_edge")))
    p.prints(("10:00:01", 99), ("10:00:02", 101), ("10:00:03", 102), ("10:00:04", 99), ("10:00:05", 101))
    assert p.fired_at() == ["10:00:02", "10:00:05"]


def test_T2_the_first_evaluation_is_a_baseline_and_says_so_when_true() -> None:
    p = player(trigger(price(">", 100)))
    p.prints(("10:00:01", 101), ("10:00:02", 102))
    assert p.firings == []
    assert p.reasons() == [("10:00:01", "baseline")]
    p.prints(("10:00:03", 99.9), ("10:00:04", 100.1))
    assert p.fired_at() == ["10:00:04"]


def test_T3_unknown_then_true_is_a_baseline() -> None:
    config = {
        "any": [
            {"operand": "price", "operator": ">", "value": 100},
            {"indicator": "RSI_14", "operator": ">", "value": 70},
        ]
    }
    p = player(trigger(config, agent_type="technical_trigger"))
    p.prints(("10:00:01", 99), ("10:00:02", 101))
    assert p.firings == []
    assert p.reasons() == [("10:00:02", "baseline")]


@pytest.mark.parametrize(
    ("kind", "price_now", "expected"),
    [("all", 99.0, False), ("all", 101.0, None), ("any", 99.0, None), ("any", 101.0, True)],
)
def test_T3_kleene_logic_of_groups(kind: str, price_now: float, expected: bool | None) -> None:
    config = {
        kind: [
            {"operand": "price", "operator": ">", "value": 100},
            {"indicator": "RSI_14", "operator": ">", "value": 70},
        ]
    }
    p = player(trigger(config, agent_type="technical_trigger"))
    p.prints(("10:00:01", price_now))
    assert p.engine.trigger_states()[0].value is expected


def test_T3_not_unknown_is_unknown() -> None:
    p = player(trigger({"not": {"indicator": "RSI", "operator": ">", "value": 70}}, agent_type="technical_trigger"))
    p.prints(("10:00:01", 99), ("10:00:02", 100))
    assert p.engine.trigger_states()[0].value is None


def test_T4_crosses_above_needs_before_at_or_below_and_now_above() -> None:
    p = player(trigger(price("crosses_above", 190, fire="every_edge")))
    p.prints(("10:00:01", 189.98), ("10:00:02", 190.00), ("10:00:03", 190.01))
    assert p.fired_at() == ["10:00:03"]
    side = p.firings[0].evidence.leaves[0].left
    assert (side.before, side.now) == (190.00, 190.01)
    p.prints(("10:00:04", 190.00), ("10:00:05", 190.02))
    assert p.fired_at() == ["10:00:03", "10:00:05"]


def test_T4_the_first_sample_is_no_cross() -> None:
    p = player(trigger(price("crosses_above", 190)))
    p.prints(("10:00:01", 195), ("10:00:02", 196))
    assert p.firings == []
    assert p.suppressions == []


def test_T4_a_cross_stays_true_until_its_candle_ends() -> None:
    config = {
        "fire": "every_edge",
        "all": [
            {"operand": "price", "operator": "crosses_above", "value": 100},
            {"operand": "volume", "operator": ">=", "value": 10, "timeframe": "1m"},
        ],
    }
    spec = trigger(config, agent_type="technical_trigger")
    p = player(spec)
    p.trade("10:00:01", 99)
    p.trade("10:00:02", 101)
    p.trade("10:00:03", 101, 20)
    assert p.fired_at() == ["10:00:03"]
    p = player(spec)
    p.trade("10:00:01", 99)
    p.trade("10:00:02", 101)
    p.trade("10:01:03", 101, 20)
    assert p.fired_at() == []


def test_T4_within_candles_lengthens_the_latch() -> None:
    config = {
        "all": [
            {"operand": "price", "operator": "crosses_above", "value": 100, "within_candles": 2},
            {"operand": "volume", "operator": ">=", "value": 10, "timeframe": "1m"},
        ]
    }
    for late, fired in (("10:01:03", ["10:01:03"]), ("10:02:03", [])):
        p = player(trigger(config, agent_type="technical_trigger"))
        p.prints(("10:00:01", 99), ("10:00:02", 101))
        if late == "10:02:03":
            p.trade("10:01:30", 101)
        p.trade(late, 101, 20)
        assert p.fired_at() == fired


def test_T4_level_operators_are_exact() -> None:
    p = player(trigger(price(">", 100.10, fire="every_edge")))
    p.prints(("10:00:01", 100.0), ("10:00:02", 100.10))
    assert p.firings == []
    p = player(trigger(price(">=", 100.10, fire="every_edge")))
    p.prints(("10:00:01", 100.0), ("10:00:02", 100.10))
    assert p.fired_at() == ["10:00:02"]


def test_T4_inside_and_outside_include_and_exclude_their_bounds() -> None:
    p = player(trigger(price("inside", [100, 110], fire="every_edge")))
    p.prints(("10:00:01", 99), ("10:00:02", 100), ("10:00:03", 111), ("10:00:04", 110))
    assert p.fired_at() == ["10:00:02", "10:00:04"]
    p = player(trigger(price("outside", [100, 110], fire="every_edge")))
    p.prints(("10:00:01", 100), ("10:00:02", 99.99), ("10:00:03", 110), ("10:00:04", 110.01))
    assert p.fired_at() == ["10:00:02", "10:00:04"]


def test_T4_rises_by_pct_counts_existing_candles() -> None:
    leaf = {"operand": "price", "operator": "rises_by_pct", "value": 2, "candles": 1}
    config = {"conditions": [leaf], "fire": "every_edge"}
    p = player(trigger(config, agent_type="technical_trigger"))
    p.prints(("10:00:01", 200), ("10:05:00", 203.99), ("10:05:01", 204))
    assert p.fired_at() == ["10:05:01"]
    right = p.firings[0].evidence.leaves[0].right
    assert right.now == 204.0


def test_T17_a_reference_two_candles_back_counts_no_empty_minutes() -> None:
    leaf = {"operand": "price", "operator": "falls_by_pct", "value": 10, "candles": 2}
    p = player(trigger({"conditions": [leaf]}, agent_type="technical_trigger"))
    p.prints(("10:00:01", 100), ("10:01:00", 99), ("10:05:00", 91), ("10:05:01", 90))
    assert p.fired_at() == ["10:05:01"]


def test_T8_hysteresis_holds_the_level_until_it_is_back_by_h() -> None:
    p = player(trigger(price(">", 70, hysteresis=2, fire="every_edge")))
    p.prints(
        ("10:00:01", 69.5), ("10:00:02", 70.4), ("10:00:03", 69.1), ("10:00:04", 70.6), ("10:00:05", 67.9),
        ("10:00:06", 70.2),
    )  # fmt: skip
    assert p.fired_at() == ["10:00:02", "10:00:06"]


def test_T26_the_firing_id_is_that_of_the_contract() -> None:
    trigger_id = "3f0f6c2e-0c0b-4f9e-9d7b-6a8a0d6a3c11/node-1"
    assert firing_id(trigger_id, 4, "AAPL", 1741613523187, 12) == "e9560a69-70fc-5980-b42a-f8f0121792f4"


def test_T26_seq_counts_the_applied_trades_of_the_minute() -> None:
    p = player(trigger(price(">", 100)))
    p.prints(("10:00:58", 99), ("10:01:01", 99), ("10:01:02", 99), ("10:01:03", 101))
    trade = p.firings[0].evidence.trade
    assert trade is not None
    assert trade.seq == 2
    assert p.firings[0].firing_id == firing_id("p/node-1", 1, SYMBOL, at("10:01:03"), 2)
