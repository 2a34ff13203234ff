"""The REST side's candles are judged by the engine that hears the same prints."""

from __future__ import annotations

import pytest

from engine.sessions import Calendars
from ingest.frames import Print
from ingest.normaliser import Normaliser, Row
from ingest.simulator.candles import Candles
from ingest.simulator.listing import HOUR, MINUTE
from ingest.simulator.market import SyntheticMarket
from ingest.simulator.tape import CODES
from tests.unit.engine.tape import player, trades

OPENS = 1763735400000  # 2025-11-21 14:30Z, a Friday


def as_heard(market: SyntheticMarket, symbol: str, from_ms: int, to_ms: int, timeframe: str) -> list[tuple[float, ...]]:
    """Return the candles that a client makes of the stream, through our own reading of its prints."""
    normaliser, listener = Normaliser(Calendars()), player()
    found = market.prints(symbol, from_ms, to_ms)
    rows: list[tuple[str, int, float, float, int, int]] = []
    for at in range(len(found)):
        codes = CODES[int(found.codes[at])]
        heard = Print(
            symbol,
            float(found.price[at]),
            int(found.ts_ms[at]),
            float(found.size[at]),
            None if codes is None else list(codes),
        )
        row = normaliser.row(heard, recv_ms=0, feed_ms=to_ms)
        assert isinstance(row, Row)
        rows.append((row.symbol, row.ts_ms, row.price, row.size, row.flags, row.codes))
    output = listener.engine.on_trades(trades(listener.engine, rows))
    return [
        (c.ts_ms // 1000, c.open, c.high, c.low, c.close, round(c.volume, 6))
        for c in output.candles
        if c.timeframe == timeframe
    ]


def as_answered(candles: Candles) -> list[tuple[float, ...]]:
    return list(zip(*(candles[k] for k in "tohlc"), [round(v, 6) for v in candles["v"]], strict=True))


@pytest.mark.parametrize("symbol", ["AAPL", "SOFI", "BINANCE:BTCUSDT"])
@pytest.mark.parametrize(("timeframe", "minutes"), [("1m", 1), ("5m", 5)])
def test_candles_of_rest_are_those_a_listener_of_the_stream_makes(symbol: str, timeframe: str, minutes: int) -> None:
    market = SyntheticMarket(seed=1)
    to_ms = OPENS + 30 * MINUTE
    heard = as_heard(market, symbol, OPENS, to_ms + MINUTE, timeframe)
    answered = as_answered(market.candles(symbol, minutes * 60, OPENS, to_ms))
    assert len(answered) > 20 / minutes
    assert heard == answered


def test_the_latest_half_hours_are_those_of_the_tape_too() -> None:
    market = SyntheticMarket(seed=1)
    short = market.candles("AAPL", 900, OPENS, OPENS + HOUR)
    long = market.candles("AAPL", 1800, OPENS - 300 * HOUR, OPENS + HOUR)
    assert long["o"][-2:] == [short["o"][0], short["o"][2]]
    assert long["h"][-2:] == [max(short["h"][:2]), max(short["h"][2:])]
    assert long["t"] == sorted(set(long["t"]))


def test_the_forming_candle_knows_nothing_of_what_comes() -> None:
    market, now = SyntheticMarket(seed=1), OPENS + 90_500
    forming = market.candles("BINANCE:BTCUSDT", 60, now - HOUR, now, now_ms=now)
    seen = market.prints("BINANCE:BTCUSDT", OPENS + MINUTE, now)
    assert forming["c"][-1] == seen.price[-1]
    assert forming["v"][-1] == pytest.approx(seen.size.sum())
    later = market.candles("BINANCE:BTCUSDT", 60, now - HOUR, now)
    assert later["v"][-1] > forming["v"][-1]
