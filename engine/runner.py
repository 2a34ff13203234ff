"""The compiled loop, driven: entries in, closed candles out, events handed on with their place in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.candles import Candles
from engine.closed_candles import CandleRows, ClosedCandles
from engine.decided import Moment
from engine.kernels import dues, run
from engine.kernels_order import arrange
from engine.matcher import Matcher
from engine.tables import Tables, aligned
from engine.trades import Trades

Places = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
"""Position, mark and receipt of the moments of some decisions."""
Event = tuple[int, int, int, int]
"""What, trigger row, block, decision time: the columns of `engine.layout`."""
_MOST_AT_ONCE = 1 << 19
"""Trades of a batch that are copied, symbol by symbol, at a time: 100 MB, however large the batch is."""


class Entries(NamedTuple):
    """What one run of the kernel takes, symbol by symbol: columns EN_... by two views of one memory.

    `order` is each one's place in the log, `runs` where each symbol's entries begin, `latest` the latest time.
    """

    ints: NDArray[np.int64]
    floats: NDArray[np.float64]
    order: NDArray[np.int64]
    runs: NDArray[np.int64]
    latest: int

    @staticmethod
    def room(n: int) -> Entries:
        """Return n entries of which nothing is written yet."""
        ints = aligned((n, at.EN_COLUMNS), np.int64)
        return Entries(ints, ints.view(np.float64), np.empty(n, np.int64), np.arange(n), at.UNSET)

    def first(self, n: int, symbols: int, latest: int) -> Entries:
        return Entries(self.ints[:n], self.floats[:n], self.order[:n], self.runs[:symbols], latest)


class _Closed(NamedTuple):
    """Candles as one run of the kernel left them; `places` sorts them into the log."""

    places: NDArray[np.int64]
    ints: NDArray[np.int64]
    floats: NDArray[np.float64]
    values: NDArray[np.float64]


class Runner:
    """Runs entries through the kernel and collects what it puts out.

    Args:
        take_events: Called with what the kernel stopped for, before it goes on.
        take_decisions: Called with the decisions of a run, their numbers, and their places in the log.
    """

    def __init__(
        self,
        tables: Tables,
        candles: Candles,
        matcher: Matcher,
        *,
        grace_ms: int,
        take_events: Callable[[list[Event], Moment], None],
        take_decisions: Callable[[NDArray[np.int64], NDArray[np.float64], Places], None],
    ) -> None:
        self._tables = tables
        self._candles = candles
        self._matcher = matcher
        self._grace_ms = grace_ms
        self._hand_over = take_events
        self._hand_over_decisions = take_decisions
        self._cursor = np.zeros(at.C_COLUMNS, np.int64)
        self._cursor[at.C_CLOSED_UNTIL] = self._cursor[at.C_FIRST_MARK] = at.UNSET
        self._events = np.zeros((64, at.E_COLUMNS), np.int64)
        self._di = np.zeros((256, at.D_COLUMNS), np.int64)
        self._df = np.zeros(4096)
        self._xi = np.zeros((1024, at.X_COLUMNS), np.int64)
        self._xf = np.zeros((1024, at.Y_COLUMNS))
        self._xv = np.zeros(8192)
        self._marks: NDArray[np.int64] = np.zeros(0, np.int64)
        self._spots = np.zeros(0, np.int64)
        self._room = Entries.room(0)
        self._closed: list[_Closed] = []

    @property
    def closed_until(self) -> int:
        """Every minute before this has been closed by a mark, also an empty one (T14)."""
        return int(self._cursor[at.C_CLOSED_UNTIL])

    @closed_until.setter
    def closed_until(self, ms: int) -> None:
        self._cursor[at.C_CLOSED_UNTIL] = ms

    @property
    def dropped(self) -> dict[str, int]:
        """How many trades were not taken, by reason; to be set by a restore."""
        counts: list[int] = self._cursor[at.C_DROPPED : at.C_COLUMNS].tolist()
        return dict(zip(at.DROPPED, counts, strict=True))

    @dropped.setter
    def dropped(self, counts: dict[str, int]) -> None:
        self._cursor[at.C_DROPPED : at.C_COLUMNS] = [counts[reason] for reason in at.DROPPED]

    def begin_tape(self, from_ms: int) -> None:
        """Note that an offline tape begins here: no mark stands before its first trade (T24)."""
        self._cursor[at.C_FIRST_MARK] = -(-from_ms // at.MARK_MS) * at.MARK_MS

    def close_minutes(self, feed_ms: int) -> None:
        """Note that a mark of this feed time has passed."""
        self.closed_until = max(self.closed_until, (feed_ms - self._grace_ms) // at.MINUTE_MS * at.MINUTE_MS)

    def trades(self, trades: Trades, marks: NDArray[np.int64]) -> None:
        """Take a batch; `marks` is the last mark before each trade, negative where marks come by themselves."""
        self._marks = marks
        for start in range(0, len(trades), _MOST_AT_ONCE):
            self._run(self._trade_entries(trades, marks, start))

    def _trade_entries(self, trades: Trades, marks: NDArray[np.int64], start: int) -> Entries:
        if len(self._spots) < self._tables.symbols:
            self._spots = np.zeros(2 * self._tables.symbols, np.int64)
        spots = self._spots[: self._tables.symbols]
        n = min(len(trades) - start, _MOST_AT_ONCE)
        if len(self._room.order) < n:
            # Kept: to have it new from the system each time costs as much as to fill it.
            self._room = Entries.room(n)
        room = self._room.first(n, n, at.UNSET)
        known, symbols, latest = arrange(
            trades.symbol, trades.ts_ms, trades.recv_ms, trades.price, trades.size, trades.flags,
            trades.codes.view(np.int64), marks, start, spots, *room[:4],
        )  # fmt: skip
        self._cursor[at.C_DROPPED + at.UNKNOWN_SYMBOL] += n - known
        return room.first(known, symbols, latest)

    def mark(self, feed_ms: int, *, recv_ms: int, is_offline: bool) -> None:
        """Do what is due by a mark; offline, what is due by every mark up to it, one after another."""
        t = self._tables
        due = np.empty(t.symbols, np.int32)
        due = due[: dues(t.si, t.bi, t.symbols, self._grace_ms, feed_ms, due)]
        if len(due):
            self._run(_mark_entries(due, feed_ms, recv_ms=recv_ms, is_offline=is_offline))

    def take_candles(self) -> ClosedCandles:
        """Return the candles closed since the last time, in the order in which they were."""
        if not self._closed:
            return ClosedCandles()
        places, ints, floats, values = _joined(self._closed)
        self._closed = []
        order = self._order(places, ints)
        watched = self._candles.watched_now() if len(values) else None
        rows = CandleRows(ints.take(order, 0), floats.take(order, 0), values, self._candles.name_of, watched)
        return ClosedCandles(rows)

    def _order(self, places: NDArray[np.int64], ints: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the candles' order: by place in the log, then by mark, symbol, session and timeframe."""
        marks = ints[:, at.X_MARK]
        if marks.max() < 0 and places.min() > 0:
            # All by trades: those of one trade are one symbol's, and stand as they shall.
            return np.sort(places << 32 | np.arange(len(places))) & 0xFFFFFFFF
        of = self._tables.bi[ints[:, at.X_BLOCK], at.I_OF]
        symbols, sessions = of[:, at.O_SYMBOL], of[:, at.O_SESSION]
        return np.lexsort((ints[:, at.X_LANE], sessions, self._candles.ranks()[symbols], marks, places))

    def _run(self, entries: Entries) -> None:
        self._matcher.flush()
        t, cursor = self._tables, self._cursor
        self._make_room()
        cursor[at.C_AT] = cursor[at.C_EVENTS] = cursor[at.C_CANDLES] = cursor[at.C_VALUES] = 0
        cursor[at.C_COUNT] = len(entries.order)
        cursor[at.C_MARK] = -1
        cursor[at.C_GRACE] = self._grace_ms
        cursor[at.C_LATEST] = entries.latest
        while True:
            run(
                entries.ints, entries.floats, entries.runs, cursor, t.si, t.sf, t.bf, t.bi, t.sessions, t.ring, t.links,
                t.programs, t.ni, t.nf, t.forming, t.closed, t.qi, t.qv, t.shapes, t.vi, t.vf, t.gi, t.gt, t.holds,
                t.policies, t.wt, t.wv, self._events, self._di, self._df, self._xi, self._xf,
                self._xv,
            )  # fmt: skip
            if cursor[at.C_STATUS] == at.HAS_EVENTS:
                self._take_events(entries)
                continue
            is_too_small = cursor[at.C_CANDLES] == 0 and cursor[at.C_DECISIONS] == 0
            self._collect(entries)
            self._collect_decisions(entries)
            if cursor[at.C_STATUS] == at.DONE:
                return
            if is_too_small:
                self._xv = np.zeros(2 * len(self._xv))

    def _make_room(self) -> None:
        """Let the output hold what one entry may lead to, of both sessions' triggers."""
        most, leaves = 2 * self._matcher.max_triggers, 2 * self._matcher.max_leaves
        if len(self._events) < most + 8:
            self._events = np.zeros((most + 8, at.E_COLUMNS), np.int64)
        numbers = most * at.DF_LEAVES + leaves * at.DF_PER_LEAF
        if len(self._di) < 4 * most:
            self._di = np.zeros((8 * most, at.D_COLUMNS), np.int64)
        if len(self._df) < 4 * numbers:
            self._df = np.zeros(8 * numbers)
        self._cursor[at.C_ROOM_ROWS], self._cursor[at.C_ROOM_NUMBERS] = most, numbers
        self._cursor[at.C_DECISIONS] = self._cursor[at.C_NUMBERS] = 0

    def _moment(self, entries: Entries, entry: int, mark_ms: int) -> Moment:
        if mark_ms >= 0:
            # A mark of an offline tape stands before the trades of its instant, whatever symbol they are.
            place = int(np.searchsorted(self._marks, mark_ms, side="left"))
            return Moment(2.0 * place, mark_ms, 0)
        if entries.ints[entry, at.EN_FLAGS] == at.ENTRY_MARK:
            return Moment(0.0, int(entries.ints[entry, at.EN_TS]), int(entries.ints[entry, at.EN_RECV]))
        return Moment(2.0 * int(entries.order[entry]) + 1.0, -1, int(entries.ints[entry, at.EN_RECV]))

    def _collect(self, entries: Entries) -> None:
        """Keep the closed candles in the output, and empty it."""
        n, used = int(self._cursor[at.C_CANDLES]), int(self._cursor[at.C_VALUES])
        self._cursor[at.C_CANDLES] = self._cursor[at.C_VALUES] = 0
        if not n:
            return
        ints = self._xi[:n].copy()
        marks = ints[:, at.X_MARK]
        places = 2 * entries.order[ints[:, at.X_AT]] + 1
        if entries.ints[0, at.EN_FLAGS] == at.ENTRY_MARK:
            places[:] = 0
        is_mark = marks >= 0
        if is_mark.any():
            places[is_mark] = 2 * np.searchsorted(self._marks, marks[is_mark])
        self._closed.append(_Closed(places, ints, self._xf[:n].copy(), self._xv[:used].copy()))

    def _collect_decisions(self, entries: Entries) -> None:
        """Hand on the decisions in the output, and empty it."""
        n, used = int(self._cursor[at.C_DECISIONS]), int(self._cursor[at.C_NUMBERS])
        self._cursor[at.C_DECISIONS] = self._cursor[at.C_NUMBERS] = 0
        if not n:
            return
        ints = self._di[:n].copy()
        entry, marks = ints[:, at.D_AT], ints[:, at.D_MARK]
        # As `_moment` for each.
        is_mark = marks >= 0
        is_live_mark = ~is_mark & (entries.ints[entry, at.EN_FLAGS] == at.ENTRY_MARK)
        positions = np.where(is_mark, 2.0 * np.searchsorted(self._marks, marks), 2.0 * entries.order[entry] + 1.0)
        positions[is_live_mark] = 0.0
        receipts = np.where(is_mark, 0, entries.ints[entry, at.EN_RECV])
        stamps = np.where(is_live_mark, entries.ints[entry, at.EN_TS], marks)
        self._hand_over_decisions(ints, self._df[:used].copy(), (positions, stamps, receipts))

    def _take_events(self, entries: Entries) -> None:
        cursor = self._cursor
        moment = self._moment(entries, int(cursor[at.C_ENTRY]), int(cursor[at.C_MARK]))
        events = [(int(a), int(t), int(b), int(ms)) for a, t, b, ms in self._events[: cursor[at.C_EVENTS]].tolist()]
        cursor[at.C_EVENTS] = 0
        self._hand_over(events, moment)


def _joined(
    closed: list[_Closed],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return places, integers, prices and indicator values of all of them."""
    if len(closed) == 1:
        return closed[0]
    before = 0
    for part in closed:
        part.ints[:, at.X_VALUES] += before
        before += len(part.values)
    return (
        np.concatenate([part.places for part in closed]),
        np.concatenate([part.ints for part in closed]),
        np.concatenate([part.floats for part in closed]),
        np.concatenate([part.values for part in closed]),
    )


def _mark_entries(symbols: NDArray[np.int32], feed_ms: int, *, recv_ms: int, is_offline: bool) -> Entries:
    entries = Entries.room(len(symbols))
    entries.order[:] = 0
    entries.floats[:] = 0.0
    ints = entries.ints
    ints[:, at.EN_SYMBOL], ints[:, at.EN_TS], ints[:, at.EN_RECV] = symbols, feed_ms, recv_ms
    ints[:, at.EN_CODES] = 0
    ints[:, at.EN_FLAGS] = at.ENTRY_CATCH_UP if is_offline else at.ENTRY_MARK
    ints[:, at.EN_MARK] = feed_ms if is_offline else -1
    return entries._replace(latest=feed_ms)
