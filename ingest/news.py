"""News by REST (T34): what is new in each answer, published once. The stream only says when to look sooner.

The vendor's company list is asked by days and its market list after an id; both repeat what they said before, and
items turn up minutes after the time they carry. So it is the ids of the last two days that tell what is new.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from core.clock import Clock
from core.wire.records import NewsRecord

EVERY_S = 60.0
"""How often one list is asked at most, unless the stream wakes it."""
WOKEN_EVERY_S = 10.0
FIRST_MS = 3_600_000
"""Of a symbol that is new here only the last hour is published: nobody waits for what is older."""
DAY_MS = 86_400_000
KEEP_MS = 2 * DAY_MS
MARKET = ""
"""Stands for the market's list among the symbols."""


class Item(msgspec.Struct, frozen=True):
    """As the vendor sends it; `datetime` in seconds, `related` symbols separated by commas, or none."""

    id: int
    datetime: int
    headline: str
    related: str = ""
    source: str = ""
    summary: str = ""
    url: str = ""


def read_items(answer: Iterable[object]) -> tuple[list[Item], list[tuple[bytes, str]]]:
    """Read an answer's items; those that cannot be read come back beside them as (JSON, why)."""
    good: list[Item] = []
    bad: list[tuple[bytes, str]] = []
    for given in answer:
        try:
            good.append(msgspec.convert(given, Item))
        except msgspec.ValidationError as error:
            bad.append((msgspec.json.encode(given), str(error)))
    return good, bad


def symbols_of(item: Item) -> list[str]:
    return [s for part in item.related.split(",") if (s := part.strip())]


class NewsMemory:
    """What has been published of each symbol, to know what is new. Times are epoch ms of feed time."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}
        self._known: set[str] = set()
        self.passed_over: dict[tuple[str, str], int] = {}
        """(symbol, id) → published_ms of what is known and too old to be published; whoever stores it empties it."""

    def load(self, published: Mapping[tuple[str, str], int]) -> None:
        """Take (symbol, id) → published_ms of before a restart."""
        self._seen.update(published)
        self._known.update(symbol for symbol, _ in published)

    def fresh(self, items: Iterable[Item], symbol: str, *, now_ms: int) -> list[NewsRecord]:
        """Return the items about a symbol that are to be published, oldest first, and remember them."""
        oldest = now_ms - (DAY_MS if symbol in self._known else FIRST_MS)
        self._known.add(symbol)
        found: list[NewsRecord] = []
        for item in sorted(items, key=lambda i: i.datetime):
            key = (symbol, str(item.id))
            if key in self._seen:
                continue
            self._seen[key] = item.datetime * 1000
            if item.datetime * 1000 >= oldest:
                found.append(_record(item, symbol, now_ms))
            else:
                self.passed_over[key] = item.datetime * 1000
        return found

    def forget(self, symbol: str, news_id: str) -> None:
        """Take back what could not be published: the next answer brings it again."""
        self._seen.pop((symbol, news_id), None)

    def prune(self, *, now_ms: int) -> None:
        """Drop what is too old to be published whatever is said of it."""
        self._seen = {key: at for key, at in self._seen.items() if at >= now_ms - KEEP_MS}


def _record(item: Item, symbol: str, now_ms: int) -> NewsRecord:
    return NewsRecord(
        news_id=str(item.id), symbols=[symbol], published_ms=item.datetime * 1000, recv_ms=now_ms,
        headline=item.headline, summary=item.summary, source=item.source, url=item.url,
    )  # fmt: skip


@dataclass(slots=True)
class _Turn:
    asked: float = -math.inf
    is_woken: bool = False


class NewsRound:
    """Whose list is asked next: the longest unasked first, woken ones before all others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turns: dict[str, _Turn] = {MARKET: _Turn()}

    def wanted(self, symbols: Collection[str]) -> None:
        """Take the symbols listened to. Of those with a prefix (coins, other exchanges) there are no company lists."""
        names = [MARKET, *(s for s in symbols if ":" not in s)]
        self._turns = {s: self._turns.get(s) or _Turn() for s in names}

    def wake(self, symbols: Iterable[str]) -> None:
        """Look sooner: the stream has news of these symbols; the market's list is always among them."""
        for symbol in (MARKET, *symbols):
            turn = self._turns.get(symbol)
            if turn is not None:
                turn.is_woken = True

    def due(self) -> str | None:
        """Return whose list is due, None while none is."""
        now = self._clock.monotonic()
        due = [
            (not turn.is_woken, turn.asked, symbol)
            for symbol, turn in self._turns.items()
            if now - turn.asked >= (WOKEN_EVERY_S if turn.is_woken else EVERY_S)
        ]
        return min(due)[2] if due else None

    def asked(self, symbol: str) -> None:
        if symbol in self._turns:
            self._turns[symbol] = _Turn(self._clock.monotonic())
