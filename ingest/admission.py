"""Subscribes what is wished for, as far as the key allows, and sees to it that history comes before live trades."""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import Clock
from core.observability import logger
from engine.condition import Session
from ingest.feedclock import FeedClock
from ingest.history import Ask, asks_for
from ingest.link import Link
from ingest.publisher import Publisher
from ingest.subscriptions import Wishes
from ingest.warmup import WarmUp

TOO_MANY, INVALID = "too many symbols", "Invalid symbol "
_AGAIN_S = 60.0
"""History that was not to be had for now is asked for again after so long."""
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Fill:
    """What is to be fetched for a symbol; `since_ms` as `WarmUp.fetch` has it."""

    session: Session
    ask: Ask
    since_ms: int


class Admission:
    """One symbol a `step`, so that a new pipeline's symbol need not wait for the rest of the watch list."""

    def __init__(
        self,
        wishes: Wishes,
        link: Link,
        warmup: WarmUp,
        publisher: Publisher,
        feed_clock: FeedClock,
        clock: Clock,
    ) -> None:
        self._wishes = wishes
        self._link = link
        self._warmup = warmup
        self._publisher = publisher
        self._feed_clock = feed_clock
        self._clock = clock
        self._most = wishes.limit
        self._warm: set[tuple[str, Session]] = set()
        self._lost: tuple[int, tuple[str, ...]] | None = None
        self._gaps: dict[str, int] = {}
        self._later: dict[str, tuple[float, list[_Fill]]] = {}
        self.subscribed: list[str] = []
        self.lacks: dict[str, str] = {}
        """Why symbols have less history than they should, by symbol."""

    def disconnected(self, at_ms: int) -> None:
        """Forget the connection's subscriptions; `at_ms` is feed time."""
        if self.subscribed:
            self._lost = (at_ms, tuple(self.subscribed))
        self.subscribed.clear()
        self._wishes.limit = self._most

    def connected(self, *, after_gap: bool) -> None:
        """Begin anew; after a gap the candles that were missed are fetched once the symbols are back."""
        if after_gap and self._lost is not None:
            since_ms, symbols = self._lost
            for symbol in symbols:
                self._gaps.setdefault(symbol, since_ms)
        self._lost = None

    def missed(self, since_ms: int) -> None:
        """Nothing was heard since this feed time though the connection was open: what was missed is to be fetched."""
        for symbol in self.subscribed:
            self._gaps[symbol] = min(since_ms, self._gaps.get(symbol, since_ms))

    def forget_history(self) -> None:
        """The log is another one: what was published is gone."""
        self._warm.clear()
        self._gaps.clear()
        self._later.clear()

    def refused(self, message: str) -> None:
        """Take an error text of the feed. It does not name the symbol that was one too many: it is the last sent."""
        if message.startswith(INVALID):
            symbol = message.removeprefix(INVALID).strip()
            self._wishes.refused.add(symbol)
            if symbol in self.subscribed:
                self.subscribed.remove(symbol)
        elif TOO_MANY in message and self.subscribed:
            symbol = self.subscribed.pop()
            self._wishes.limit = max(1, len(self.subscribed))
            _log.warning("the key's symbol limit is reached", symbol=symbol, limit=self._wishes.limit)

    async def step(self) -> bool:
        """Do the next thing there is to do on an open connection; return whether there was one."""
        wanted = self._wishes.admitted()
        for symbol in self.subscribed:
            if symbol not in wanted:
                return await self._give_up(symbol)
        for symbol in wanted:
            if symbol not in self.subscribed:
                return await self._subscribe(symbol)
        for symbol in wanted:
            if symbol in self._gaps or self._cold_sessions(symbol):
                await self._fill(symbol)
                return True
        for symbol in wanted:
            if symbol in self._later and self._clock.monotonic() >= self._later[symbol][0]:
                await self._fetch(symbol, self._later.pop(symbol)[1])
                return True
        return False

    async def _give_up(self, symbol: str) -> bool:
        if not await self._link.unsubscribe(symbol):
            return False
        self.subscribed.remove(symbol)
        # Should it be wanted again, its hole is to be filled.
        self._warm = {(s, session) for s, session in self._warm if s != symbol}
        self._gaps.pop(symbol, None)
        self._later.pop(symbol, None)
        self.lacks.pop(symbol, None)
        return True

    async def _subscribe(self, symbol: str) -> bool:
        if symbol not in self._gaps:
            await self._fill(symbol)
        # First on the list: a refusal may be here before the sending is over.
        self.subscribed.append(symbol)
        if await self._link.subscribe(symbol):
            return True
        if symbol in self.subscribed:
            self.subscribed.remove(symbol)
        return False

    def _cold_sessions(self, symbol: str) -> list[Session]:
        return [s for s in self._wishes.sessions_of(symbol) if (symbol, s) not in self._warm]

    async def _fill(self, symbol: str) -> None:
        """Publish the history that is missing; what cannot be had is left out, said and counted."""
        since_ms = self._gaps.pop(symbol, None)
        cold = self._cold_sessions(symbol)
        fills: list[_Fill] = []
        for session in self._wishes.sessions_of(symbol):
            if session in cold or since_ms is not None:
                self._warm.add((symbol, session))
                since = 0 if session in cold else since_ms or 0
                fills += [_Fill(session, ask, since) for ask in asks_for(session)]
        await self._fetch(symbol, fills)

    async def _fetch(self, symbol: str, fills: list[_Fill]) -> None:
        again: list[_Fill] = []
        lacks: dict[str, None] = {}
        for fill in fills:
            found = await self._warmup.fetch(
                symbol, fill.ask, self._feed_clock.feed_ms(), session=fill.session, since_ms=fill.since_ms
            )
            for part in found.parts:
                self._publisher.history(part)
            lacks |= dict.fromkeys(found.lacks)
            if found.is_worth_more:
                again.append(fill)
        if again:
            self._publisher.counts["history_missing"] += len(again)
            self._later[symbol] = self._clock.monotonic() + _AGAIN_S, again
        self.lacks.pop(symbol, None)
        if lacks:
            self.lacks[symbol] = "; ".join(lacks)
            _log.warning("no history: indicators warm up from live trades", symbol=symbol, reason=self.lacks[symbol])
