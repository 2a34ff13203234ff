"""T34: which items of the feed's lists are new, and whose list is asked next."""

from __future__ import annotations

import json

import msgspec

from core.clock import ManualClock
from ingest.news import DAY_MS, MARKET, Item, NewsMemory, NewsRound, read_items, symbols_of
from tests.kit.data import data_file

NOW = 1_741_613_400_000


def item(number: int, *, minutes_ago: float = 1) -> Item:
    return Item(number, int(NOW / 1000 - 60 * minutes_ago), f"headline {number}", related="AAPL")


def ids(memory: NewsMemory, *items: Item, symbol: str = "AAPL", now_ms: int = NOW) -> list[str]:
    return [record.news_id for record in memory.fresh(items, symbol, now_ms=now_ms)]


def test_every_recorded_item_is_read_as_json_reads_it() -> None:
    plain = json.loads(data_file("fixtures/finnhub/company_news.json").read_text())
    good, bad = read_items(plain)
    assert not bad
    assert plain
    assert [msgspec.structs.asdict(i) for i in good] == [{k: p[k] for k in Item.__struct_fields__} for p in plain]
    assert {s for i in good for s in symbols_of(i)} == {"AAPL"}


def test_a_record_carries_the_item_and_our_receipt() -> None:
    [record] = NewsMemory().fresh([Item(7, NOW // 1000 - 5, "H", "AAPL,F", "S", "text", "http://x")], "F", now_ms=NOW)
    assert (record.news_id, record.symbols, record.published_ms, record.recv_ms) == ("7", ["F"], NOW - 5_000, NOW)
    assert (record.headline, record.summary, record.source, record.url) == ("H", "text", "S", "http://x")


def test_an_item_is_published_once_a_symbol_the_oldest_first() -> None:
    memory = NewsMemory()
    assert ids(memory, item(2, minutes_ago=1), item(1, minutes_ago=2)) == ["1", "2"]
    assert ids(memory, item(2), item(1), item(3)) == ["3"]
    assert ids(memory, item(3), symbol="F") == ["3"]


def test_of_a_new_symbol_only_the_last_hour_is_published_later_whatever_is_new() -> None:
    memory = NewsMemory()
    assert ids(memory, item(1, minutes_ago=61), item(2, minutes_ago=59)) == ["2"]
    assert memory.passed_over == {("AAPL", "1"): NOW - 61 * 60_000}
    assert ids(memory, item(1, minutes_ago=61), item(3, minutes_ago=61)) == ["3"]
    assert ids(memory, item(4, minutes_ago=25 * 60)) == []


def test_what_was_published_before_a_restart_is_known() -> None:
    memory = NewsMemory()
    memory.load({("AAPL", "1"): NOW - 60_000})
    assert ids(memory, item(1), item(2, minutes_ago=90)) == ["2"]


def test_what_could_not_be_published_comes_again() -> None:
    memory = NewsMemory()
    assert ids(memory, item(1)) == ["1"]
    memory.forget("AAPL", "1")
    assert ids(memory, item(1)) == ["1"]


def test_the_memory_forgets_what_is_too_old_to_come_again() -> None:
    memory = NewsMemory()
    ids(memory, item(1))
    later = NOW + 2 * DAY_MS
    memory.prune(now_ms=later)
    assert ids(memory, item(1), now_ms=later) == []


def test_an_item_that_cannot_be_read_is_handed_back_with_the_reason() -> None:
    good, bad = read_items([{"id": 1, "datetime": 2, "headline": "h"}, {"id": "x"}, 5])
    assert [i.id for i in good] == [1]
    assert len(bad) == 2
    assert bad[0][0] == b'{"id":"x"}'


def test_each_list_is_asked_once_a_minute_the_longest_unasked_first() -> None:
    clock = ManualClock()
    turns = NewsRound(clock)
    turns.wanted(["AAPL", "BINANCE:BTCUSDT"])
    for symbol in (MARKET, "AAPL"):
        assert turns.due() == symbol
        turns.asked(symbol)
        clock.advance(1_000)
    assert turns.due() is None
    clock.advance(58_000)
    assert turns.due() == MARKET


def test_a_woken_list_is_asked_sooner_and_at_most_every_ten_seconds() -> None:
    clock = ManualClock()
    turns = NewsRound(clock)
    turns.wanted(["AAPL", "F"])
    for symbol in (MARKET, "AAPL", "F"):
        turns.asked(symbol)
    turns.wake(["F", "NOT WANTED"])
    assert turns.due() is None
    clock.advance(10_000)
    assert turns.due() == MARKET
    turns.asked(MARKET)
    assert turns.due() == "F"
    turns.asked("F")
    assert turns.due() is None
