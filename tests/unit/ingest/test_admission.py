"""Who is subscribed when, and that history comes before the first live trade."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import cast

import pytest

from core.clock import ManualClock
from core.wire.records import TriggerRecord
from core.wire.trades import History
from engine.condition import Session
from ingest.admission import Admission
from ingest.feedclock import ReceiptClock
from ingest.history import Ask
from ingest.link import Link
from ingest.publisher import Publisher
from ingest.subscriptions import Wishes
from ingest.warmup import Warmth, WarmUp


class World:
    """Stands in for the link, the sources of history and the log; writes down what happens in order."""

    def __init__(self, *, watch: tuple[str, ...], limit: int = 50, lacks: str = "") -> None:
        self.happened: list[str] = []
        self.counts: Counter[str] = Counter()
        self.is_open = True
        self.lacks = lacks
        self.clock = ManualClock()
        self.wishes = Wishes(watch=watch, limit=limit)
        self.admission = Admission(
            self.wishes, cast(Link, self), cast(WarmUp, self), cast(Publisher, self), ReceiptClock(self.clock),
            self.clock,
        )  # fmt: skip

    async def subscribe(self, symbol: str) -> bool:
        self.happened.append(f"subscribe {symbol}")
        return self.is_open

    async def unsubscribe(self, symbol: str) -> bool:
        self.happened.append(f"unsubscribe {symbol}")
        return self.is_open

    async def fetch(self, symbol: str, ask: Ask, now_ms: int, *, session: Session, since_ms: int) -> Warmth:
        if self.lacks:
            return Warmth(lacks=[self.lacks], is_worth_more="away" in self.lacks)
        kind = "gap" if 0 < since_ms <= now_ms else "history"
        found = History(
            symbol=symbol, session=session, timeframe=ask.timeframe, source=kind, ts_ms=[], open=[], high=[], low=[],
            close=[], volume=[], vwap=[], trades=[],
        )  # fmt: skip
        return Warmth(parts=[found])

    def history(self, found: History) -> None:
        if found.timeframe == "1m":
            self.happened.append(f"{found.source} {found.symbol} {found.session}")

    def settle(self) -> list[str]:
        """Let it do all there is to do; return what happened."""
        self.happened.clear()

        async def steps() -> None:
            while await self.admission.step():
                pass

        asyncio.run(steps())
        return self.happened


def wish(symbol: str, **config: object) -> TriggerRecord:
    return TriggerRecord(
        pipeline_id="p", trigger_id="p/n", trigger_version=1, action="set", user_id="u", pipeline_version=1, at_ms=0,
        symbols=[symbol], config=config,
    )  # fmt: skip


def test_history_is_published_before_a_symbol_is_subscribed() -> None:
    world = World(watch=("A", "B"))
    assert world.settle() == ["history A regular", "subscribe A", "history B regular", "subscribe B"]
    assert world.settle() == []


def test_a_new_pipelines_symbol_goes_before_the_rest_of_the_watch_list() -> None:
    world = World(watch=("A", "B"))
    asyncio.run(world.admission.step())
    world.wishes.take("p", wish("NEW"))
    assert world.settle()[:2] == ["history NEW regular", "subscribe NEW"]


def test_the_symbol_one_too_many_is_the_last_one_sent_and_waits() -> None:
    world = World(watch=("A", "B", "C"))
    world.settle()
    world.admission.refused("Subscribing to too many symbols")
    assert world.admission.subscribed == ["A", "B"]
    assert world.wishes.waiting() == ["C"]
    world.wishes.take("p", wish("NEW"))
    assert world.settle() == ["unsubscribe B", "history NEW regular", "subscribe NEW"]


def test_the_limit_found_holds_for_the_connection_only() -> None:
    world = World(watch=("A", "B"))
    world.settle()
    world.admission.refused("Subscribing to too many symbols")
    world.admission.disconnected(world.clock.now_ms())
    world.admission.connected(after_gap=False)
    assert world.settle() == ["subscribe A", "subscribe B"]


def test_a_symbol_the_feed_does_not_know_is_asked_for_once() -> None:
    world = World(watch=("FX:EURUSD",))
    world.settle()
    world.admission.refused("Invalid symbol FX:EURUSD")
    assert world.admission.subscribed == []
    assert world.settle() == []


def test_a_symbol_that_comes_back_after_having_been_given_up_gets_its_history_again() -> None:
    world = World(watch=())
    world.wishes.take("p", wish("A"))
    world.settle()
    world.wishes.take("p", None)
    assert world.settle() == ["unsubscribe A"]
    world.wishes.take("p", wish("A"))
    assert world.settle() == ["history A regular", "subscribe A"]


def test_T20_after_a_gap_symbols_are_back_first_and_their_candles_filled_then() -> None:
    world = World(watch=("A", "B"))
    world.settle()
    world.admission.disconnected(world.clock.now_ms())
    # Attempts that fail say nothing new.
    world.admission.disconnected(world.clock.now_ms() + 5_000)
    world.admission.connected(after_gap=True)
    assert world.settle() == ["subscribe A", "subscribe B", "gap A regular", "gap B regular"]


def test_T20_after_an_open_connection_was_mute_its_gap_is_filled() -> None:
    world = World(watch=("A", "B"))
    world.settle()
    world.admission.missed(world.clock.now_ms())
    world.admission.missed(world.clock.now_ms() - 1_000)
    assert world.settle() == ["gap A regular", "gap B regular"]
    assert world.settle() == []


def test_after_a_short_interruption_nothing_is_fetched() -> None:
    world = World(watch=("A",))
    world.settle()
    world.admission.disconnected(world.clock.now_ms())
    world.admission.connected(after_gap=False)
    assert world.settle() == ["subscribe A"]


def test_T12_extended_candles_are_fetched_where_a_trigger_reads_them() -> None:
    world = World(watch=("A",))
    world.settle()
    world.wishes.take("p", wish("A", session="extended"))
    assert world.settle() == ["history A extended"]


def test_T22_a_symbol_without_history_is_subscribed_all_the_same_and_it_is_said_why() -> None:
    world = World(watch=("A",), lacks="broker bars: no key")
    assert world.settle() == ["subscribe A"]
    assert world.admission.lacks == {"A": "broker bars: no key"}


def test_history_that_was_away_is_asked_for_again_after_a_while() -> None:
    world = World(watch=("A",), lacks="the feed's candles: away")
    world.settle()
    world.lacks = ""
    assert world.settle() == []
    world.clock.advance(60_000)
    assert world.settle() == ["history A regular"]
    assert world.admission.lacks == {}


def test_history_that_the_key_may_not_have_is_not_asked_for_again() -> None:
    world = World(watch=("A",), lacks="the feed's candles: 403")
    world.settle()
    world.clock.advance(600_000)
    world.lacks = ""
    assert world.settle() == []


@pytest.mark.parametrize("text", ["Something new", "Subscribing to too many symbols", "Invalid symbol X"])
def test_an_error_without_a_subscription_changes_nothing(text: str) -> None:
    world = World(watch=("A",))
    world.admission.refused(text)
    assert world.settle() == ["history A regular", "subscribe A"]
