"""The feed at work: one connection, its subscriptions, its marks, and what it says of itself."""

from __future__ import annotations

import asyncio
from collections import Counter

from core.clock import Clock
from core.errors import Malformed, NotAllowed, Unavailable
from core.heartbeat import Heartbeat
from core.observability import logger
from core.settings import Settings
from core.wire.trades import Mark
from engine.sessions import Calendars, parse_prefixes
from ingest.backoff import Backoff
from ingest.feedclock import FeedClock, PlayerClock, ReceiptClock
from ingest.frames import read_frame, read_prints
from ingest.health import SILENT_S, LinkHealth
from ingest.history import ASKS, HistorySource
from ingest.leader import RENEW_S, LeaderLock
from ingest.link import Ended, Link
from ingest.normaliser import FrameMemory, Normaliser
from ingest.publisher import Publisher
from ingest.rest import Rest
from ingest.subscriptions import ControlReader, Wishes

_BATCH_S = 0.002
_UPKEEP_S = 1.0
_REFUSED_RETRY_S = 30.0
_MORE_S = 0.2
_log = logger(__name__)


class Feed:
    """Everything runs on one event loop; what blocks (REST, Redis, Kafka's metadata) runs in threads."""

    def __init__(self, settings: Settings, clock: Clock, heartbeat: Heartbeat) -> None:
        self._settings = settings
        self._clock = clock
        self._heartbeat = heartbeat
        calendars = Calendars(parse_prefixes(settings.calendars))
        self._normaliser = Normaliser(calendars, odd_lots=settings.odd_lots)
        self._memory = FrameMemory()
        self._publisher = Publisher(settings, clock)
        self._health = LinkHealth(clock, gap_tolerance_ms=settings.gap_tolerance_ms)
        self._link = Link(settings, self._take)
        self._leader = LeaderLock(settings)
        self._feed_clock: FeedClock = (
            PlayerClock(settings.finnhub_rest_url, clock) if settings.feed_clock == "player" else ReceiptClock(clock)
        )
        self._rest = Rest(settings, clock)
        self._history = HistorySource(self._rest, calendars, source=settings.feed_name)
        watch = tuple(s.strip() for s in settings.watch_symbols.split(",") if s.strip())
        self._wishes = Wishes(watch=watch, limit=settings.finnhub_symbol_limit)
        self._control: ControlReader | None = None
        self._subscribed: list[str] = []
        self._has_history: set[str] = set()
        self._is_leader = False
        self._is_ready = False
        self._flush: asyncio.TimerHandle | None = None
        self._trouble = "connecting"
        self._feed_says: Counter[str] = Counter()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped."""
        tasks = [
            asyncio.create_task(work(), name=work.__name__)
            for work in (self._lead, self._upkeep, self._mark, self._connect, self._admit)
        ]
        stopped = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._link.close()
        self._publisher.close()
        self._leader.release()
        if self._control is not None:
            self._control.close()
        for task in done - {stopped}:
            task.result()

    # -- frames ------------------------------------------------------------------------------------------------

    def _take(self, text: str | bytes) -> None:
        self._health.frame()
        try:
            frame = read_frame(text)
        except Malformed as error:
            self._unreadable(text, error.reason, error.detail)
            return
        if frame.type == "trade":
            self._take_trades(text, frame.data)
        elif frame.type == "error":
            self._take_error(frame.msg)
        elif frame.type not in ("ping", "news"):
            self._unreadable(text, "unknown_type", frame.type)

    def _take_trades(self, text: str | bytes, data: object) -> None:
        recv_ms = self._clock.now_ms()
        if self._memory.is_repeat(text, recv_ms):
            self._publisher.counts["duplicate_frames"] += 1
            return
        try:
            prints, bad = read_prints(data)  # pyright: ignore[reportArgumentType]
        except Malformed as error:
            self._unreadable(text, error.reason, error.detail)
            return
        feed_ms = self._feed_clock.feed_ms()
        for given in prints:
            row = self._normaliser.row(given, recv_ms=recv_ms, feed_ms=feed_ms)
            if isinstance(row, str):
                self._unreadable(text, row, f"{given.s} {given.p!r} {given.v!r} {given.t}")
            else:
                self._publisher.add(row)
        for original, why in bad:
            self._unreadable(original, "bad_trade", why)
        if self._flush is None and self._publisher.has_waiting:
            self._flush = asyncio.get_running_loop().call_later(_BATCH_S, self._flush_now)

    def _flush_now(self) -> None:
        self._flush = None
        self._publisher.flush_all()

    def _take_error(self, message: str) -> None:
        self._feed_says[message] += 1
        _log.warning("the feed says", detail=message)
        if "too many symbols" in message and self._subscribed:
            # It does not name the symbol: it is the last one sent.
            refused = self._subscribed.pop()
            self._wishes.limit = max(1, len(self._subscribed))
            _log.warning("the key's symbol limit is reached", symbol=refused, limit=self._wishes.limit)

    def _unreadable(self, original: str | bytes, reason: str, detail: str) -> None:
        raw = original.encode() if isinstance(original, str) else original
        self._publisher.dead_letter(raw, reason=reason, detail=detail)

    # -- tasks -------------------------------------------------------------------------------------------------

    async def _lead(self) -> None:
        while True:
            self._is_leader = await asyncio.to_thread(self._leader.hold)
            if not self._is_leader and self._health.is_up:
                await self._link.close()
            await asyncio.sleep(RENEW_S if self._is_leader else _UPKEEP_S)

    async def _upkeep(self) -> None:
        while True:
            await self._look_after_the_log()
            if isinstance(self._feed_clock, PlayerClock):
                await self._ask_player(self._feed_clock)
            if self._health.is_up and self._health.silence_s() > SILENT_S:
                _log.warning("the socket is open but mute: connecting anew")
                await self._link.close()
            self._report()
            await asyncio.sleep(_UPKEEP_S)

    async def _look_after_the_log(self) -> None:
        try:
            is_new = await asyncio.to_thread(self._publisher.check_log)
        except Unavailable as error:
            self._heartbeat.report("waiting", f"{error}; trades are kept for 30 s")
            return
        if is_new and self._control is not None:
            self._control.reopen()
        if self._control is None:
            self._control = ControlReader(self._settings, self._wishes)
        self._control.read()
        self._is_ready = True

    async def _ask_player(self, clock: PlayerClock) -> None:
        try:
            await asyncio.to_thread(clock.ask)
        except Unavailable as error:
            self._trouble = str(error)

    async def _mark(self) -> None:
        """Write feed time and health into every partition, in order with the trades (T24)."""
        interval_s = self._settings.mark_interval_ms / 1000
        while True:
            await asyncio.sleep(interval_s)
            is_known = not isinstance(self._feed_clock, PlayerClock) or self._feed_clock.is_known
            if self._is_ready and is_known and self._is_leader:
                self._publisher.mark(
                    Mark(
                        feed_ms=self._feed_clock.feed_ms(),
                        recv_ms=self._clock.now_ms(),
                        feed=self._settings.feed_name,
                        health=self._health.state(),
                        gap_ms=self._health.gap_ms(),
                    )
                )

    async def _connect(self) -> None:
        backoff = Backoff()
        while True:
            if not (self._is_leader and self._is_ready):
                await asyncio.sleep(_MORE_S)
                continue
            began = self._clock.monotonic()
            ended = await self._link.run(self._opened)
            self._health.disconnected()
            self._subscribed.clear()
            backoff.held(self._clock.monotonic() - began)
            wait_s = self._judge(ended, backoff)
            await asyncio.sleep(wait_s)

    def _opened(self) -> None:
        self._health.connected()
        self._trouble = ""
        _log.info("connected to the feed", feed=self._settings.feed_name)

    def _judge(self, ended: Ended, backoff: Backoff) -> float:
        if ended.why == "refused":
            self._trouble = (
                f"the feed refused the key ({ended.detail}); set TAPEWATCH_FINNHUB_API_KEY to a valid key "
                "and start again, or use --feed simulator"
            )
            _log.error(self._trouble)
            return _REFUSED_RETRY_S
        wait_s = max(backoff.wait_s(), ended.retry_s)
        self._trouble = f"the feed's connection is {ended.why} ({ended.detail}); trying again in {wait_s:.0f} s"
        _log.warning(self._trouble)
        return wait_s

    async def _admit(self) -> None:
        """Subscribe what is wished for and not subscribed, history first; unsubscribe what nobody wants."""
        while True:
            wanted = self._wishes.admitted() if self._health.is_up else []
            for symbol in [s for s in self._subscribed if s not in wanted and self._health.is_up]:
                if await self._link.unsubscribe(symbol):
                    self._subscribed.remove(symbol)
            for symbol in [s for s in wanted if s not in self._subscribed]:
                await self._warm_up(symbol)
                if not await self._link.subscribe(symbol):
                    break
                self._subscribed.append(symbol)
            await asyncio.sleep(_MORE_S)

    async def _warm_up(self, symbol: str) -> None:
        """Publish history before the symbol's first live trade; what cannot be had is left out and said."""
        if symbol in self._has_history:
            return
        for ask in ASKS:
            await asyncio.sleep(self._rest.wait_s())
            try:
                found = await asyncio.to_thread(self._history.fetch, symbol, ask, self._feed_clock.feed_ms())
            except NotAllowed as error:
                _log.warning("no history: indicators warm up from live trades", symbol=symbol, reason=str(error))
                break
            except Unavailable as error:
                _log.warning("no history for now", symbol=symbol, timeframe=ask.timeframe, reason=str(error))
                continue
            if found is not None:
                self._publisher.history(found)
        self._has_history.add(symbol)

    def _report(self) -> None:
        if not self._is_ready:
            return
        counts = {**self._publisher.counts, **self._normaliser.counts}
        waiting = self._wishes.waiting()
        numbers = {name: float(n) for name, n in counts.items()}
        self._heartbeat.count(subscribed=len(self._subscribed), waiting_for_slot=len(waiting), **numbers)
        if not self._is_leader:
            self._heartbeat.report("waiting", "another process holds the connection of this key; standing by")
        elif self._trouble:
            self._heartbeat.report("waiting", self._trouble)
        elif waiting:
            names = ", ".join(waiting[:3])
            limit = self._wishes.limit
            self._heartbeat.report(
                "degraded", f"{len(waiting)} symbols wait for a slot ({names} …): the key allows {limit}"
            )
        else:
            self._heartbeat.report("ok", f"{len(self._subscribed)} symbols from {self._settings.feed_name}")
