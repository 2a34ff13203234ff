"""From prints of a feed to trades of ours: checked, stamped, flagged; what cannot be used says why."""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass

import numpy as np

from core.wire.topics import partition_of
from core.wire.trades import TradeFrame
from engine.sessions import Calendars
from ingest.conditions import MAX_CODE, OddLots, bits_of, flags_of
from ingest.frames import Print

FUTURE_MS = 60_000
"""T24: a trade further ahead of feed time than this is a dead letter."""
DUPLICATE_MS = 5_000
"""T25: a frame byte-identical to one of the last 5 s is a duplicate."""
_MAX_SYMBOL = 64
_NO_CODE = -1


@dataclass(frozen=True, slots=True)
class Row:
    """One trade on its way into a batch; columns as in `core.wire.trades`."""

    symbol: str
    ts_ms: int
    recv_ms: int
    price: float
    size: float
    flags: int
    codes: int


class Normaliser:
    """Turns prints into rows and counts what it sees; `counts` maps a reason to how often it was met."""

    def __init__(self, calendars: Calendars, *, odd_lots: OddLots = "session") -> None:
        self._calendars = calendars
        self._odd_lots: OddLots = odd_lots
        self._regular: dict[str, tuple[int, int]] = {}
        self.counts: Counter[str] = Counter()

    def row(self, given: Print, *, recv_ms: int, feed_ms: int) -> Row | str:
        """Return the trade, or the reason why it is none."""
        reason = _problem(given, feed_ms)
        if reason:
            self.counts[reason] += 1
            return reason
        codes = [int(c) if c.isdecimal() and int(c) <= MAX_CODE else _NO_CODE for c in given.c or ()]
        in_regular = not codes or self._in_regular_hours(given.s, given.t)
        bits = bits_of(codes)
        if bits >> 63:
            self.counts["unknown_code"] += 1
        flags = flags_of(codes, in_regular_hours=in_regular, odd_lots=self._odd_lots)
        return Row(given.s, given.t, recv_ms, given.p, given.v, flags, bits)

    def _in_regular_hours(self, symbol: str, ts_ms: int) -> bool:
        calendar = self._calendars.calendar_of(symbol)
        opens, closes = self._regular.get(calendar, (0, 0))
        if opens <= ts_ms < closes:
            return True
        found = self._calendars.bounds(symbol, "regular", ts_ms, ts_ms + 1)
        if len(found) == 0:
            return False
        self._regular[calendar] = int(found[0, 0]), int(found[0, 1])
        return True


def _problem(given: Print, feed_ms: int) -> str:
    if not given.s or len(given.s) > _MAX_SYMBOL:
        return "bad_symbol"
    if not math.isfinite(given.p) or given.p <= 0:
        return "bad_price"
    if not math.isfinite(given.v) or given.v < 0:
        return "bad_size"
    if given.t <= 0:
        return "bad_time"
    if given.t > feed_ms + FUTURE_MS:
        return "future"
    return ""


class FrameMemory:
    """Remembers the frames of the last 5 s of receipt, to know a repeated one (T25)."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._order: deque[tuple[int, int]] = deque()

    def is_repeat(self, text: str | bytes, recv_ms: int) -> bool:
        """Say whether this frame is byte-identical to a recent one, and remember it."""
        while self._order and self._order[0][0] < recv_ms - DUPLICATE_MS:
            self._seen.discard(self._order.popleft()[1])
        key = hash(text)
        if key in self._seen:
            return True
        self._seen.add(key)
        self._order.append((recv_ms, key))
        return False


def pack(rows: list[Row]) -> TradeFrame:
    """Pack rows of one partition, in their order, into columns."""
    index: dict[str, int] = {}
    positions = [index.setdefault(r.symbol, len(index)) for r in rows]
    return TradeFrame(
        tuple(index),
        np.array(positions, np.uint16),
        np.array([r.ts_ms for r in rows], np.int64),
        np.array([r.recv_ms for r in rows], np.int64),
        np.array([r.price for r in rows], np.float64),
        np.array([r.size for r in rows], np.float64),
        np.array([r.flags for r in rows], np.uint8),
        np.array([r.codes for r in rows], np.uint64),
    )


class Partitions:
    """Rows waiting for their batch, by partition."""

    def __init__(self, count: int) -> None:
        self.waiting: list[list[Row]] = [[] for _ in range(count)]
        self._of: dict[str, int] = {}

    def add(self, row: Row) -> int:
        """Put a row into its partition; return how many wait there."""
        partition = self._of.get(row.symbol)
        if partition is None:
            partition = self._of[row.symbol] = partition_of(row.symbol, len(self.waiting))
        self.waiting[partition].append(row)
        return len(self.waiting[partition])

    def take(self, partition: int) -> list[Row]:
        rows, self.waiting[partition] = self.waiting[partition], []
        return rows

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.waiting)
