from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.errors import ConfigError
from ingest.simulator.clock import PlayerTime
from ingest.simulator.listing import MINUTE, listings
from ingest.simulator.market import RecordedMarket, SyntheticMarket
from ingest.simulator.tape import SyntheticTape

FRIDAY = 1763737200000 // MINUTE * MINUTE  # 2025-11-21 15:00Z
BTC, AAPL = "BINANCE:BTCUSDT", "AAPL"


def test_there_are_sixty_shares_and_six_coins() -> None:
    coins = [one for one in listings().values() if one.is_coin]
    assert (len(listings()), len(coins)) == (66, 6)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([BTC, AAPL]), st.integers(0, 50), st.integers(1, 10))
def test_the_same_minutes_have_the_same_prints_whoever_asks(symbol: str, first: int, count: int) -> None:
    tape, listing = SyntheticTape(seed=7), listings()[symbol]
    start = FRIDAY + first * MINUTE
    whole = tape.prints(listing, FRIDAY, FRIDAY + 70 * MINUTE).between(start, start + count * MINUTE)
    part = SyntheticTape(seed=7).prints(listing, start, start + count * MINUTE)
    for column in ("ts_ms", "price", "size", "codes"):
        np.testing.assert_array_equal(getattr(whole, column), getattr(part, column))


def test_another_seed_is_another_tape() -> None:
    one, other = (SyntheticTape(seed=s).prints(listings()[BTC], FRIDAY, FRIDAY + MINUTE) for s in (1, 2))
    assert len(one) != len(other) or not np.array_equal(one.price, other.price)


def test_candles_of_rest_are_those_of_the_tape() -> None:
    market = SyntheticMarket(seed=1)
    prints = market.prints(BTC, FRIDAY, FRIDAY + 5 * MINUTE)
    candles = market.candles(BTC, 300, FRIDAY, FRIDAY + 5 * MINUTE)
    assert candles["t"] == [FRIDAY // 1000]
    assert (candles["o"][0], candles["c"][0]) == (prints.price[0], prints.price[-1])
    assert (candles["h"][0], candles["l"][0]) == (prints.price.max(), prints.price.min())
    assert candles["v"][0] == pytest.approx(prints.size.sum(), rel=1e-12)


def test_shares_trade_in_their_hours_only_and_less_before_the_open() -> None:
    market = SyntheticMarket(seed=1)
    saturday = FRIDAY + 24 * 3_600_000
    early = FRIDAY - 4 * 3_600_000  # 11:00Z, pre-market
    assert len(market.prints(AAPL, saturday, saturday + 60 * MINUTE)) == 0
    regular = len(market.prints(AAPL, FRIDAY, FRIDAY + 30 * MINUTE))
    assert 0 < len(market.prints(AAPL, early, early + 30 * MINUTE)) < regular / 4


def test_prints_are_in_order_and_priced_on_the_tick() -> None:
    prints = SyntheticMarket(seed=1).prints(AAPL, FRIDAY, FRIDAY + 60 * MINUTE)
    assert (np.diff(prints.ts_ms) >= 0).all()
    assert np.allclose(np.round(prints.price * 100), prints.price * 100)
    assert (prints.size >= 1).all()


def test_the_clock_goes_on_where_it_stood_after_a_clean_stop(tmp_path: Path) -> None:
    clock, state = ManualClock(), tmp_path / "clock.json"
    fast = PlayerTime(clock, speed=20, state=state)
    clock.advance(60_000)
    was = fast.now_ms()
    fast.close()
    again = PlayerTime(clock, speed=1, state=state)
    assert again.now_ms() == was + 1
    clock.advance(1_000)
    assert again.now_ms() == was + 1_001


def test_a_held_clock_stands_still_and_goes_on_from_there() -> None:
    clock = ManualClock()
    held = PlayerTime(clock, speed=20, state=None, start_ms=FRIDAY)
    held.hold()
    clock.advance(60_000)
    assert held.now_ms() == FRIDAY
    held.release()
    clock.advance(1_000)
    assert held.now_ms() == FRIDAY + 20_000


def test_the_clock_of_a_killed_player_never_goes_back(tmp_path: Path) -> None:
    clock, state = ManualClock(), tmp_path / "clock.json"
    fast = PlayerTime(clock, speed=20, state=state)
    fast.keep()
    # Killed just before it wrote its time down the next time.
    clock.advance(1_900)
    was = fast.now_ms()
    assert PlayerTime(clock, speed=20, state=state).now_ms() > was


def test_a_recording_is_moved_to_now_and_plays_by_time(tmp_path: Path) -> None:
    import polars as pl

    file = tmp_path / "trades.parquet"
    pl.DataFrame({"symbol": ["A", "B", "A"], "ts_ms": [200, 150, 100], "price": [2.0, 9.0, 1.0], "size": [1, 1, 1]}
    ).write_parquet(file)  # fmt: skip
    market = RecordedMarket(file, offset_ms=1_000)
    assert market.first_ms == 100
    found = market.prints("A", 1_100, 1_201)
    assert (found.ts_ms.tolist(), found.price.tolist()) == ([1_100, 1_200], [1.0, 2.0])


def test_a_file_that_is_no_recording_is_refused_with_what_would_be_right(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    file.write_text("nonsense")
    with pytest.raises(ConfigError, match="columns symbol, ts_ms, price, size"):
        RecordedMarket(file)
