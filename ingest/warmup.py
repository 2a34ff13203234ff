"""The order in which history is asked for: our own, the broker's bars, the feed's candles (T22).

Each source is asked only for what those before it lack. What cannot be had is said, symbol by symbol: its indicators
warm up from live trades, and nothing takes its place unnamed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.clock import Clock
from core.errors import NotAllowed, Unavailable
from core.wire.trades import History
from engine.condition import Session
from engine.sessions import Calendars
from ingest.history import Ask, Window, window
from ingest.seams import joined, lacking

_TRIES = 3
_AGAIN_S = 1.0
_AWAY_S = 30.0


class CandleSource(Protocol):
    """Where history comes from; `candles` blocks, is called from a thread, and after a `turn`.

    title      as people are told of it
    knows_now  its answer reaches up to now: minutes it does not have were without a trade
    """

    @property
    def title(self) -> str: ...
    @property
    def knows_now(self) -> bool: ...
    def covers(self, symbol: str) -> bool: ...
    def turn(self) -> float: ...
    def candles(self, wanted: Window) -> list[History]: ...


@dataclass(frozen=True, slots=True)
class NoBroker:
    """Stands where the broker's bars would be, and says why there are none."""

    calendars: Calendars
    title: str = "broker bars"
    knows_now: bool = True

    def covers(self, symbol: str) -> bool:
        return self.calendars.calendar_of(symbol) == "XNYS"

    def turn(self) -> float:
        return 0.0

    def candles(self, wanted: Window) -> list[History]:
        """Return nothing.

        Raises:
            NotAllowed: always.
        """
        del wanted
        raise NotAllowed("no key is set (TAPEWATCH_ALPACA_DATA_KEY)")


@dataclass(slots=True)
class Warmth:
    """What was found for one ask.

    lacks          why sources could not be asked, in their order; empty where nothing more could have been had
    is_worth_more  whether asking again later may find more
    """

    parts: list[History] = field(default_factory=list[History])
    lacks: list[str] = field(default_factory=list[str])
    is_worth_more: bool = False


class WarmUp:
    def __init__(self, sources: Sequence[CandleSource], calendars: Calendars, clock: Clock) -> None:
        self._sources = sources
        self._calendars = calendars
        self._clock = clock
        self._away_until = [0.0] * len(sources)

    async def fetch(self, symbol: str, ask: Ask, now_ms: int, *, session: Session, since_ms: int) -> Warmth:
        """Ask one source after the other until nothing is lacking.

        Args:
            since_ms: Candles that ended before it are not wanted; 0 = all that the ask reaches back to.
        """
        wanted = window(self._calendars, symbol, ask, session=session, now_ms=now_ms, since_ms=since_ms)
        found = Warmth()
        parts: list[History] = []
        is_whole = False
        for number, source in enumerate(self._sources):
            missing = lacking(parts, wanted.intervals)
            if len(missing) == 0:
                is_whole = True
                break
            if not source.covers(symbol):
                continue
            try:
                parts += await self._ask(number, wanted.since(int(missing[0, 0])))
                is_whole = is_whole or source.knows_now
            except NotAllowed as error:
                found.lacks.append(f"{source.title}: {error}")
            except Unavailable as error:
                found.lacks.append(f"{source.title}: {error}")
                found.is_worth_more = True
        found.parts = joined(parts, wanted.intervals, is_whole=is_whole)
        if is_whole:
            found.lacks.clear()
            found.is_worth_more = False
        return found

    async def _ask(self, number: int, wanted: Window) -> list[History]:
        """Ask a few times; where a source stays away, nobody else waits for it for a while."""
        source = self._sources[number]
        tries = _TRIES if self._clock.monotonic() >= self._away_until[number] else 1
        while True:
            while wait_s := source.turn():
                await asyncio.sleep(wait_s)
            try:
                found = await asyncio.to_thread(source.candles, wanted)
            except Unavailable:
                tries -= 1
                if tries <= 0:
                    self._away_until[number] = self._clock.monotonic() + _AWAY_S
                    raise
                await asyncio.sleep(_AGAIN_S)
            else:
                self._away_until[number] = 0.0
                return found
