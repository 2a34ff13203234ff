"""Candles by contract: rules T11 to T17, T19."""

from __future__ import annotations

import math

import pytest

from engine.trades import COUNTS_VOLUME, SETS_HIGH_LOW, SETS_LAST
from tests.unit.engine.tape import SYMBOL, at, player, price, trigger

STOCK = "AAPL"


def test_T11_a_trade_on_the_end_opens_the_next_candle() -> None:
    p = player().prints(("10:00:00", 10), ("10:00:59.999", 11), ("10:01:00", 12))
    candle = p.candle("1m", "10:00:00")
    assert (candle.open, candle.close, candle.trades, candle.end_ms) == (10, 11, 2, at("10:01:00"))


def test_T11_longer_candles_start_at_multiples_of_their_length() -> None:
    p = player().prints(("10:07:30", 10), ("11:00:00", 11))
    starts = {c.timeframe: c.ts_ms for c in p.candles}
    assert starts == {"1m": at("10:07:00"), "5m": at("10:05:00"), "15m": at("10:00:00"), "1h": at("10:00:00")}


def test_T11_vwap_is_value_over_size() -> None:
    p = player()
    p.trade("10:00:01", 10, 1)
    p.trade("10:00:02", 20, 3)
    p.trade("10:01:00", 20)
    assert p.candle("1m", "10:00:00").vwap == 17.5


def test_T19_vwap_of_one_trade_is_its_price() -> None:
    p = player()
    p.trade("10:00:01", 0.1, 0.3)
    p.trade("10:01:00", 1)
    assert p.candle("1m", "10:00:00").vwap == 0.1


def test_T19_vwap_without_volume_is_unknown() -> None:
    p = player()
    p.trade("10:00:01", 10, 0)
    p.trade("10:01:00", 10)
    assert math.isnan(p.candle("1m", "10:00:00").vwap)


@pytest.mark.parametrize(
    ("day", "time", "start", "end"),
    [
        ("2025-03-07", "14:31:00", "14:30:00", "18:30:00"),
        ("2025-03-07", "20:59:00", "18:30:00", "21:00:00"),
        ("2025-03-10", "13:31:00", "13:30:00", "17:30:00"),
        ("2025-03-10", "19:59:00", "17:30:00", "20:00:00"),
        ("2025-11-28", "17:59:00", "14:30:00", "18:00:00"),
    ],
)
def test_T12_four_hours_start_at_the_open_and_are_cut_at_the_close(day: str, time: str, start: str, end: str) -> None:
    p = player()
    p.trade(time, 10, symbol=STOCK, day=day)
    p.trade("23:00:00", 10, symbol=STOCK, day=day)
    candle = p.candle("4h", start, day=day)
    assert candle.end_ms == at(end, day)


def test_T12_the_day_of_a_stock_starts_at_its_open() -> None:
    p = player()
    p.trade("13:45:00", 10, symbol=STOCK)
    p.trade("20:30:00", 10, symbol=STOCK)
    day = next(c for c in p.candles if c.timeframe == "1d")
    assert (day.ts_ms, day.end_ms) == (1741613400000, at("20:00:00"))


def test_T12_the_first_hour_is_named_by_the_clock_and_holds_half_an_hour() -> None:
    p = player(sessions=("regular", "extended"))
    for time, value in (("13:29:59", 9.0), ("13:30:00", 10.0), ("13:59:59", 11.0), ("14:00:00", 12.0)):
        p.trade(time, value, symbol=STOCK)
    assert (p.candle("1h", "13:00:00").open, p.candle("1h", "13:00:00").trades) == (10, 2)
    assert (p.candle("1h", "13:00:00", "extended").open, p.candle("1h", "13:00:00", "extended").trades) == (9, 3)


def test_T12_days_of_a_24_7_symbol_are_utc_and_it_has_one_session() -> None:
    p = player(sessions=("regular", "extended"))
    p.trade("23:59:59", 10)
    p.trade("00:00:00", 11, day="2025-03-11")
    assert {c.timeframe for c in p.candles} == {"1m", "5m", "15m", "1h", "4h", "1d"}
    assert {c.session for c in p.candles} == {"regular"}
    assert p.candle("4h", "20:00:00").close == 10


def test_T12_extended_hours_are_kept_apart() -> None:
    p = player(sessions=("regular", "extended"))
    p.trade("12:00:00", 9, symbol=STOCK)
    p.trade("13:30:00", 10, symbol=STOCK)
    p.trade("13:31:00", 11, symbol=STOCK)
    assert [c.ts_ms for c in p.candles if c.session == "regular" and c.timeframe == "1m"] == [at("13:30:00")]
    assert p.candle("1m", "12:00:00", "extended").close == 9


def test_T12_a_trade_outside_the_session_closes_its_candles() -> None:
    p = player()
    p.trade("19:59:59", 10, symbol=STOCK)
    p.trade("20:05:00", 99, symbol=STOCK)
    assert {c.timeframe for c in p.candles} == {"1m", "5m", "15m", "1h", "4h", "1d"}
    assert p.candle("1d", "13:30:00").close == 10
    assert p.engine.counters()["outside"] == 1


def test_T13_a_mark_closes_after_the_grace_and_not_before() -> None:
    p = player(is_offline=False)
    p.trade("10:00:30", 10)
    p.mark("10:01:01.999")
    assert p.candles == []
    p.mark("10:01:02")
    assert p.candle("1m", "10:00:00").close == 10


def test_T13_a_closed_candle_never_changes() -> None:
    p = player()
    p.prints(("10:00:30", 10), ("10:01:00", 11), ("10:00:59", 99))
    assert len([c for c in p.candles if c.timeframe == "1m"]) == 1
    assert p.candle("1m", "10:00:00").high == 10
    p.trade("10:05:00", 11)
    assert p.candle("5m", "10:00:00").high == 11


def test_T14_late_trade_never_fires_and_touches_nothing() -> None:
    p = player(trigger(price(">", 100, fire="every_edge")))
    p.prints(("10:00:30", 99), ("10:01:00", 99), ("10:00:59.999", 101))
    assert p.firings == []
    assert p.engine.counters()["late"] == 1
    assert p.engine.market([SYMBOL])[0].price == 99


def test_T14_lateness_counts_an_empty_minute_closed_by_a_mark() -> None:
    p = player(is_offline=False)
    p.trade("10:00:30", 10)
    p.mark("10:03:02")
    p.trade("10:02:59", 11)
    assert p.engine.counters()["late"] == 1
    p.trade("10:03:00", 11)
    assert p.engine.counters()["late"] == 1


def test_T14_out_of_order_inside_the_minute_is_put_in_its_place() -> None:
    p = player().prints(("10:00:05.100", 10.00), ("10:00:05.050", 10.20))
    assert p.engine.market([SYMBOL])[0].price == 10.00
    p.trade("10:01:00", 10)
    candle = p.candle("1m", "10:00:00")
    assert (candle.open, candle.high, candle.low, candle.close) == (10.20, 10.20, 10.00, 10.00)


def test_T14_of_equal_times_the_first_opens_and_the_last_closes() -> None:
    p = player().prints(("10:00:05", 10), ("10:00:05", 11), ("10:00:05", 12), ("10:01:00", 10))
    assert (p.candle("1m", "10:00:00").open, p.candle("1m", "10:00:00").close) == (10, 12)


def test_T15_volume_only_moves_no_price_and_fires_no_price_trigger() -> None:
    p = player(trigger(price(">", 100)))
    p.trade("10:00:01", 99)
    p.trade("10:00:02", 150, 3, flags=COUNTS_VOLUME)
    assert p.firings == []
    p.trade("10:01:00", 99)
    candle = p.candle("1m", "10:00:00")
    assert (candle.high, candle.close, candle.volume, candle.trades) == (99, 99, 4, 2)


def test_T15_last_and_high_low_are_separate() -> None:
    p = player()
    p.trade("10:00:01", 10, flags=SETS_LAST | COUNTS_VOLUME)
    p.trade("10:00:02", 12, flags=SETS_HIGH_LOW)
    p.trade("10:00:03", 9, flags=SETS_LAST)
    p.trade("10:01:00", 10)
    candle = p.candle("1m", "10:00:00")
    assert (candle.open, candle.high, candle.low, candle.close, candle.volume) == (10, 12, 9, 9, 1)


def test_T17_no_candle_without_a_price_setting_trade() -> None:
    p = player(
        trigger({"conditions": [{"operand": "volume", "operator": ">", "value": 1}]}, agent_type="technical_trigger")
    )
    p.trade("10:00:01", 10, 5, flags=COUNTS_VOLUME)
    p.trade("10:01:01", 10, 5, flags=COUNTS_VOLUME)
    assert p.candles == []
    assert p.engine.trigger_states()[0].value is None
    p.trade("10:01:02", 11, 1)
    p.trade("10:02:00", 11, 1)
    assert [c.ts_ms for c in p.candles] == [at("10:01:00")]
    assert (p.candles[0].volume, p.candles[0].open, p.candles[0].trades) == (6, 11, 2)


def test_T17_nothing_is_filled_in() -> None:
    p = player().prints(("10:00:01", 10), ("10:01:01", 10), ("10:05:01", 10), ("10:06:00", 10))
    assert [c.ts_ms for c in p.candles if c.timeframe == "1m"] == [at("10:00:00"), at("10:01:00"), at("10:05:00")]


def test_T17_the_candle_of_the_first_live_trade_is_partial_and_excluded_from_indicators() -> None:
    p = player(is_offline=False)
    p.engine.watch([("SMA_2", "1m")])
    p.prints(("10:00:30", 10), ("10:01:00", 20), ("10:02:00", 30), ("10:03:00", 40))
    assert [c.partial for c in p.candles if c.timeframe == "1m"] == [True, False, False]
    values = [c.values["SMA_2"] for c in p.candles if c.timeframe == "1m"]
    assert math.isnan(values[0])
    assert math.isnan(values[1])
    assert values[2] == 25


def test_T17_fields_of_a_partial_candle_are_unknown_but_price_and_close() -> None:
    leaves = [
        {"operand": "high", "operator": ">", "value": 1},
        {"operand": "close", "operator": ">", "value": 1},
    ]
    p = player(trigger({"all": leaves}, agent_type="technical_trigger"), is_offline=False)
    p.trade("10:00:30", 10)
    assert p.engine.trigger_states()[0].value is None
    p.trade("10:01:00", 10)
    assert p.engine.trigger_states()[0].value is True


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -1.0])
def test_a_price_that_is_no_price_is_counted_and_changes_nothing(value: float) -> None:
    p = player()
    p.trade("10:00:01", 10)
    p.trade("10:00:02", value)
    p.trade("10:00:03", 10, math.nan)
    p.trade(-5, 10)
    p.trade(1 << 60, 10)
    counted = {what: n for what, n in p.engine.counters().items() if n}
    assert counted == {"applied": 1, "bad_price": 1, "bad_size": 1, "bad_time": 2}
    assert p.engine.market([SYMBOL])[0].price == 10


def test_market_shows_the_forming_candles_of_every_timeframe() -> None:
    p = player().prints(("10:00:01", 10), ("10:01:01", 12), ("10:02:02", 11))
    snapshot = p.engine.market([SYMBOL])[0]
    five = snapshot.candles["5m"]
    assert (five.open, five.high, five.low, five.close, five.volume, five.trades) == (10, 12, 10, 11, 3, 3)
    assert snapshot.candles["1m"].open == 11
    assert snapshot.ts_ms == at("10:02:02")


def test_market_after_a_close_by_time_shows_the_candles_as_they_stand() -> None:
    p = player(is_offline=False)
    p.prints(("10:00:01", 10), ("10:01:01", 12))
    p.mark("10:02:02")
    snapshot = p.engine.market([SYMBOL])[0]
    assert (snapshot.candles["1m"].close, snapshot.candles["1m"].trades) == (12, 1)
    assert (snapshot.candles["5m"].high, snapshot.candles["5m"].trades) == (12, 2)
