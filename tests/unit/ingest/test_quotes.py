"""T20: a quote that moves for five minutes while the stream of its symbol says nothing."""

from __future__ import annotations

from core.clock import ManualClock
from ingest.quotes import QuoteWatch


def ask_every_minute(watch: QuoteWatch, clock: ManualClock, prices: list[float], symbol: str = "F") -> None:
    for price in prices:
        watch.silent([symbol])
        assert watch.due() == symbol
        watch.take(symbol, price)
        clock.advance(60_000)


def test_a_silent_symbol_is_stale_when_its_quote_has_moved_for_five_minutes() -> None:
    clock = ManualClock()
    watch = QuoteWatch(clock)
    ask_every_minute(watch, clock, [10.0, 10.1, 10.2, 10.3, 10.4, 10.5])
    assert not watch.stale
    ask_every_minute(watch, clock, [10.6])
    assert watch.stale == {"F"}


def test_a_quote_that_stands_still_proves_nothing() -> None:
    clock = ManualClock()
    watch = QuoteWatch(clock)
    ask_every_minute(watch, clock, [10.0, 10.1, *[10.1] * 20])
    assert not watch.stale


def test_no_quote_at_all_proves_nothing() -> None:
    clock = ManualClock()
    watch = QuoteWatch(clock)
    ask_every_minute(watch, clock, [0.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert not watch.stale


def test_one_trade_makes_it_well_again() -> None:
    clock = ManualClock()
    watch = QuoteWatch(clock)
    ask_every_minute(watch, clock, [10.0 + n for n in range(8)])
    watch.silent([])
    assert not watch.stale
    assert watch.due() is None


def test_each_silent_symbol_is_asked_about_once_a_minute_the_longest_unasked_first() -> None:
    clock = ManualClock()
    watch = QuoteWatch(clock)
    watch.silent(["A", "B"])
    for symbol in ("A", "B"):
        assert watch.due() == symbol
        watch.take(symbol, 1.0)
        clock.advance(1_000)
    assert watch.due() is None
    clock.advance(58_000)
    assert watch.due() == "A"


def test_an_answer_that_comes_after_the_symbol_has_spoken_is_forgotten() -> None:
    watch = QuoteWatch(ManualClock())
    watch.take("A", 1.0)
    assert watch.due() is None
