"""The state of the feed and of each symbol, put together from what link, stream and quotes say (T20).

closed        no session of the symbol's market is open, the extended ones included
disconnected  the socket is down longer than tolerated; or the symbol has no subscription
stale         the feed is mute, or the quote moves and the stream says nothing
halted        trading is halted, where a status source is connected that says so (T21)
quiet, live   no trade for 60 s, or one
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from core.clock import Clock
from core.store.feed_status import FeedStatus, SlotWait, SymbolFeed
from core.wire.records import FeedHealthRecord
from core.wire.trades import FeedHealth, Mark
from ingest.halts import Halts
from ingest.health import LinkHealth
from ingest.hours import Hours
from ingest.liveness import Liveness
from ingest.quotes import QuoteWatch
from ingest.subscriptions import Wishes

_MUTE = "liquid symbols fell silent at once: the stream is open but mute"
_SILENT = "no frame at all for 150 s"
_DOWN = "the connection is down"
_UNCOVERED = "its quote has moved for 5 min while its stream said nothing"
_NO_SLOT = "waiting for a slot: the key allows {} symbols"
_UNKNOWN = "the feed does not know it"


class Board:
    """`look`, once a second, sees what has changed; `mark` says what stands, at any time."""

    def __init__(
        self, link: LinkHealth, liveness: Liveness, quotes: QuoteWatch, hours: Hours, wishes: Wishes, clock: Clock,
        *, feed: str, halts: Halts | None = None,
    ) -> None:  # fmt: skip
        self._halts = halts or Halts()
        self._link = link
        self._liveness = liveness
        self._quotes = quotes
        self._hours = hours
        self._wishes = wishes
        self._clock = clock
        self._feed = feed
        self._symbols: dict[str, SymbolFeed] = {}
        self._told: tuple[FeedHealth, str] | None = None
        self._waiting_since: dict[str, int] = {}

    def health(self) -> tuple[FeedHealth, str]:
        """Return the state of the feed as a whole, and why."""
        state = self._link.state()
        if state == "disconnected":
            return state, _DOWN
        if self._liveness.is_mute:
            return "stale", _MUTE
        return (state, _SILENT) if state == "stale" else (state, "")

    def gap_ms(self) -> int:
        """Return how long nothing has come for a reason that is the feed's, 0 while it is there."""
        return max(self._link.gap_ms(), self._liveness.mute_ms())

    def mark(self, *, feed_ms: int) -> Mark:
        """Return the mark of this instant.

        A closed symbol is `quiet` in it: a trigger knows its own session and keeps its state outside (T20).
        """
        health, _ = self.health()
        differing: dict[str, FeedHealth] = {}
        if health == "live":
            differing = {
                symbol: "quiet" if one.health == "closed" else one.health
                for symbol, one in self._symbols.items()
                if one.health != "live"
            }
        return Mark(
            feed_ms=feed_ms, recv_ms=self._clock.now_ms(), feed=self._feed, health=health, gap_ms=self.gap_ms(),
            symbols=differing,
        )  # fmt: skip

    def look(self, *, feed_ms: int) -> list[FeedHealthRecord]:
        """Judge the feed and every wanted symbol; return what has changed since the last look."""
        changes: list[FeedHealthRecord] = []
        health, detail = self.health()
        if self._told is None or self._told[0] != health:
            changes.append(self._record("", health, detail, feed_ms))
        self._told = health, detail
        symbols: dict[str, SymbolFeed] = {}
        waiting = frozenset(self._wishes.waiting())
        for symbol in self._wishes.all():
            state, why = self._judge(symbol, waiting, feed_ms)
            before = self._symbols.get(symbol)
            if before is None or before.health != state:
                changes.append(self._record(symbol, state, why, feed_ms))
            voice = self._liveness.voices.get(symbol)
            symbols[symbol] = SymbolFeed(
                health=state,
                since_ms=before.since_ms if before is not None and before.health == state else feed_ms,
                last_trade_ms=voice.ts_ms if voice else 0,
                a_minute=round(voice.a_minute, 1) if voice else 0.0,
                detail=why,
            )
        self._symbols = symbols
        return changes

    def silent(self, subscribed: list[str], *, feed_ms: int) -> list[str]:
        """Return the subscribed symbols that have had no trade for a minute while their market is open."""
        quiet = (s for s in subscribed if self._liveness.is_quiet(s))
        return [s for s in quiet if self._hours.is_open(s, "regular", feed_ms)]

    def stale(self) -> list[str]:
        """Return the symbols that were stale at the last look."""
        return [symbol for symbol, one in self._symbols.items() if one.health == "stale"]

    def count(self, health: FeedHealth) -> int:
        """Return how many symbols were in a state at the last look."""
        return sum(one.health == health for one in self._symbols.values())

    def status(self, *, feed_ms: int, no_history: Mapping[str, str] | None = None) -> FeedStatus:
        health, detail = self.health()
        return FeedStatus(
            feed=self._feed, at_ms=feed_ms, recv_ms=self._clock.now_ms(), health=health, gap_ms=self.gap_ms(),
            detail=detail, limit=self._wishes.limit, symbols=self._symbols, waiting=self._waiting(feed_ms),
            no_history=dict(no_history or {}), halts_not_seen=self._halts.missing,
        )  # fmt: skip

    def _judge(self, symbol: str, waiting: frozenset[str], feed_ms: int) -> tuple[FeedHealth, str]:
        if symbol in self._wishes.refused:
            return "disconnected", _UNKNOWN
        if symbol in waiting:
            return "disconnected", _NO_SLOT.format(self._wishes.limit)
        if not self._hours.is_open(symbol, "extended", feed_ms):
            return "closed", ""
        health, why = self.health()
        if health != "live":
            return health, why
        voice = self._liveness.voices.get(symbol)
        halted = self._halts.reason(symbol, last_trade_ms=voice.ts_ms if voice else 0)
        if halted is not None:
            return "halted", halted
        if symbol in self._quotes.stale:
            return "stale", _UNCOVERED
        return ("quiet" if self._liveness.is_quiet(symbol) else "live"), ""

    def _waiting(self, feed_ms: int) -> list[SlotWait]:
        reasons = {s: _NO_SLOT.format(self._wishes.limit) for s in self._wishes.waiting()}
        unknown = [s for s in self._wishes.all() if s in self._wishes.refused]
        self._waiting_since = {s: self._waiting_since.get(s, feed_ms) for s in [*reasons, *unknown]}
        found = [self._wait(s, "limit", detail) for s, detail in reasons.items()]
        return found + [self._wait(s, "unknown_symbol", _UNKNOWN) for s in unknown]

    def _wait(self, symbol: str, reason: Literal["limit", "unknown_symbol"], detail: str) -> SlotWait:
        return SlotWait(symbol=symbol, reason=reason, since_ms=self._waiting_since[symbol], detail=detail)

    def _record(self, symbol: str, health: FeedHealth, detail: str, feed_ms: int) -> FeedHealthRecord:
        return FeedHealthRecord(
            feed=self._feed, symbol=symbol, at_ms=feed_ms, recv_ms=self._clock.now_ms(), health=health,
            gap_ms=self.gap_ms(), detail=detail,
        )  # fmt: skip
