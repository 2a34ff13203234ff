"""Asks the feed's REST side for news, list by list within the plan, and puts what is new into topic `news`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import redis

from core.clock import Clock, to_datetime
from core.errors import NotAllowed, Unavailable
from core.observability import logger
from core.settings import Settings
from core.store import news_seen
from core.wire.records import NewsRecord
from ingest.feedclock import FeedClock
from ingest.news import DAY_MS, KEEP_MS, MARKET, Item, NewsMemory, NewsRound, read_items, symbols_of
from ingest.publisher import Publisher
from ingest.rest import Rest
from ingest.subscriptions import Wishes

_PACE, _SHARE = 0.5, 0.9
"""The part of the key's calls a minute that news may take, and how full the minute may be before it waits."""
_log = logger(__name__)


class NewsDesk:
    """`run` works until cancelled, while `is_ready` says so; `wake` is for the stream."""

    def __init__(
        self, settings: Settings, rest: Rest, publisher: Publisher, wishes: Wishes, feed_clock: FeedClock,
        connection: redis.Redis, clock: Clock, *, is_ready: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._feed = settings.feed_name
        self._pace_s = max(1.0, 60 / (settings.finnhub_calls_per_minute * _PACE))
        self._rest = rest
        self._publisher = publisher
        self._wishes = wishes
        self._feed_clock = feed_clock
        self._redis = connection
        self._is_ready = is_ready
        self._memory = NewsMemory()
        self._round = NewsRound(clock)
        self._cursor = 0
        self._stored: dict[tuple[str, str], int] = {}
        self._woken = asyncio.Event()

    def wake(self, symbols: list[str]) -> None:
        self._round.wake(symbols)
        self._woken.set()

    async def run(self) -> None:
        await self._remember()
        while True:
            if self._is_ready():
                await self._step()
                await self.store()
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), self._pace_s)
            except TimeoutError:
                continue

    async def _step(self) -> None:
        self._round.wanted(self._wishes.admitted())
        symbol = self._round.due()
        if symbol is None or self._rest.turn(_SHARE) > 0:
            return
        self._round.asked(symbol)
        now_ms = self._feed_clock.feed_ms()
        try:
            items = await asyncio.to_thread(self._ask, symbol, now_ms)
        except NotAllowed:
            return  # said by the probe, and free to ask: no call is made
        except Unavailable as error:
            self._publisher.counts["news_missed"] += 1
            _log.warning("no news for now", symbol=symbol, reason=str(error))
            return
        good, bad = read_items(items)
        for original, why in bad:
            self._publisher.dead_letter(original, reason="bad_news", detail=why)
        self._publish(symbol, good)
        self._memory.prune(now_ms=now_ms)

    def _ask(self, symbol: str, now_ms: int) -> list[object]:
        if symbol == MARKET:
            return self._rest.general_news(self._cursor)
        today = to_datetime(now_ms).date()
        return self._rest.company_news(symbol, to_datetime(now_ms - DAY_MS).date(), today)

    def _publish(self, symbol: str, items: list[Item]) -> None:
        # Asked again, as the answer may have taken seconds.
        now_ms = self._feed_clock.feed_ms()
        if symbol != MARKET:
            self._send(self._memory.fresh(items, symbol, now_ms=now_ms))
            return
        self._cursor = max([self._cursor, *(item.id for item in items)])
        for wanted in self._wishes.admitted():
            about = [item for item in items if wanted in symbols_of(item)]
            if about:
                self._send(self._memory.fresh(about, wanted, now_ms=now_ms))

    def _send(self, records: list[NewsRecord]) -> None:
        for record in records:
            self._publisher.news(
                record,
                on_sent=lambda r=record: self._stored.update({(r.symbols[0], r.news_id): r.published_ms}),
                on_lost=lambda r=record: self._memory.forget(r.symbols[0], r.news_id),
            )

    async def _remember(self) -> None:
        try:
            self._memory.load(await asyncio.to_thread(news_seen.load, self._redis, self._feed))
        except Unavailable as error:
            _log.warning("what news were published before is not known; ids tell them apart", reason=str(error))

    async def store(self) -> None:
        """Write down what Kafka has by now, so that a restart does not publish it again."""
        stored = self._stored | self._memory.passed_over
        self._stored, self._memory.passed_over = {}, {}
        if not stored:
            return
        oldest_ms = self._feed_clock.feed_ms() - KEEP_MS
        try:
            await asyncio.to_thread(news_seen.add, self._redis, self._feed, stored, oldest_ms=oldest_ms)
        except Unavailable:
            self._stored = stored | self._stored
