"""T20: when silence is the market's and when it is the feed's."""

from __future__ import annotations

import pytest

from core.clock import ManualClock
from engine.sessions import Calendars
from ingest.hours import Hours
from ingest.liveness import Liveness

LIQUID = ("AAPL", "MSFT", "NVDA", "AMZN", "META")
OPENS = 1_741_613_400_000  # 2025-03-10 13:30Z, a Monday
CLOSES = OPENS + 390 * 60_000


class Stream:
    """A clock, the symbols of a connection, and what they say second by second."""

    def __init__(self, symbols: tuple[str, ...] = LIQUID, *, at_ms: int = OPENS + 3_600_000) -> None:
        self.clock = ManualClock(at_ms)
        self.symbols = symbols
        self.liveness = Liveness(self.clock, Hours(Calendars()))
        self.is_up = True

    def run(self, seconds: int, *, speaking: tuple[str, ...] = (), each: int = 1) -> bool:
        """Let so many seconds go by; return whether the connection was called mute at the end."""
        is_mute = False
        for _ in range(seconds):
            self.clock.advance(1_000)
            now = self.clock.now_ms()
            self.liveness.trades(dict.fromkeys(speaking, (each, now)), feed_ms=now)
            is_mute = self.liveness.look(self.symbols, self.symbols if self.is_up else (), feed_ms=now)
        return is_mute


def test_five_liquid_symbols_silent_for_ten_seconds_are_a_mute_feed() -> None:
    stream = Stream()
    stream.run(120, speaking=LIQUID)
    assert not stream.run(10)
    assert stream.run(1)
    assert stream.liveness.is_mute
    assert stream.liveness.mute_ms() == 11_000


def test_one_trade_of_any_symbol_ends_it() -> None:
    stream = Stream()
    stream.run(120, speaking=LIQUID)
    stream.run(11)
    stream.run(1, speaking=LIQUID[:1])
    assert not stream.liveness.is_mute
    assert stream.liveness.mute_ms() == 0


def test_four_liquid_symbols_prove_nothing() -> None:
    stream = Stream()
    stream.run(120, speaking=LIQUID[:4])
    assert not stream.run(60)


def test_symbols_that_trade_now_and_then_prove_nothing() -> None:
    stream = Stream()
    for _ in range(20):
        stream.run(1, speaking=LIQUID)
        stream.run(9)
    assert not stream.run(60)


def test_silence_after_the_close_is_the_markets() -> None:
    stream = Stream(at_ms=CLOSES - 120_000)
    stream.run(118, speaking=LIQUID)
    assert not stream.run(60)


def test_a_mute_feed_is_no_longer_called_so_once_the_market_has_closed() -> None:
    stream = Stream(at_ms=CLOSES - 120_000)
    stream.run(100, speaking=LIQUID)
    assert stream.run(15)
    stream.run(10)
    assert not stream.liveness.is_mute


def test_another_connection_has_ten_seconds_of_its_own_and_the_feed_stays_mute_until_it_speaks() -> None:
    stream = Stream()
    stream.run(120, speaking=LIQUID)
    stream.run(11)
    stream.is_up = False
    assert not stream.run(5)
    stream.liveness.connected()
    stream.is_up = True
    assert not stream.run(10)
    assert stream.liveness.is_mute
    assert stream.run(2)


def test_coins_never_close() -> None:
    coins = tuple(f"BINANCE:{c}USDT" for c in ("BTC", "ETH", "SOL", "BNB", "XRP"))
    stream = Stream(coins, at_ms=OPENS - 36 * 3_600_000)
    stream.run(120, speaking=coins)
    assert stream.run(11)


def test_a_symbol_is_quiet_after_a_minute_without_a_trade_and_before_its_first() -> None:
    stream = Stream()
    stream.run(1, speaking=LIQUID[:1])
    assert [stream.liveness.is_quiet(s) for s in LIQUID[:2]] == [False, True]
    stream.run(60)
    assert not stream.liveness.is_quiet("AAPL")
    stream.run(1)
    assert stream.liveness.is_quiet("AAPL")


@pytest.mark.parametrize(
    ("session", "at_ms", "is_open"),
    [
        ("regular", OPENS - 1, False), ("regular", OPENS, True), ("regular", CLOSES - 1, True),
        ("regular", CLOSES, False), ("extended", OPENS - 1, True), ("extended", OPENS - 6 * 3_600_000, False),
    ],
)  # fmt: skip
def test_hours_answer_for_the_instant_whatever_was_asked_before(session: str, at_ms: int, *, is_open: bool) -> None:
    hours = Hours(Calendars())
    for other in (OPENS - 10 * 86_400_000, CLOSES + 1, OPENS + 1, at_ms):
        found = hours.is_open("AAPL", "regular" if session == "regular" else "extended", other)
    assert found is is_open
