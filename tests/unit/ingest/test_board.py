"""T20: the state of each symbol, from what link, stream, quotes and calendar say; T32: who waits for a slot."""

from __future__ import annotations

from core.clock import ManualClock
from engine.sessions import Calendars
from ingest.board import Board
from ingest.halts import Halts, Status
from ingest.health import LinkHealth
from ingest.hours import Hours
from ingest.liveness import Liveness
from ingest.quotes import QuoteWatch
from ingest.subscriptions import Wishes

OPENS = 1_741_613_400_000  # 2025-03-10 13:30Z
SATURDAY = OPENS + 5 * 86_400_000
BTC = "BINANCE:BTCUSDT"


class World:
    def __init__(self, *watch: str, limit: int = 50, at_ms: int = OPENS + 3_600_000) -> None:
        self.clock = ManualClock(at_ms)
        hours = Hours(Calendars())
        self.link = LinkHealth(self.clock, gap_tolerance_ms=10_000)
        self.link.connected()
        self.liveness = Liveness(self.clock, hours)
        self.quotes = QuoteWatch(self.clock)
        self.wishes = Wishes(watch=watch, limit=limit)
        self.halts = Halts()
        self.board = Board(
            self.link, self.liveness, self.quotes, hours, self.wishes, self.clock, feed="finnhub", halts=self.halts
        )  # fmt: skip

    def hear(self, *symbols: str) -> None:
        now = self.clock.now_ms()
        self.link.frame()
        self.liveness.trades(dict.fromkeys(symbols, (1, now)), feed_ms=now)

    def look(self) -> dict[str, str]:
        """Return the states that have changed; the feed's own under no name."""
        now = self.clock.now_ms()
        self.liveness.look(self.wishes.admitted(), self.wishes.admitted(), feed_ms=now)
        return {change.symbol: change.health for change in self.board.look(feed_ms=now)}

    def marked(self) -> tuple[str, dict[str, str]]:
        mark = self.board.mark(feed_ms=self.clock.now_ms())
        return mark.health, dict(mark.symbols)


def test_only_changes_are_told() -> None:
    world = World("AAPL", "F")
    world.hear("AAPL")
    assert world.look() == {"": "live", "AAPL": "live", "F": "quiet"}
    assert world.look() == {}
    world.hear("F")
    assert world.look() == {"F": "live"}
    world.clock.advance(60_001)
    assert world.look() == {"AAPL": "quiet", "F": "quiet"}


def test_a_mark_names_the_symbols_that_differ_from_the_feed() -> None:
    world = World("AAPL", "F")
    world.hear("AAPL")
    world.look()
    assert world.marked() == ("live", {"F": "quiet"})


def test_a_closed_market_is_closed_in_the_records_and_quiet_in_the_marks() -> None:
    """Triggers know their sessions and keep their state outside; UNKNOWN would cost them their edge."""
    world = World("AAPL", BTC, at_ms=SATURDAY)
    world.hear(BTC)
    assert world.look() == {"": "live", "AAPL": "closed", BTC: "live"}
    assert world.marked() == ("live", {"AAPL": "quiet"})


def test_a_lost_connection_is_that_of_every_open_symbol() -> None:
    world = World("AAPL", BTC, at_ms=SATURDAY)
    world.hear(BTC)
    world.look()
    world.link.disconnected()
    world.clock.advance(10_000)
    assert world.look() == {}
    world.clock.advance(1)
    assert world.look() == {"": "disconnected", BTC: "disconnected"}
    assert world.marked() == ("disconnected", {})
    assert world.board.status(feed_ms=0).symbols["AAPL"].health == "closed"


def test_a_symbol_whose_quote_moves_without_it_is_stale() -> None:
    world = World("AAPL", "F")
    world.hear("AAPL")
    world.look()
    for n in range(8):
        world.quotes.silent(world.board.silent(["AAPL", "F"], feed_ms=world.clock.now_ms()))
        assert world.quotes.due() == "F"
        world.quotes.take("F", 10.0 + n)
        world.clock.advance(60_000)
        world.hear("AAPL")
    assert world.look() == {"F": "stale"}
    assert "quote" in world.board.status(feed_ms=0).symbols["F"].detail


def test_T32_who_waits_for_a_slot_and_why_is_data() -> None:
    world = World("AAPL", "NOSUCH", "F", "GE", limit=2)
    world.wishes.refused.add("NOSUCH")
    found = world.look()
    assert (found["GE"], found["NOSUCH"], found["F"]) == ("disconnected", "disconnected", "quiet")
    began = world.clock.now_ms()
    world.board.status(feed_ms=began)
    world.clock.advance(5_000)
    waiting = world.board.status(feed_ms=world.clock.now_ms()).waiting
    assert [(w.symbol, w.reason, w.since_ms) for w in waiting] == [
        ("GE", "limit", began), ("NOSUCH", "unknown_symbol", began),
    ]  # fmt: skip
    assert waiting[0].detail == "waiting for a slot: the key allows 2 symbols"
    world.wishes.limit = 3
    assert world.look() == {"GE": "quiet"}
    assert [w.symbol for w in world.board.status(feed_ms=0).waiting] == ["NOSUCH"]


def test_symbols_are_counted_by_the_state_of_the_last_look() -> None:
    world = World(BTC, "AAPL", "NOSUCH", "F", "GE", limit=3, at_ms=SATURDAY)
    world.wishes.refused.add("NOSUCH")
    world.hear(BTC)
    told = world.look()
    told.pop("")
    for health in ("live", "quiet", "stale", "disconnected", "closed"):
        assert world.board.count(health) == sum(one == health for one in told.values())
    assert world.board.count("disconnected") == 2
    assert (world.board.count("live"), world.board.count("closed")) == (1, 2)


def test_T21_a_halted_symbol_is_told_as_such_in_the_mark_too_until_it_trades_again() -> None:
    world = World("AAPL", "F")
    world.hear("AAPL", "F")
    world.look()
    world.halts.take(Status("AAPL", "H", "News pending", world.clock.now_ms()))
    assert world.look() == {"AAPL": "halted"}
    assert world.marked() == ("live", {"AAPL": "halted"})
    status = world.board.status(feed_ms=world.clock.now_ms())
    assert status.symbols["AAPL"].detail == "trading is halted (News pending)"
    assert status.halts_not_seen == "no status source is connected"
    world.clock.advance(5_000)
    world.hear("AAPL")
    assert world.look() == {"AAPL": "live"}
