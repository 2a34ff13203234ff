"""News triggers at work (T34): each item once, to the triggers of its symbols, with what makes it too old.

Nothing here reads a clock: an item carries when it was published and when we received it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.condition import TriggerSpec
from engine.firing import LeafEvidence
from engine.news_item import NewsItem, marks_of
from engine.news_match import NewsQuery, NewsText

REMEMBER_MS = 24 * 3_600_000
"""An item counts as known so long after it was last received."""
REMEMBER_MOST = 200_000
"""Marks kept; three an item and symbol. The oldest go first."""
AHEAD_MS = 60_000
"""An item published so long after its receipt is not believed (T24)."""


@dataclass(frozen=True, slots=True)
class NewsHit:
    """An item that a trigger looked for. `is_old` means that it is not to fire: published too early."""

    trigger_id: str
    symbol: str
    item: NewsItem
    leaves: tuple[LeafEvidence, ...]
    is_old: bool


class NewsMemory:
    """The items of the last day, by symbol and by what a copy would have in common with them."""

    def __init__(self, known: Iterable[tuple[int, int]] = ()) -> None:
        """Take marks with the time each was last seen, the oldest first."""
        self._seen = dict(known)

    def __len__(self) -> int:
        return len(self._seen)

    def take(self, item: NewsItem, symbol: str) -> bool:
        """Note an item about a symbol; return whether it is new. A copy keeps the memory of it alive."""
        marks = marks_of(item, symbol)
        limit = item.recv_ms - REMEMBER_MS
        is_known = any(self._seen.get(mark, limit) > limit for mark in marks)
        for mark in marks:
            self._seen.pop(mark, None)
            self._seen[mark] = item.recv_ms
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] > limit and len(self._seen) <= REMEMBER_MOST:
                break
            del self._seen[oldest]
        return not is_known

    def as_array(self) -> NDArray[np.int64]:
        """Return (mark, last seen), shape (n, 2), the oldest first."""
        return np.array(list(self._seen.items()), np.int64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class _Watch:
    query: NewsQuery
    symbols: tuple[str, ...]
    armed_ms: int | None
    valid_from_ms: int


class NewsDesk:
    """The news triggers in force, and which items they have been shown.

    `counters` say how many items came (once for each symbol that is asked for), how many of them were copies,
    and how many were dated ahead of their receipt.
    """

    def __init__(self) -> None:
        self.memory = NewsMemory()
        self.counters = {"taken": 0, "copies": 0, "ahead": 0}
        self._watches: dict[str, _Watch] = {}
        self._of_symbol: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._watches)

    def arm(self, spec: TriggerSpec, now_ms: int | None) -> None:
        """Put a news trigger in force from now; without a time yet, from the first one that is told."""
        if spec.news is None:
            return
        self.disarm(spec.trigger_id)
        watch = _Watch(NewsQuery.of(spec.news), spec.symbols, now_ms, spec.valid_from_ms or 0)
        self._watches[spec.trigger_id] = watch
        for symbol in spec.symbols:
            self._of_symbol.setdefault(symbol, set()).add(spec.trigger_id)

    def disarm(self, trigger_id: str) -> None:
        """Take a trigger out of force; nothing happens where it is in none."""
        watch = self._watches.pop(trigger_id, None)
        for symbol in watch.symbols if watch is not None else ():
            self._of_symbol[symbol].discard(trigger_id)
            if not self._of_symbol[symbol]:
                del self._of_symbol[symbol]

    def begin(self, now_ms: int) -> None:
        """Let triggers that were armed before any time was known count from here."""
        if any(watch.armed_ms is None for watch in self._watches.values()):
            for trigger_id, watch in self._watches.items():
                if watch.armed_ms is None:
                    self._watches[trigger_id] = replace(watch, armed_ms=now_ms)

    def take(self, item: NewsItem) -> Iterator[NewsHit]:
        """Yield what an item is to whom, by symbol, then trigger id; nothing for a copy.

        Old is an item published at or before the arming (T34), or `max_age` before its receipt. Nothing is
        said before `valid_from` (T10).
        """
        if item.published_ms > item.recv_ms + AHEAD_MS:
            self.counters["ahead"] += 1
            return
        self.begin(item.recv_ms)
        text: NewsText | None = None
        for symbol in sorted(set(item.symbols)):
            self.counters["taken"] += 1
            if not self.memory.take(item, symbol):
                self.counters["copies"] += 1
                continue
            for trigger_id in sorted(self._of_symbol.get(symbol, ())):
                text = text if text is not None else NewsText(item)
                watch = self._watches[trigger_id]
                if watch.query.takes(text) and item.recv_ms >= watch.valid_from_ms:
                    yield self._hit(trigger_id, watch, item, symbol, text)

    @staticmethod
    def _hit(trigger_id: str, watch: _Watch, item: NewsItem, symbol: str, text: NewsText) -> NewsHit:
        armed_ms = max(watch.armed_ms or 0, watch.valid_from_ms)
        is_old = item.published_ms <= armed_ms or item.recv_ms - item.published_ms > watch.query.match.max_age_ms
        return NewsHit(trigger_id, symbol, item, watch.query.evidence(item, text), is_old)

    # ---- snapshot ----

    def armed(self) -> dict[str, int | None]:
        """Return since when each trigger in force counts."""
        return {trigger_id: watch.armed_ms for trigger_id, watch in self._watches.items()}

    def restore(
        self, armed: Mapping[str, int | None], specs: Mapping[str, TriggerSpec], known: NDArray[np.int64]
    ) -> None:
        """Put back what `armed`, the specs of these triggers and `memory.as_array` say."""
        for trigger_id, armed_ms in armed.items():
            self.arm(specs[trigger_id], armed_ms)
        self.memory = NewsMemory((int(mark), int(seen)) for mark, seen in known.tolist())
