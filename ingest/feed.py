"""The feed at work: one connection, its subscriptions, its marks, and what it says of itself."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from core.clock import Clock
from core.errors import NotAllowed, Unavailable
from core.heartbeat import Heartbeat
from core.observability import logger
from core.settings import Settings
from core.store import feed_status
from core.store.clickhouse.client import ClickHouse
from core.store.redis import client as redis_client
from engine.sessions import Calendars
from ingest.admission import Admission
from ingest.backoff import Backoff
from ingest.board import Board
from ingest.feedclock import FeedClock, PlayerClock, ReceiptClock
from ingest.finnhub_candles import FinnhubCandles
from ingest.halts import Halts
from ingest.health import SILENT_S, LinkHealth
from ingest.hours import Hours
from ingest.intake import Intake
from ingest.leader import RENEW_S, LeaderLock
from ingest.link import Ended, Link
from ingest.liveness import Liveness
from ingest.newsdesk import NewsDesk
from ingest.normaliser import Normaliser
from ingest.own_history import OwnHistory
from ingest.probe import Probe
from ingest.publisher import Publisher
from ingest.quotes import PACE as QUOTES_PACE
from ingest.quotes import SHARE as QUOTES_SHARE
from ingest.quotes import QuoteWatch
from ingest.rest import Rest
from ingest.standing import Drops, Troubles, sentence
from ingest.subscriptions import ControlReader, Wishes
from ingest.warmup import CandleSource, NoBroker, WarmUp

if TYPE_CHECKING:
    from ingest.alpaca_statuses import AlpacaStatuses

_UPKEEP_S = 1.0
_REFUSED_RETRY_S = 30.0
_MORE_S = 0.2
_HISTORY_TIMEOUT_S = 5.0
_FEW_CODES = 10
"""So many unknown condition codes are no alarm, however few trades there were."""
_log = logger(__name__)


class Feed:
    """Everything runs on one event loop; what blocks (REST, Redis, Kafka's metadata) runs in threads."""

    def __init__(self, settings: Settings, clock: Clock, heartbeat: Heartbeat, calendars: Calendars) -> None:
        self._settings = settings
        self._clock = clock
        self._heartbeat = heartbeat
        self._publisher = Publisher(settings, clock)
        self._player = PlayerClock(settings.finnhub_rest_url, clock) if settings.feed_clock == "player" else None
        self._feed_clock: FeedClock = self._player or ReceiptClock(clock)
        hours = Hours(calendars)
        self._liveness = Liveness(clock, hours)
        self._intake = Intake(
            self._publisher,
            Normaliser(calendars, odd_lots=settings.odd_lots),
            self._feed_clock,
            clock,
            self._liveness,
            on_error=self._take_error,
            on_news=self._take_news,
        )
        self._health = LinkHealth(clock, gap_tolerance_ms=settings.gap_tolerance_ms)
        self._link = Link(settings, self._take)
        self._leader = LeaderLock(settings)
        self._rest = Rest(settings, clock)
        watch = tuple(s.strip() for s in settings.watch_symbols.split(",") if s.strip())
        self._wishes = Wishes(watch=watch, limit=settings.finnhub_symbol_limit)
        self._clickhouse = ClickHouse(settings, timeout_s=_HISTORY_TIMEOUT_S)
        own = OwnHistory(self._clickhouse, clock, feed=settings.feed_name)
        sources = (own, _broker(settings, clock, calendars), FinnhubCandles(self._rest, name=settings.feed_name))
        self._admission = Admission(
            self._wishes, self._link, WarmUp(sources, calendars, clock), self._publisher, self._feed_clock, clock
        )
        self._quotes = QuoteWatch(clock)
        self._halts = Halts()
        self._board = Board(
            self._health, self._liveness, self._quotes, hours, self._wishes, clock,
            feed=settings.feed_name, halts=self._halts,
        )  # fmt: skip
        self._redis = redis_client(settings)
        self._news = NewsDesk(
            settings, self._rest, self._publisher, self._wishes, self._feed_clock, self._redis, clock,
            is_ready=lambda: self._is_ready,
        )  # fmt: skip
        self._probe = Probe(settings, self._rest, self._redis, clock, is_ready=lambda: self._is_ready)
        self._mute_connections = 0
        self._connections = 0
        self._mute_since_ms = 0
        self._control: ControlReader | None = None
        self._troubles = Troubles()
        self._drops = Drops(clock)
        self._is_leader = False
        self._has_log = False
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped."""
        tasks = [
            asyncio.create_task(work(), name=work.__qualname__)
            for work in (
                self._lead,
                self._upkeep,
                self._mark,
                self._connect,
                self._admit,
                self._compare_quotes,
                self._hear_halts,
                self._probe.run,
                self._news.run,
            )
        ]
        stopped = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._link.close()
        self._publisher.close()
        await self._news.store()
        self._leader.release()
        self._redis.close()
        self._clickhouse.close()
        if self._control is not None:
            self._control.close()
        for task in done - {stopped}:
            task.result()

    @property
    def _is_ready(self) -> bool:
        return self._has_log and self._is_leader and self._feed_clock.is_known

    # -- what the feed sends -----------------------------------------------------------------------------------

    def _take(self, text: str | bytes) -> None:
        self._health.frame()
        self._intake.take(text)

    def _take_error(self, message: str) -> None:
        _log.warning("the feed says", detail=message)
        self._publisher.counts["feed_errors"] += 1
        self._admission.refused(message)

    def _take_news(self, symbols: list[str]) -> None:
        self._news.wake(symbols)

    # -- tasks -------------------------------------------------------------------------------------------------

    async def _lead(self) -> None:
        while True:
            self._is_leader = await asyncio.to_thread(self._leader.hold)
            standing_by = "another process holds the connection of this key; standing by"
            self._troubles.leader = "" if self._is_leader else self._leader.trouble or standing_by
            if not self._is_leader and self._health.is_up:
                await self._link.close()
            await asyncio.sleep(RENEW_S if self._is_leader else _UPKEEP_S)

    async def _upkeep(self) -> None:
        while True:
            await self._look_after_the_log()
            await self._ask_player()
            if self._is_ready:
                await self._watch_the_stream()
            self._report()
            await asyncio.sleep(_UPKEEP_S)

    async def _watch_the_stream(self) -> None:
        """Judge silence, say what has changed, and leave a connection that is open but mute (T20)."""
        feed_ms = self._feed_clock.feed_ms()
        subscribed = self._admission.subscribed
        is_mute = self._liveness.look(self._wishes.admitted(), subscribed, feed_ms=feed_ms)
        if self._mute_since_ms and subscribed and not self._liveness.is_mute:
            self._admission.missed(self._mute_since_ms)
            self._mute_since_ms = 0
        elif self._liveness.is_mute:
            self._mute_since_ms = self._liveness.heard_feed_ms
        is_mute = is_mute or self._health.silence_s() > SILENT_S
        self._quotes.silent(self._board.silent(subscribed, feed_ms=feed_ms) if self._health.is_up else [])
        for change in self._board.look(feed_ms=feed_ms):
            self._publisher.feed_health(change)
        try:
            status = self._board.status(feed_ms=feed_ms, no_history=self._admission.lacks)
            await asyncio.to_thread(feed_status.put_status, self._redis, status)
        except Unavailable as error:
            _log.debug("the feed's status is not stored", reason=str(error))
        if is_mute and self._health.is_up:
            _log.warning("the socket is open but mute: connecting anew", trades_missing_ms=self._liveness.mute_ms())
            self._mute_connections += 1
            await self._link.close()

    async def _compare_quotes(self) -> None:
        """Ask for the quotes of silent symbols, one at a time and within a part of the plan (T20)."""
        pace_s = max(1.0, 60 / (self._settings.finnhub_calls_per_minute * QUOTES_PACE))
        while True:
            await asyncio.sleep(pace_s)
            symbol = self._quotes.due()
            if symbol is None or self._rest.turn(QUOTES_SHARE) > 0:
                continue
            price = 0.0
            with contextlib.suppress(NotAllowed, Unavailable):
                price = await asyncio.to_thread(self._rest.quote, symbol)
            self._quotes.take(symbol, price)

    async def _hear_halts(self) -> None:
        """Listen to the status source while we are the one that holds the feed's connection (T21)."""
        while _has_statuses(self._settings):
            if not self._is_ready:
                await asyncio.sleep(_MORE_S)
                continue
            statuses = _statuses(self._settings, self._halts)
            statuses.start()
            try:
                while self._is_leader:
                    await asyncio.sleep(_UPKEEP_S)
            finally:
                await asyncio.to_thread(statuses.close)
        await asyncio.Event().wait()

    async def _look_after_the_log(self) -> None:
        try:
            is_new = await asyncio.to_thread(self._publisher.check_log)
        except Unavailable as error:
            self._troubles.log = f"{error}; trades are kept for 30 s"
            return
        self._troubles.log = ""
        if is_new and self._control is not None:
            self._control.reopen()
            self._admission.forget_history()
        if self._control is None:
            self._control = ControlReader(self._settings, self._wishes)
        self._control.read()
        self._has_log = True

    async def _ask_player(self) -> None:
        if self._player is None:
            return
        try:
            await asyncio.to_thread(self._player.ask)
            self._troubles.clock = ""
        except Unavailable as error:
            self._troubles.clock = str(error)

    async def _mark(self) -> None:
        """Write feed time and health into every partition, in order with the trades (T24)."""
        interval_s = self._settings.mark_interval_ms / 1000
        while True:
            await asyncio.sleep(interval_s)
            if self._is_ready:
                self._publisher.mark(self._board.mark(feed_ms=self._feed_clock.feed_ms()))

    async def _connect(self) -> None:
        backoff = Backoff()
        while True:
            if not self._is_ready:
                await asyncio.sleep(_MORE_S)
                continue
            began = self._clock.monotonic()
            ended = await self._link.run(self._opened)
            self._health.disconnected()
            self._admission.disconnected(self._feed_clock.feed_ms())
            backoff.held(self._clock.monotonic() - began)
            await asyncio.sleep(self._judge(ended, backoff))

    def _opened(self) -> None:
        self._connections += 1
        self._admission.connected(after_gap=self._health.gap_ms() > self._settings.gap_tolerance_ms)
        self._health.connected()
        self._liveness.connected()
        self._troubles.link = ""
        _log.info("connected to the feed", feed=self._settings.feed_name)

    def _judge(self, ended: Ended, backoff: Backoff) -> float:
        if ended.why == "refused":
            self._troubles.link = (
                f"the feed refused the key ({ended.detail}); set TAPEWATCH_FINNHUB_API_KEY to a valid key "
                "and start again, or use --feed simulator"
            )
            _log.error(self._troubles.link)
            return _REFUSED_RETRY_S
        wait_s = max(backoff.wait_s(), ended.retry_s)
        self._troubles.link = f"the feed's connection is {ended.why} ({ended.detail}); trying again in {wait_s:.0f} s"
        _log.warning(self._troubles.link)
        return wait_s

    async def _admit(self) -> None:
        while True:
            is_more = self._health.is_up and await self._admission.step()
            await asyncio.sleep(0 if is_more else _MORE_S)

    def _replaced(self) -> frozenset[str]:
        """Return the features whose refusal nobody notices, as the broker's bars stand in for them."""
        has_broker = bool(self._settings.alpaca_data_key.get_secret_value())
        return frozenset(("stock_candle",)) if has_broker and not self._admission.lacks else frozenset()

    def _report(self) -> None:
        counts = {**self._publisher.counts, **self._intake.counts}
        dropped = self._publisher.counts["trades_dropped"]
        waiting = self._wishes.waiting()
        state, detail = sentence(
            self._troubles,
            feed=self._settings.feed_name,
            subscribed=len(self._admission.subscribed),
            waiting=waiting,
            limit=self._wishes.limit,
            unknown=sorted(self._wishes.refused),
            refused=sorted(self._rest.refused - self._replaced()),
            feed_fault=self._board.health()[1],
            stale=self._board.stale() if self._board.health()[0] == "live" else [],
            unknown_codes=counts.get("unknown_code", 0) > max(_FEW_CODES, counts.get("trades", 0) / 100),
            dropped=dropped if self._drops.are_recent(dropped) else 0,
        )
        self._heartbeat.count(
            subscribed=len(self._admission.subscribed),
            waiting_for_slot=len(waiting),
            lag_ms=self._intake.lag_ms,
            buffered=self._publisher.buffered,
            reconnects=max(0, self._connections - 1),
            mute_connections=self._mute_connections,
            symbols_live=self._board.count("live"),
            symbols_quiet=self._board.count("quiet"),
            symbols_stale=len(self._board.stale()),
            symbols_disconnected=self._board.count("disconnected"),
            symbols_halted=self._board.count("halted"),
            symbols_closed=self._board.count("closed"),
            **{name: float(n) for name, n in counts.items()},
        )
        self._heartbeat.report(state, detail)


def _broker(settings: Settings, clock: Clock, calendars: Calendars) -> CandleSource:
    if not settings.alpaca_data_key.get_secret_value():
        return NoBroker(calendars)
    # Imported where there is a key: the client brings pandas, a second of start and much memory.
    from ingest.alpaca_bars import AlpacaBars

    return AlpacaBars(settings, clock, calendars)


def _has_statuses(settings: Settings) -> bool:
    return bool(settings.alpaca_data_key.get_secret_value() and settings.alpaca_stream_url)


def _statuses(settings: Settings, halts: Halts) -> AlpacaStatuses:
    # Imported where there is a key, as the bars are.
    from ingest.alpaca_statuses import AlpacaStatuses

    def missing(why: str) -> None:
        halts.missing = why

    return AlpacaStatuses(settings, halts.take, missing)
