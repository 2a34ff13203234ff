"""The market as it is shown: forming candles that are candles, or none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.trades import ALL_FLAGS, COUNTS_VOLUME
from tests.unit.engine.tape import Player, at, player

MINUTES = ("10:00:01", "10:00:30", "10:01:10", "10:04:59", "10:05:01", "10:20:00", "11:00:00", "14:00:30")


def shown(p: Player) -> dict[str, tuple[int, float, float, float, float, float]]:
    (snapshot,) = p.engine.market()
    return {timeframe: (c.ts_ms, c.open, c.high, c.low, c.close, c.volume) for timeframe, c in snapshot.candles.items()}


def test_T17_before_a_trade_sets_a_price_there_is_no_candle_to_show() -> None:
    p = player()
    p.trade("10:00:01", 10, 5, flags=COUNTS_VOLUME)
    assert shown(p) == {}
    p.trade("10:00:02", 11, 1)
    assert shown(p)["1m"] == (at("10:00:00"), 11, 11, 11, 11, 6)
    assert shown(p)["1d"][1:] == (11, 11, 11, 11, 6)


@pytest.mark.parametrize("seconds", [0, 120])
def test_T17_a_minute_that_begins_with_volume_only_is_not_shown_and_the_longer_candle_is(seconds: int) -> None:
    p = player()
    p.trade("10:00:01", 10, 5)
    p.trade(f"10:0{1 + seconds // 60}:01", 12, 7, flags=COUNTS_VOLUME)
    found = shown(p)
    assert "1m" not in found
    assert found["5m"][:5] == (at("10:00:00"), 10, 10, 10, 10)


def test_T17_where_only_volume_came_since_a_longer_candle_closed_the_closed_one_is_shown() -> None:
    p = player()
    p.trade("10:00:01", 10, 5)
    p.trade("10:05:01", 12, 7, flags=COUNTS_VOLUME)
    found = shown(p)
    assert found["5m"] == (at("10:00:00"), 10, 10, 10, 10, 5)
    assert found["15m"][:5] == (at("10:00:00"), 10, 10, 10, 10)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 9), st.integers(1, ALL_FLAGS)), max_size=12))
def test_every_number_that_is_shown_is_a_number_and_the_range_holds_open_and_close(
    prints: list[tuple[int, int, int]],
) -> None:
    p = player()
    for minute, price, flags in sorted(prints, key=lambda trade: trade[0]):
        p.trade(MINUTES[minute], price, 1, flags=flags)
        for _, o, h, lo, c, volume in shown(p).values():
            assert all(math.isfinite(x) for x in (o, h, lo, c, volume))
            assert lo <= min(o, c) <= max(o, c) <= h
