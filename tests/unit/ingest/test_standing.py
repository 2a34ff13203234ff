from __future__ import annotations

from typing import Any

from core.clock import ManualClock
from ingest.standing import Drops, Troubles, sentence


def say(troubles: Troubles | None = None, **more: Any) -> tuple[str, str]:
    well: dict[str, Any] = {
        "feed": "finnhub", "subscribed": 3, "waiting": [], "limit": 50, "unknown": [], "refused": [], "dropped": 0,
    }  # fmt: skip
    return sentence(troubles or Troubles(link=""), **(well | more))


def test_all_well_says_what_is_listened_to() -> None:
    assert say() == ("ok", "3 symbols from finnhub")


def test_the_nearest_trouble_is_said_first() -> None:
    assert say(Troubles(log="Kafka is away", link="lost")) == ("waiting", "Kafka is away")


def test_symbols_without_a_slot_are_named_and_the_rest_counted() -> None:
    state, text = say(waiting=["A", "B", "C", "D", "E"])
    assert state == "degraded"
    assert "A, B, C and 2 more without a slot: the key allows 50" in text


def test_a_key_without_candles_is_well_but_says_so() -> None:
    state, text = say(refused=["company_news", "stock_candle"])
    assert state == "ok"
    assert "no history (stock_candle not allowed to this key)" in text
    assert text.endswith("not allowed to this key: company_news")


def test_T20_a_mute_feed_and_symbols_that_are_not_covered_are_said() -> None:
    assert say(feed_fault="the stream is mute") == ("degraded", "the stream is mute; 3 symbols from finnhub")
    assert "no trades of F while the quote moves" in say(stale=["F"])[1]


def test_T15_many_unknown_condition_codes_are_said() -> None:
    assert say(unknown_codes=True)[0] == "degraded"


def test_an_unknown_symbol_is_named() -> None:
    assert say(unknown=["FX:EURUSD"])[0] == "degraded"


def test_dropped_trades_are_said_for_a_minute() -> None:
    clock = ManualClock()
    drops = Drops(clock)
    assert not drops.are_recent(0)
    assert drops.are_recent(5)
    clock.advance(59_000)
    assert drops.are_recent(5)
    clock.advance(1_000)
    assert not drops.are_recent(5)
