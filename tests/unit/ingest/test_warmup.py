"""The order of the sources of history, and what is said where one is missing (T22)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from core.clock import ManualClock
from core.errors import NotAllowed, Unavailable
from core.wire.trades import History
from engine.sessions import Calendars
from ingest.history import ASKS, Window
from ingest.warmup import NoBroker, Warmth, WarmUp

MINUTE = 60_000
NOON = 1_741_622_400_000
"""2025-03-10 12:00 New York, a Monday."""


@dataclass
class Source:
    """Has candles that began so many minutes before noon."""

    title: str
    has: list[int] = field(default_factory=list[int])
    knows_now: bool = True
    trouble: Exception | None = None
    asked: list[Window] = field(default_factory=list[Window])

    def covers(self, symbol: str) -> bool:
        return symbol == "AAPL"

    def turn(self) -> float:
        return 0.0

    def candles(self, wanted: Window) -> list[History]:
        self.asked.append(wanted)
        if self.trouble:
            raise self.trouble
        starts = [NOON - k * MINUTE for k in sorted(self.has, reverse=True)]
        ones = [1.0] * len(starts)
        return [History(
            symbol="AAPL", session="regular", timeframe="1m", source=self.title, ts_ms=starts, open=ones, high=ones,
            low=ones, close=ones, volume=ones, vwap=ones, trades=[1] * len(starts),
        )]  # fmt: skip


def fetch(*sources: Source | NoBroker, symbol: str = "AAPL") -> Warmth:
    warmup = WarmUp(sources, Calendars(), ManualClock())
    since_ms = NOON - 10 * MINUTE
    return asyncio.run(warmup.fetch(symbol, ASKS[0], NOON, session="regular", since_ms=since_ms))


def shape(found: Warmth) -> list[tuple[str, list[int]]]:
    return [(p.source, [(NOON - ts) // MINUTE for ts in p.ts_ms]) for p in found.parts]


def test_T22_own_history_then_broker_then_feed_each_from_where_something_is_lacking() -> None:
    own = Source("own", [10, 9, 8], knows_now=False)
    broker = Source("broker", [10, 9, 8, 7, 6])
    feed = Source("feed", [6, 5, 4])
    found = fetch(own, broker, feed)
    assert shape(found) == [("own", [10, 9, 8]), ("broker", [7, 6]), ("feed", [5, 4])]
    assert broker.asked[0].from_ms == NOON - 7 * MINUTE
    assert feed.asked[0].from_ms == NOON - 5 * MINUTE
    assert found.lacks == []
    assert all(p.is_whole for p in found.parts)


def test_where_nothing_is_lacking_nobody_else_is_asked() -> None:
    own, broker = Source("own", list(range(1, 12)), knows_now=False), Source("broker")
    found = fetch(own, broker)
    assert broker.asked == []
    assert found.parts[0].is_whole


def test_T22_without_a_source_that_reaches_to_now_it_is_said_what_is_missing() -> None:
    own = Source("own history", [10, 9], knows_now=False)
    feed = Source("the feed's candles", trouble=NotAllowed("403"))
    found = fetch(own, NoBroker(Calendars()), feed)
    assert found.lacks == ["broker bars: no key is set (TAPEWATCH_ALPACA_DATA_KEY)", "the feed's candles: 403"]
    assert not found.is_worth_more
    # What lies between the last own candle and now is not known: nothing may pass for complete by it.
    assert [p.is_whole for p in found.parts] == [False]


def test_a_source_after_one_that_is_away_is_asked_and_named() -> None:
    found = fetch(Source("own", trouble=Unavailable("away"), knows_now=False), Source("feed", [2, 1]))
    assert shape(found) == [("feed", [2, 1])]
    assert found.lacks == []


def test_a_source_that_is_away_is_worth_asking_again() -> None:
    found = fetch(Source("the feed's candles", trouble=Unavailable("away")))
    assert (found.lacks, found.is_worth_more) == (["the feed's candles: away"], True)


def test_a_source_that_does_not_cover_the_symbol_is_not_asked() -> None:
    source = Source("broker")
    fetch(source, symbol="MSFT")
    assert source.asked == []
