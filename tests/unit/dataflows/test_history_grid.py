"""Candles of files begin and end where ours do; what cannot is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from dataflows.history_grid import OFF_GRID, REPEATED, Fitted, fit
from engine.condition import Session
from engine.sessions import Calendars

OUTSIDE = "outside the sessions of XNYS"
NEW_YORK = ZoneInfo("America/New_York")


def ny(day: int, hour: int, minute: int = 0) -> int:
    """A moment of October 2013, when New York is four hours behind UTC."""
    return int(datetime(2013, 10, day, hour, minute, tzinfo=NEW_YORK).timestamp() * 1000)


def fitted(*candles: tuple[str, str, int], session: Session = "regular") -> Fitted:
    columns = ("symbol", "timeframe", "ts_ms")
    table = pl.DataFrame(candles, schema=columns, orient="row").with_columns(
        pl.int_range(pl.len()).cast(pl.Float64).alias("close")
    )
    return fit(table, Calendars(), session)


def spans(found: Fitted) -> list[tuple[int, int]]:
    return list(found.table.select("ts_ms", "end_ms").iter_rows())


def test_minutes_outside_the_session_are_left_out_and_counted() -> None:
    found = fitted(*(("SPY", "1m", ny(7, hour, minute)) for hour, minute in ((9, 29), (9, 30), (15, 59), (16, 0))))
    assert spans(found) == [(ny(7, 9, 30), ny(7, 9, 31)), (ny(7, 15, 59), ny(7, 16))]
    assert found.skipped == {OUTSIDE: 2}
    everything = fitted(*(("SPY", "1m", ny(7, hour)) for hour in (4, 9, 19, 20)), session="extended")
    assert [start for start, _ in spans(everything)] == [ny(7, 4), ny(7, 9), ny(7, 19)]


def test_a_daily_candle_gets_the_open_and_close_of_its_session_wherever_its_midnight_was() -> None:
    utc = int(datetime(2013, 10, 8, tzinfo=UTC).timestamp() * 1000)
    found = fitted(("SPY", "1d", ny(7, 0)), ("SPY", "1d", utc), ("SPY", "1d", ny(9, 9, 30)), ("SPY", "1d", ny(12, 0)))
    assert spans(found) == [(ny(day, 9, 30), ny(day, 16)) for day in (7, 8, 9)]
    assert found.skipped == {OUTSIDE: 1}, "the 12th was a Saturday"


def test_hours_are_those_of_the_clock_and_longer_ones_begin_at_the_open() -> None:
    found = fitted(
        ("SPY", "1h", ny(7, 9, 30)), ("SPY", "1h", ny(7, 10)), ("SPY", "4h", ny(7, 9, 30)), ("SPY", "4h", ny(7, 12)),
        ("SPY", "4h", ny(7, 13, 30)),
    )  # fmt: skip
    assert spans(found) == [
        (ny(7, 9, 30), ny(7, 13, 30)), (ny(7, 10), ny(7, 11)), (ny(7, 13, 30), ny(7, 16)),
    ]  # fmt: skip
    assert found.skipped == {OFF_GRID: 2}


def test_a_market_that_never_closes_has_days_of_utc() -> None:
    found = fitted(("BINANCE:BTCUSDT", "1d", 86_400_000 * 9), ("BINANCE:BTCUSDT", "1d", 86_400_000 * 9 + 5))
    assert spans(found) == [(86_400_000 * 9, 86_400_000 * 10)]
    assert found.skipped == {OFF_GRID: 1}


def test_of_equal_candles_the_last_one_of_the_file_stays() -> None:
    found = fitted(("SPY", "1m", ny(7, 10)), ("SPY", "1m", ny(7, 10)))
    assert found.table["close"].to_list() == [1.0]
    assert found.skipped == {REPEATED: 1}
