"""Session and candle bounds, by the examples of SEMANTICS T11-T13."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime

import numpy as np
import pytest

from engine.condition import TIMEFRAMES, Timeframe
from engine.sessions import ALWAYS, TIMEFRAME_MS, Calendars, is_calendar, parse_prefixes, resolve_calendar

CALENDARS = Calendars()


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def spans(*pairs: tuple[str, str]) -> list[list[int]]:
    return [[ms(start), ms(end)] for start, end in pairs]


def day_of(text: str) -> tuple[int, int]:
    start = ms(f"{text}T00:00:00Z")
    return start, start + 86_400_000


def test_T12_4h_candles_start_at_the_open_and_are_cut_at_the_close() -> None:
    winter = CALENDARS.intervals("AAPL", "regular", "4h", *day_of("2025-03-07"))
    assert winter.tolist() == spans(
        ("2025-03-07T14:30Z", "2025-03-07T18:30Z"), ("2025-03-07T18:30Z", "2025-03-07T21:00Z")
    )
    summer = CALENDARS.intervals("AAPL", "regular", "4h", *day_of("2025-03-10"))
    assert summer.tolist() == spans(
        ("2025-03-10T13:30Z", "2025-03-10T17:30Z"), ("2025-03-10T17:30Z", "2025-03-10T20:00Z")
    )


def test_T12_a_half_day_has_one_short_4h_candle() -> None:
    half_day = CALENDARS.intervals("AAPL", "regular", "4h", *day_of("2025-11-28"))
    assert half_day.tolist() == spans(("2025-11-28T14:30Z", "2025-11-28T18:00Z"))


def test_T12_the_day_of_2025_03_10_is_named_by_its_open() -> None:
    assert CALENDARS.interval_at("AAPL", "regular", "1d", ms("2025-03-10T15:00Z")) == (
        1741613400000,
        ms("2025-03-10T20:00Z"),
    )


def test_T12_the_first_regular_1h_candle_is_named_before_the_open() -> None:
    found = CALENDARS.interval_at("AAPL", "regular", "1h", ms("2025-03-10T13:45Z"))
    assert found == (ms("2025-03-10T13:00Z"), ms("2025-03-10T14:00Z"))
    assert CALENDARS.interval_at("AAPL", "regular", "1h", ms("2025-03-10T13:29:59Z")) is None


def test_T12_extended_hours_are_four_to_eight_and_to_five_on_early_closes() -> None:
    assert CALENDARS.bounds("AAPL", "extended", *day_of("2025-03-10")).tolist()[-1:] == spans(
        ("2025-03-10T04:00-04:00", "2025-03-10T20:00-04:00")
    )
    assert CALENDARS.bounds("AAPL", "extended", *day_of("2025-11-28")).tolist() == [
        *spans(("2025-11-28T04:00-05:00", "2025-11-28T17:00-05:00"))
    ]
    first_4h = CALENDARS.intervals("AAPL", "extended", "4h", *day_of("2025-11-28"))
    assert first_4h.tolist()[0] == spans(("2025-11-28T04:00-05:00", "2025-11-28T08:00-05:00"))[0]


def test_T12_elsewhere_extended_is_regular() -> None:
    day = day_of("2025-03-10")
    assert np.array_equal(CALENDARS.bounds("LSE:VOD", "extended", *day), CALENDARS.bounds("LSE:VOD", "regular", *day))


def test_T13_the_last_1h_candle_of_london_ends_at_the_close() -> None:
    found = CALENDARS.interval_at("LSE:VOD", "regular", "1h", ms("2025-03-10T16:10Z"))
    assert found == (ms("2025-03-10T16:00Z"), ms("2025-03-10T16:30Z"))


def test_T12_a_symbol_without_a_calendar_uses_utc_days() -> None:
    assert CALENDARS.calendar_of("BINANCE:BTCUSDT") == ALWAYS
    for session in ("regular", "extended"):
        assert CALENDARS.bounds("BINANCE:BTCUSDT", session, *day_of("2025-03-09")).tolist() == spans(
            ("2025-03-09T00:00Z", "2025-03-10T00:00Z")
        )
    four_hours = CALENDARS.intervals("BINANCE:BTCUSDT", "regular", "4h", *day_of("2025-03-09"))
    assert [start % 14_400_000 for start in four_hours[:, 0].tolist()] == [0] * 6


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("symbol", ["AAPL", "ASX:BHP", "LSE:VOD", "BINANCE:BTCUSDT"])
def test_candles_of_a_session_follow_one_another_and_fill_it(symbol: str, timeframe: Timeframe) -> None:
    for session in ("regular", "extended"):
        for opens, closes in CALENDARS.bounds(symbol, session, *day_of("2025-11-28")).tolist():
            candles = CALENDARS.intervals(symbol, session, timeframe, opens, closes)
            assert candles[0, 0] <= opens < candles[0, 1]
            assert candles[-1, 1] == closes
            assert np.array_equal(candles[1:, 0], candles[:-1, 1])
            assert (candles[:, 1] - candles[:, 0] <= TIMEFRAME_MS[timeframe]).all()


def test_a_closed_day_has_no_session_and_no_candle() -> None:
    christmas = day_of("2025-12-25")
    assert len(CALENDARS.bounds("AAPL", "regular", *christmas)) == 0
    assert len(CALENDARS.intervals("AAPL", "regular", "5m", *christmas)) == 0
    assert not CALENDARS.table("XNYS").has_day(date(2025, 12, 25))


def test_a_moment_belongs_to_the_session_that_it_opens_and_not_to_the_one_it_closes() -> None:
    table = CALENDARS.table("XNYS")
    opens = ms("2025-03-10T13:30Z")
    assert table.index_at(opens) == table.index_at(opens + 1) >= 0
    assert table.index_at(opens - 1) == -1
    assert table.index_at(ms("2025-03-10T20:00Z")) == -1


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        CALENDARS.table("XNYS").opens_ms[0] = 0


def test_an_unknown_calendar_is_named() -> None:
    assert is_calendar("XNYS")
    assert is_calendar("XLON")
    assert not is_calendar("MOON")
    with pytest.raises(ValueError, match="'MOON'"):
        CALENDARS.table("MOON")
    with pytest.raises(ValueError, match="24/7"):
        CALENDARS.table(ALWAYS)


def test_us_is_the_new_york_exchange() -> None:
    assert resolve_calendar("US") == "XNYS"
    assert Calendars({"TSX": "XTSE"}).calendar_of("TSX:SHOP") == "XTSE"


def test_prefixes_are_read_from_text() -> None:
    assert parse_prefixes("ASX=XASX, LSE=XLON") == {"ASX": "XASX", "LSE": "XLON"}
    with pytest.raises(ValueError, match="'ASX'"):
        parse_prefixes("ASX")


def test_a_symbol_that_never_closes_does_not_load_exchange_calendars() -> None:
    code = (
        "import sys; from engine.sessions import Calendars;"
        "Calendars().intervals('BINANCE:BTCUSDT', 'regular', '1d', 0, 86_400_000);"
        "assert 'exchange_calendars' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
