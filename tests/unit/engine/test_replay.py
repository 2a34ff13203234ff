"""An offline tape and the marks that stand in it: rule T24."""

from __future__ import annotations

import numpy as np

from engine.output import Output
from engine.replay import NO_MARK, marks_before, play
from tests.unit.engine.tape import SYMBOL, Player, Row, at, clock, player, price, trades, trigger


def rows(*prints: tuple[str, float]) -> list[Row]:
    return [(SYMBOL, at(time), value, 1.0, 7, 0) for time, value in prints]


def played(p: Player, tape: list[Row]) -> Output:
    total = Output()
    for output in play(p.engine, trades(p.engine, tape)):
        total.firings += output.firings
        total.suppressions += output.suppressions
        total.candles += output.candles
    return total


def test_T24_marks_follow_the_latest_time_and_none_is_before_the_first_trade() -> None:
    times = np.array([1_100, 1_249, 1_251, 1_010, 2_000, -7, 1 << 60], np.int64)
    assert marks_before(times).tolist() == [NO_MARK, NO_MARK, 1_250, 1_250, 2_000, 2_000, 2_000]


def test_T24_a_trade_long_before_the_first_one_is_not_late_by_a_mark_before_the_tape() -> None:
    p = player()
    played(p, [("BINANCE:ETHUSDT", at("10:05:00.100"), 1.0, 1.0, 7, 0), *rows(("10:01:00", 10))])
    assert p.engine.counters()["late"] == 0


def test_T24_a_candle_that_the_tape_does_not_outlast_by_the_grace_is_not_written() -> None:
    assert played(player(), rows(("10:00:30", 10), ("10:00:59", 11))).candles == []
    other = [("BINANCE:ETHUSDT", at("10:01:01.999"), 1.0, 1.0, 7, 0)]
    assert played(player(), rows(("10:00:30", 10)) + other).candles == []
    other = [("BINANCE:ETHUSDT", at("10:01:02"), 1.0, 1.0, 7, 0)]
    assert [c.symbol for c in played(player(), rows(("10:00:30", 10)) + other).candles] == [SYMBOL]


def test_T24_a_hold_falls_due_at_a_mark_of_the_tape() -> None:
    p = player(trigger(price(">", 100, hold={"seconds": 5})))
    found = played(p, rows(("10:00:05", 99), ("10:00:10.100", 101), ("10:00:40", 50)))
    assert [(clock(f.decided_ms), f.evidence.decided_recv_ms) for f in found.firings] == [("10:00:15.100", 0)]


def test_T24_a_hold_begun_in_the_past_is_not_due_at_a_mark_that_has_passed() -> None:
    """A late-coming trade closed a candle at 10:05:00.600 while the tape stood at 10:05:01.200."""
    leaf = {"operand": "close", "operator": ">", "value": 100}
    spec = trigger(
        {"conditions": [leaf], "evaluate": "candle_close", "hold": {"seconds": 1}, "timeframe": "1m"},
        agent_type="technical_trigger",
    )
    p = player(spec)
    first = rows(("10:03:10", 99), ("10:04:10", 101))
    other: list[Row] = [("BINANCE:ETHUSDT", at("10:05:01.200"), 1.0, 1.0, 7, 0)]
    found = played(p, first + other + rows(("10:05:00.600", 101), ("10:05:01.130", 101)))
    assert [(clock(f.decided_ms), f.evidence.decided_recv_ms) for f in found.firings] == [
        ("10:05:01", at("10:05:01.130") + 5)
    ]


def test_outputs_stand_in_decision_order_then_by_trigger() -> None:
    other = "BINANCE:ETHUSDT"
    both = (other, SYMBOL)
    p = player(*(trigger(price(">", 100), node_id=node, symbols=both) for node in ("b", "a")))
    tape: list[Row] = []
    for time, value in (("10:00:01", 99.0), ("10:00:02", 101.0)):
        tape += [(symbol, at(time), value, 1.0, 7, 0) for symbol in both]
    found = played(p, tape)
    assert [(f.symbol, f.trigger_id) for f in found.firings] == [
        (other, "p/a"), (other, "p/b"), (SYMBOL, "p/a"), (SYMBOL, "p/b"),
    ]  # fmt: skip
