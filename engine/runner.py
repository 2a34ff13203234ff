"""The compiled loop, driven: entries in, closed candles out, events handed on with their place in the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.candles import SESSIONS, Candles
from engine.closed_candles import CandleRows, ClosedCandles, Picks
from engine.decided import Moment
from engine.kernels import dues, run
from engine.kernels_order import group
from engine.matcher import Matcher
from engine.tables import Tables
from engine.trades import Trades

Places = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
"""Position, mark and receipt of the moments of some decisions."""
Event = tuple[int, int, int, int]
"""What, trigger row, block, decision time: the columns of `engine.layout`."""
_MOST_AT_ONCE = 1 << 19
"""Trades of a batch that are copied, symbol by symbol, at a time: 100 MB, however large the batch is."""


class Entries(NamedTuple):
    """What one run of the kernel takes, symbol by symbol; `order` is each one's place in the log."""

    symbol: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    recv_ms: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]
    flags: NDArray[np.uint8]
    codes: NDArray[np.int64]
    mark_ms: NDArray[np.int64]
    order: NDArray[np.int64]


class _Closed(NamedTuple):
    """Candles as one run of the kernel left them; `places` sorts them into the log."""

    places: NDArray[np.float64]
    ints: NDArray[np.int64]
    floats: NDArray[np.float64]
    values: NDArray[np.float64]
    picks: Sequence[Picks]


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
        symbols = trades.symbol[start : start + _MOST_AT_ONCE]
        order = np.empty(len(symbols), np.int64)
        if group(symbols, spots, order) >= 0:
            known = np.flatnonzero((symbols >= 0) & (symbols < self._tables.symbols))
            self._cursor[at.C_DROPPED + at.UNKNOWN_SYMBOL] += len(symbols) - len(known)
            order = order[: len(known)]
            group(symbols[known], spots, order)
            order = known[order]
        order += start
        # Gathered, not looked up through `order` by the kernel: that misses the cache once an array and trade.
        return Entries(
            trades.symbol[order],
            trades.ts_ms[order],
            trades.recv_ms[order],
            trades.price[order],
            trades.size[order],
            # The two highest bits are ours (marks).
            trades.flags[order] & np.uint8(7),
            trades.codes[order].view(np.int64),
            marks[order],
            order,
        )

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
        places, marks, ints, floats, values, picks = _joined(self._closed)
        self._closed = []
        of = self._tables.bi[ints[:, at.X_BLOCK], at.I_OF]
        symbols, sessions = of[:, at.O_SYMBOL], of[:, at.O_SESSION]
        order = np.lexsort((ints[:, at.X_LANE], sessions, self._candles.ranks()[symbols], marks, places))
        numbers: list[tuple[int, int]] = list(zip(symbols[order].tolist(), sessions[order].tolist(), strict=True))
        names = [(self._candles.symbols[s], SESSIONS[k]) for s, k in numbers]
        sorted_picks = [picks[k] for k in _places(order)] if picks else []
        return ClosedCandles(CandleRows(ints[order], floats[order], values, names, sorted_picks))

    def _run(self, entries: Entries) -> None:
        self._matcher.flush()
        t, cursor = self._tables, self._cursor
        self._make_room()
        cursor[at.C_AT] = cursor[at.C_EVENTS] = cursor[at.C_CANDLES] = cursor[at.C_VALUES] = 0
        cursor[at.C_COUNT] = len(entries.symbol)
        cursor[at.C_MARK] = -1
        cursor[at.C_GRACE] = self._grace_ms
        while True:
            run(
                *entries[:8], cursor, t.si, t.sf, t.bf, t.bi, t.sessions, t.ring, t.links, t.programs, t.ni,
                t.nf, t.forming, t.closed, t.qi, t.qv, t.shapes, t.vi, t.vf, t.gi, t.gt, t.holds,
                t.policies, t.qp,
                t.wt, t.wv, self._events, self._di, self._df, self._xi, self._xf,
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
        if entries.flags[entry] == at.ENTRY_MARK:
            return Moment(0.0, int(entries.ts_ms[entry]), int(entries.recv_ms[entry]))
        return Moment(2.0 * int(entries.order[entry]) + 1.0, -1, int(entries.recv_ms[entry]))

    def _collect(self, entries: Entries) -> None:
        """Keep the closed candles in the output, and empty it."""
        n, used = int(self._cursor[at.C_CANDLES]), int(self._cursor[at.C_VALUES])
        self._cursor[at.C_CANDLES] = self._cursor[at.C_VALUES] = 0
        if not n:
            return
        ints = self._xi[:n].copy()
        marks = ints[:, at.X_MARK]
        order = 2.0 * entries.order[ints[:, at.X_AT]] + 1.0
        places = np.where(marks >= 0, 2.0 * np.searchsorted(self._marks, marks), order)
        # Who watches what may change before somebody looks at the candles: it is noted now.
        lanes: list[list[int]] = ints[:, at.X_BLOCK : at.X_LANE + 1].tolist() if used else []
        picks: list[Picks] = [self._candles.picks_now(b, lane) for b, lane in lanes]
        self._closed.append(_Closed(places, ints, self._xf[:n].copy(), self._xv[:used].copy(), picks))

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
        is_live_mark = ~is_mark & (entries.flags[entry] == at.ENTRY_MARK)
        positions = np.where(is_mark, 2.0 * np.searchsorted(self._marks, marks), 2.0 * entries.order[entry] + 1.0)
        positions[is_live_mark] = 0.0
        receipts = np.where(is_mark, 0, entries.recv_ms[entry])
        stamps = np.where(is_live_mark, entries.ts_ms[entry], marks)
        self._hand_over_decisions(ints, self._df[:used].copy(), (positions, stamps, receipts))

    def _take_events(self, entries: Entries) -> None:
        cursor = self._cursor
        moment = self._moment(entries, int(cursor[at.C_ENTRY]), int(cursor[at.C_MARK]))
        events = [(int(a), int(t), int(b), int(ms)) for a, t, b, ms in self._events[: cursor[at.C_EVENTS]].tolist()]
        cursor[at.C_EVENTS] = 0
        self._hand_over(events, moment)


def _places(order: NDArray[np.intp]) -> list[int]:
    return order.tolist()


def _joined(
    closed: list[_Closed],
) -> tuple[
    NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], list[Picks]
]:
    """Return places, marks, integers, prices, indicator values and picks of all of them."""
    before = 0
    for part in closed:
        part.ints[:, at.X_VALUES] += before
        before += len(part.values)
    ints = np.concatenate([part.ints for part in closed])
    picks: list[Picks] = []
    if before:
        for part in closed:
            picks += part.picks or [None] * len(part.ints)
    return (
        np.concatenate([part.places for part in closed]),
        ints[:, at.X_MARK],
        ints,
        np.concatenate([part.floats for part in closed]),
        np.concatenate([part.values for part in closed]),
        picks,
    )


def _mark_entries(symbols: NDArray[np.int32], feed_ms: int, *, recv_ms: int, is_offline: bool) -> Entries:
    n = len(symbols)
    return Entries(
        symbols.copy(),
        np.full(n, feed_ms, np.int64),
        np.full(n, recv_ms, np.int64),
        np.zeros(n),
        np.zeros(n),
        np.full(n, at.ENTRY_CATCH_UP if is_offline else at.ENTRY_MARK, np.uint8),
        np.zeros(n, np.int64),
        np.full(n, feed_ms if is_offline else -1, np.int64),
        np.zeros(n, np.int64),
    )
