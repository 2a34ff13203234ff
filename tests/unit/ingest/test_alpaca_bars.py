"""Alpaca's own client against recorded bodies and their like: pages, limits, refusals."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from core.clock import ManualClock
from core.errors import NotAllowed, Unavailable
from core.settings import Settings
from engine.sessions import Calendars
from ingest.alpaca_bars import AlpacaBars
from ingest.history import ASKS, Ask, Window, window
from tests.kit.alpaca_data import KEY, SECRET, AlpacaData, Bars, alpaca_data, bar
from tests.kit.data import data_file

MINUTE = 60_000
NOON = 1_741_622_400_000
"""2025-03-10 12:00 New York, a Monday."""
MINUTES, DAYS = ASKS[0], ASKS[-1]


def minutes(_symbol: str, _timeframe: str, start: int, end: int) -> Bars:
    return [bar(ts, 100.0) for ts in range(-(-start // MINUTE) * MINUTE, end, MINUTE)]


def source(server: AlpacaData, clock: ManualClock, *, key: str = KEY) -> AlpacaBars:
    settings = Settings(
        alpaca_data_key=SecretStr(key), alpaca_data_secret=SecretStr(SECRET), alpaca_data_url=server.url
    )
    return AlpacaBars(settings, clock, Calendars())


def wanted(ask: Ask = MINUTES, *, now_ms: int = NOON, since_ms: int = 0) -> Window:
    return window(Calendars(), "AAPL", ask, now_ms=now_ms, since_ms=since_ms)


def test_pages_are_followed_and_candles_outside_the_session_fall_out() -> None:
    with alpaca_data(minutes) as server:
        server.page = 1000
        (found,) = source(server, ManualClock()).candles(wanted(since_ms=NOON - 150 * MINUTE))
    # 150 minutes before noon are 09:30, the open.
    assert found.ts_ms == [NOON - k * MINUTE for k in range(150, 0, -1)]
    assert (found.source, found.trades[0], found.vwap[0]) == ("alpaca:iex", 7, 100.0)
    assert len(server.asked) > 1
    assert all("feed=iex" in path for path in server.asked)


def test_the_key_is_never_in_an_address() -> None:
    with alpaca_data(minutes) as server:
        source(server, ManualClock()).candles(wanted())
    assert not any(secret in path for path in server.asked for secret in (KEY, SECRET))


def test_recorded_daily_bars_go_to_the_session_of_their_date() -> None:
    lines = data_file("fixtures/alpaca/alpaca-py_json.jsonl").read_text().splitlines()
    stocks = [r for r in map(json.loads, lines) if r["file"].endswith("test_historical_stock_data.py")]
    recorded: Bars = next(r for r in stocks if r["case"] == "test_get_bars")["body"]["bars"]["AAPL"]

    def days(_symbol: str, _timeframe: str, _start: int, _end: int) -> Bars:
        return recorded

    with alpaca_data(days) as server:
        (found,) = source(server, ManualClock()).candles(wanted(DAYS, now_ms=1_643_990_400_000))
    assert found.open == [one["o"] for one in recorded]
    assert found.vwap == [one["vw"] for one in recorded]
    assert found.trades == [one["n"] for one in recorded]
    # 2022-02-01 and the day after, 09:30 New York.
    assert found.ts_ms == [1_643_725_800_000, 1_643_812_200_000]


def test_too_many_calls_makes_everybody_wait_longer_each_time() -> None:
    clock = ManualClock()
    with alpaca_data(minutes) as server:
        bars = source(server, clock)
        server.answers += [(429, {"message": "too many requests."})] * 2
        waits: list[float] = []
        for _ in range(2):
            assert bars.turn() == 0
            with pytest.raises(Unavailable, match="429"):
                bars.candles(wanted())
            waits.append(bars.turn())
            clock.advance(int(waits[-1] * 1000) + 1)
        assert 0 < waits[0] < waits[1]
        assert bars.turn() == 0
        assert bars.candles(wanted())
        # One request each: the client's own retries, which sleep, are off.
        assert len(server.asked) == 3


def test_a_refused_key_is_asked_once() -> None:
    with alpaca_data(minutes) as server:
        bars = source(server, ManualClock(), key="PKWRONG")
        for _ in range(2):
            with pytest.raises(NotAllowed, match="forbidden") as refusal:
                bars.candles(wanted())
            assert "PKWRONG" not in str(refusal.value)
        assert len(server.asked) == 1


def test_an_unknown_symbol_is_no_refusal_of_the_key() -> None:
    with alpaca_data(minutes) as server:
        bars = source(server, ManualClock())
        server.answers.append((400, {"message": "invalid symbol: AAPL"}))
        with pytest.raises(NotAllowed, match="invalid symbol"):
            bars.candles(wanted())
        assert bars.candles(wanted())


def test_a_server_that_is_away_is_unavailable() -> None:
    with alpaca_data(minutes) as server:
        bars = source(server, ManualClock())
    with pytest.raises(Unavailable, match="Connection"):
        bars.candles(wanted())


def test_only_stocks_of_the_united_states_are_covered() -> None:
    with alpaca_data(minutes) as server:
        bars = source(server, ManualClock())
    assert [bars.covers(s) for s in ("AAPL", "BINANCE:BTCUSDT")] == [True, False]
