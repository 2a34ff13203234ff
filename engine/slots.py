"""Watched values: each once for all triggers that read it, counted, and freed by the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.candles import Candles
from engine.indicators import curves
from engine.indicators.column import parse_column
from engine.indicators.curves import LINE
from engine.tables import Tables
from engine.thresholds import Thresholds

_FIELD = {"open": at.OPEN, "high": at.HIGH, "low": at.LOW, "close": at.CLOSE, "volume": at.VOLUME, "vwap": at.VWAP}
Numbers = NDArray[np.int64]


class SlotKey(NamedTuple):
    """One operand value as one kind of trigger reads it: forming or closed, provisional or not."""

    block: int
    lane: int
    column: str
    is_closed: bool
    is_stable_only: bool
    candles: int = 0
    """Not 0: the closed value so many candles before, under which `..._by_pct` leaves of tick triggers stand."""


class DerivedKey(NamedTuple):
    """A value made of two slots, whose thresholds stand for comparing them: left - right, or left / right."""

    kind: int
    left: int
    right: int


Key = tuple[int, int, str, bool, bool, int]
Reading = tuple[int, str, bool, bool, int]
"""A key without its block."""


class Slots:
    """Slots by what they are. A trigger holds the slots it reads, and lets go of them."""

    def __init__(self, tables: Tables, candles: Candles, thresholds: Thresholds) -> None:
        self._tables = tables
        self._candles = candles
        self._thresholds = thresholds
        self.ids: dict[Key, int] = {}
        self.keys: dict[int, Key] = {}
        self._of_reading: dict[Reading, NDArray[np.int32]] = {}
        self._derived: dict[tuple[int, int, int], int] = {}
        self._derived_keys: dict[int, tuple[int, int, int]] = {}
        self._of_block: dict[int, list[int]] = {}

    def hold(self, blocks: Numbers, reading: Reading) -> Numbers:
        """Count one more user of the slot of each block, as often as it is named; return them, made where new."""
        slots = self._by_block(reading, int(blocks.max()))[blocks]
        if slots.min() < 0:
            self.prepare(blocks, [reading])
            slots = self._by_block(reading, 0)[blocks]
        np.add.at(self._tables.qu[:, at.QU_USERS], slots, 1)
        return slots.astype(np.int64)

    def prepare(self, blocks: Numbers, readings: Sequence[Reading]) -> None:
        """Make slots that are new, block by block: what one trade reads stands together."""
        most = int(blocks.max())
        is_new = np.zeros(len(blocks), np.bool_)
        for reading in readings:
            is_new |= self._by_block(reading, most)[blocks] < 0
        new: list[int] = blocks[is_new].tolist()
        for b in dict.fromkeys(new):
            for reading in readings:
                if (b, *reading) not in self.ids:
                    self._add((b, *reading))

    def _by_block(self, reading: Reading, most: int) -> NDArray[np.int32]:
        """Return the slots of a reading by block, -1 where there is none, up to a block at least."""
        known = self._of_reading.get(reading)
        if known is None or most >= len(known):
            larger = np.full(max(most + 1, 0 if known is None else 2 * len(known)), -1, np.int32)
            if known is not None:
                larger[: len(known)] = known
            known = self._of_reading[reading] = larger
        return known

    def hold_derived(self, kind: int, blocks: Numbers, left: Numbers, right: Numbers) -> Numbers:
        """Count one more user of slots made of two others each."""
        found: list[int] = []
        for b, one, other in zip(blocks.tolist(), left.tolist(), right.tolist(), strict=True):
            key = (kind, one, other)
            q = self._derived.get(key)
            if q is None:
                q = self._derived[key] = self._new(b, kind, one, other)
                self._derived_keys[q] = key
            found.append(q)
        slots = np.array(found, np.int64)
        np.add.at(self._tables.qu[:, at.QU_USERS], slots, 1)
        return slots

    def derived(self, kind: int, left: Numbers, right: Numbers) -> Numbers:
        """Return the slots that `hold_derived` gave."""
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        return np.array([self._derived[kind, one, other] for one, other in pairs], np.int64)

    def release(self, slots: Numbers) -> None:
        """Count one user less, for each time a slot is named; free those that nobody holds."""
        users, times = np.unique(slots, return_counts=True)
        qu = self._tables.qu
        qu[users, at.QU_USERS] -= times
        is_held = qu[users, at.QU_USERS] > 0
        self._thresholds.leave(users[is_held], 2 * times[is_held])
        for q in users[~is_held].tolist():
            self._free(q)

    def _add(self, key: Key) -> int:
        t = self._tables
        block, lane, column, is_closed, is_stable_only, candles = key
        if candles:
            base = self.ids[*key[:5], 0]  # the trigger holds it, and lets go of it after this one
            t.qu[base, at.QU_USERS] += 1
            q = self._new(block, at.REFERENCE, base, candles)
            t.qi[q, at.Q_LANE], t.qi[q, at.Q_STABLE] = lane, is_stable_only
        else:
            q = self._new(block, at.FIELD, 0, 0)
            row = t.qi[q]
            row[at.Q_LANE], row[at.Q_CLOSED], row[at.Q_STABLE] = lane, is_closed, is_stable_only
            if column == "price":
                row[at.Q_KIND] = at.PRICE
                self._follow_price(q)
            elif column in _FIELD:
                row[at.Q_INDEX] = _FIELD[column]
                if column == "close":
                    self._follow_price(q)
            else:
                self._candles.ask(block, lane, column)
                i, index = self._candles.row_of(block, lane, column)
                row[at.Q_KIND], row[at.Q_INST] = at.INDICATOR, i
                row[at.Q_INDEX] = int(t.ni[i, at.N_OUT]) + index
                row[at.Q_CURVE] = parse_column(column).curve
            if is_closed:
                t.qv[q, at.QV_NOW] = self._last_closed(key, q)
        self.ids[key] = q
        self.keys[q] = key
        self._by_block(key[1:], block)[block] = q
        return q

    def _follow_price(self, q: int) -> None:
        """Let a slot be a line that is the forming close itself."""
        self._tables.qi[q, at.Q_CURVE] = LINE
        self._tables.qv[q, at.QV_CURVE :] = curves.IDENTITY

    def _new(self, b: int, kind: int, inst: int, index: int) -> int:
        """Return a slot of a block; those it is made from stand before it in the block's list."""
        q = self._tables.add_slot()
        row = self._tables.qi[q]
        row[at.Q_KIND], row[at.Q_INST], row[at.Q_INDEX] = kind, inst, index
        self._tables.qu[q, at.QU_BLOCK] = b
        self._of_block.setdefault(b, []).append(q)
        self._candles.dirty.add(b)
        return q

    def _free(self, q: int) -> None:
        t = self._tables
        b, kind = int(t.qu[q, at.QU_BLOCK]), int(t.qi[q, at.Q_KIND])
        key = self.keys.pop(q, None)
        if key is None:
            del self._derived[self._derived_keys.pop(q)]
        else:
            del self.ids[key]
            self._of_reading[key[1:]][b] = -1
        self._of_block[b].remove(q)
        if kind == at.REFERENCE:
            self.release(t.qi[[q], at.Q_INST])
        elif kind == at.INDICATOR and key is not None:
            self._candles.drop(key[0], key[1], key[2])
        self._thresholds.drop(q)
        t.free_slot(q)
        self._candles.dirty.add(b)

    def _last_closed(self, key: Key, q: int) -> float:
        """Return what the last closed candle says, for triggers of other timeframes set between closes."""
        t = self._tables
        block, lane, column, _, is_stable_only, _ = key
        if t.bi[block, at.I_CLOSED_PARTIAL, lane]:
            return float(t.bf[block, lane, at.PARTIAL_CLOSE]) if column == "close" else float("nan")
        if t.bi[block, at.I_CLOSED, lane] == 0:
            return float("nan")
        if t.qi[q, at.Q_KIND] == at.INDICATOR:
            i = int(t.qi[q, at.Q_INST])
            if is_stable_only and t.nf[i, at.NF_STATE] < t.ni[i, at.N_STABLE]:
                return float("nan")
            return float(t.closed[t.qi[q, at.Q_INDEX]])
        return float(self._candles.ring_rows(block, lane)[-1, t.qi[q, at.Q_INDEX]])

    def reload_closed(self, b: int, lane: int) -> None:
        """Read closed values again after history came in."""
        for q in self._of_block.get(b, ()):
            key = self.keys.get(q)
            if key is not None and key[3] and key[1] == lane:
                self._tables.qv[q, at.QV_NOW] = self._last_closed(key, q)

    def lists_of(self, b: int) -> tuple[list[int], list[list[int]]]:
        """Return the slots of a block that trades change, and by lane those that closes do."""
        of_trades: list[int] = []
        by_lane: list[list[int]] = [[] for _ in range(at.LANES)]
        for q in self._of_block.get(b, ()):
            key = self.keys.get(q)
            if key is not None and key[3]:
                by_lane[key[1]].append(q)
            else:
                of_trades.append(q)
        return of_trades, by_lane
