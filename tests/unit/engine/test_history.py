"""Candles from before the live tape: rules T17, T18, T22."""

from __future__ import annotations

import math

import numpy as np
import pytest
import talib

from engine.candles import HistoryColumns
from engine.condition import Timeframe
from engine.engine import Engine
from engine.output import Output
from tests.unit.engine.tape import SYMBOL, Player, at, player, price, trigger

MINUTE = 60_000


def history(p: Player, first: str, closes: list[float], timeframe: Timeframe = "1m", length: int = MINUTE) -> Output:
    start = at(first)
    n = len(closes)
    return p.engine.on_history(
        SYMBOL, "regular", timeframe, "test-history",
        HistoryColumns(
            ts_ms=[start + i * length for i in range(n)], open=closes, high=[c + 1 for c in closes],
            low=[c - 1 for c in closes], close=closes, volume=[2.0] * n, vwap=closes, trades=[3] * n,
        ),
    )  # fmt: skip


def test_T18_history_warms_indicators_and_fires_nothing() -> None:
    spec = trigger({"conditions": [{"indicator": "RSI", "operator": ">", "value": 50}]}, agent_type="technical_trigger")
    p = player(spec, is_offline=False)
    assert p.engine.trigger_states()[0].missing_candles == 14
    closes = [100 + math.sin(i) for i in range(60)]
    output = history(p, "09:00:00", closes)
    assert output.firings == []
    assert p.engine.trigger_states()[0].missing_candles == 0
    assert [c.source for c in output.candles] == ["test-history"] * 60
    assert output.candles[-1].values["RSI_14"] == pytest.approx(talib.RSI(np.array(closes), 14)[-1], rel=1e-9)


def test_T17_minutes_of_history_complete_the_longer_candles_that_began_before() -> None:
    p = player(is_offline=False)
    history(p, "10:00:00", [10.0, 11.0, 12.0])
    p.prints(("10:03:20", 20), ("10:05:00", 20))
    five = p.candle("5m", "10:00:00")
    assert (five.partial, five.open, five.high, five.low, five.volume, five.trades) == (False, 10, 20, 9, 7, 10)
    assert p.candle("1m", "10:03:00").partial is True


def test_T17_a_longer_candle_that_history_does_not_reach_stays_partial() -> None:
    p = player(is_offline=False)
    history(p, "10:01:00", [11.0, 12.0])
    p.prints(("10:03:20", 20), ("10:05:00", 20))
    assert p.candle("5m", "10:00:00").partial is True


def test_T22_what_we_closed_ourselves_stays_when_history_comes_later() -> None:
    p = player(is_offline=False)
    p.engine.watch([("SMA_2", "1m")])
    p.prints(("10:00:00", 10), ("10:01:00", 11), ("10:02:00", 12))
    output = history(p, "09:58:00", [1.0, 2.0, 99.0, 99.0])
    assert [c.ts_ms for c in output.candles] == [at("09:58:00"), at("09:59:00")]
    p.trade("10:03:00", 13)
    assert p.candle("1m", "10:02:00").values["SMA_2"] == 11.5


WARM = {"conditions": [{"indicator": "SMA_2", "operator": ">", "value": 5}], "fire": "every_edge", "timeframe": "1m"}


def seams_of(p: Player) -> list[tuple[str, str, int]]:
    return [(s.timeframe, s.source, s.seam_ms) for s in p.firings[-1].evidence.history]


def test_T22_a_firing_names_each_source_of_history_and_its_latest_seam() -> None:
    p = player(trigger(WARM, agent_type="technical_trigger"), is_offline=False)
    ones = [1.0] * 2
    for source, first in (("alpaca:iex", "09:50:00"), ("own:stream", "09:52:00"), ("alpaca:iex", "09:54:00")):
        start = at(first)
        columns = HistoryColumns([start, start + MINUTE], ones, ones, ones, ones, ones, ones, [1, 1])
        p.engine.on_history(SYMBOL, "regular", "1m", source, columns)
    p.prints(("10:00:00", 1), ("10:01:00", 99))
    assert seams_of(p) == [("1m", "own:stream", at("09:54:00")), ("1m", "alpaca:iex", at("09:56:00"))]
    restored = Engine.restore(p.engine.snapshot(), p.engine.config)
    assert restored.snapshot() == p.engine.snapshot()


def test_T22_each_candle_of_history_knows_the_seam_of_its_own_stretch() -> None:
    p = player(is_offline=False)
    starts, ones = [at("10:00:00"), at("10:01:00"), at("10:05:00")], [1.0] * 3
    seams = [at("10:02:00"), at("10:02:00"), at("10:06:00")]
    columns = HistoryColumns(starts, ones, ones, ones, ones, ones, ones, [1, 1, 1], seams)
    output = p.engine.on_history(SYMBOL, "regular", "1m", "alpaca:iex", columns)
    assert [c.seam_ms for c in output.candles] == seams


def test_a_firing_of_what_was_heard_alone_names_no_history() -> None:
    p = player(trigger(WARM, agent_type="technical_trigger"), is_offline=False)
    p.prints(("10:00:00", 1), ("10:01:00", 1), ("10:02:00", 1), ("10:03:00", 99))
    assert seams_of(p) == []


def test_T17_history_that_may_have_holes_completes_no_longer_candle() -> None:
    p = player(is_offline=False)
    starts, ones = [at("10:00:00")], [10.0]
    columns = HistoryColumns(starts, ones, ones, ones, ones, ones, ones, [1])
    p.engine.on_history(SYMBOL, "regular", "1m", "own:stream", columns, is_whole=False)
    p.prints(("10:03:20", 20), ("10:05:00", 20))
    assert p.candle("5m", "10:00:00").partial is True


def test_history_of_candles_that_have_not_ended_is_left_out() -> None:
    p = player(is_offline=False)
    p.mark("10:02:30")
    assert [c.ts_ms for c in history(p, "10:00:00", [1.0, 2.0, 3.0]).candles] == [at("10:00:00"), at("10:01:00")]


def test_history_with_unusable_rows_takes_the_others() -> None:
    p = player(is_offline=False)
    assert [c.close for c in history(p, "10:00:00", [1.0, math.nan, 3.0, math.inf]).candles] == [1.0, 3.0]


def test_history_longer_than_the_ring_makes_it_grow() -> None:
    p = player(is_offline=False, ring_candles=64)
    p.engine.watch([("EMA_200", "1m")])
    closes = [100 + math.sin(i / 9) for i in range(1000)]
    output = history(p, "00:00:00", closes)
    assert output.candles[-1].values["EMA_200"] == pytest.approx(talib.EMA(np.array(closes), 200)[-1], rel=1e-9)


def test_a_trigger_set_after_history_is_warm_at_once() -> None:
    p = player(is_offline=False)
    history(p, "09:00:00", [100.0 + i % 7 for i in range(80)])
    leaf = {"operand": "close", "operator": ">", "value": "SMA_50"}
    p.set(trigger({"conditions": [leaf], "evaluate": "candle_close"}, agent_type="technical_trigger"))
    assert p.engine.trigger_states()[0].missing_candles == 0


def test_history_for_an_unknown_symbol_makes_it_known() -> None:
    p = player(trigger(price(">", 1)), is_offline=False)
    history(p, "10:00:00", [1.0])
    assert SYMBOL in p.engine.symbols


def test_T14_a_trade_of_a_minute_that_history_has_closed_is_late() -> None:
    p = player(is_offline=False)
    history(p, "10:00:00", [10.0, 11.0, 12.0])
    p.prints(("10:02:30", 99), ("10:03:10", 20), ("10:05:00", 20))
    assert p.candle("5m", "10:00:00").high == 20
    assert p.engine.counters()["late"] == 1


def test_T12_a_day_of_history_ended_with_its_session_and_is_there_the_next_morning() -> None:
    p = player(is_offline=False)
    p.mark("12:00:00")  # before Monday's open in New York
    friday = at("14:30:00", "2025-03-07")
    columns = HistoryColumns(
        ts_ms=[friday], open=[10.0], high=[12.0], low=[9.0], close=[11.0], volume=[5.0], vwap=[10.5], trades=[7]
    )
    output = p.engine.on_history("AAPL", "regular", "1d", "test-history", columns)
    assert [(c.ts_ms, c.end_ms) for c in output.candles] == [(friday, at("21:00:00", "2025-03-07"))]


def test_T17_candles_back_are_counted_without_the_partial_one() -> None:
    config = {"conditions": [{"operand": "close", "operator": "rises_by_pct", "value": 1, "candles": 1}],
              "evaluate": "candle_close", "fire": "every_edge"}  # fmt: skip
    p = player(trigger(config, agent_type="technical_trigger"), is_offline=False)
    history(p, "10:00:00", [100.0, 50.0])
    p.prints(("10:02:30", 60), ("10:03:10", 60))  # the partial candle of 10:02 closes 20 % above 10:01
    (baseline,) = p.suppressions
    assert baseline.firing.evidence.leaves[0].right.now == pytest.approx(50.5)
    assert "partial" in baseline.firing.evidence.flags


def test_T4_a_cross_at_a_close_counts_also_before_the_first_candle_of_its_own_timeframe_has_closed() -> None:
    config = {"conditions": [{"operand": "price", "operator": "crosses_below", "value": 100, "timeframe": "5m"}],
              "evaluate": "candle_close", "fire": "every_edge"}  # fmt: skip
    p = player(trigger(config, agent_type="technical_trigger"))
    p.prints(("10:00:10", 101), ("10:01:10", 99), ("10:02:10", 99))
    assert p.decided_at() == ["10:02:00"]


def test_T18_require_stable_does_not_compare_with_a_value_that_was_not_stable() -> None:
    leaf = {"indicator": "EMA_3", "operator": "rises_by_pct", "value": 1, "candles": 3}
    config = {"conditions": [leaf], "require_stable": True, "fire": "every_edge"}
    p = player(trigger(config, agent_type="technical_trigger"), is_offline=False)
    history(p, "10:00:00", [100.0 + i for i in range(15)])  # stable from the 14th on: EMA_3 of 3 + 3.45 * 3
    p.prints(("10:15:00", 200))
    assert p.suppressions == []  # the value three candles ago is the 13th
    p.prints(("10:16:00", 400))
    assert [s.reason for s in p.suppressions] == ["baseline"]
