"""Watched values: each once for all triggers that read it, counted, and freed by the last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


class Slots:
    """Slots by what they are. A trigger holds the slots it reads, and lets go of them."""

    def __init__(self, tables: Tables, candles: Candles, thresholds: Thresholds) -> None:
        self._tables = tables
        self._candles = candles
        self._thresholds = thresholds
        self.ids: dict[Key, int] = {}
        self.keys: dict[int, Key] = {}
        self._derived: dict[tuple[int, int, int], int] = {}
        self._derived_keys: dict[int, tuple[int, int, int]] = {}
        self._of_block: dict[int, dict[int, Key | None]] = {}

    def hold(self, keys: Sequence[Key]) -> Numbers:
        """Count one more user of each slot; return them, made where they are new."""
        found = list(map(self.ids.get, keys))
        if None in found:
            found = [self.ids[key] if key in self.ids else self._add(key) for key in keys]
        slots = np.array(found, np.int64)
        np.add.at(self._tables.qu[:, at.QU_USERS], slots, 1)
        return slots

    def prepare(self, blocks: Iterable[int], readings: Sequence[tuple[int, str, bool, bool, int]]) -> None:
        """Make slots that are new, block by block: what one trade reads stands together."""
        for b in blocks:
            for reading in readings:
                if (b, *reading) not in self.ids:
                    self._add((b, *reading))

    def hold_derived(self, kind: int, blocks: Iterable[int], left: Numbers, right: Numbers) -> Numbers:
        """Count one more user of slots made of two others each."""
        found: list[int] = []
        for b, one, other in zip(blocks, left.tolist(), right.tolist(), strict=True):
            key = (kind, one, other)
            q = self._derived.get(key)
            if q is None:
                q = self._derived[key] = self._new(b, kind, one, other, None)
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
            q = self._new(block, at.REFERENCE, base, candles, key)
            t.qi[q, at.Q_LANE], t.qi[q, at.Q_STABLE] = lane, is_stable_only
        else:
            q = self._new(block, at.FIELD, 0, 0, key)
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
        return q

    def _follow_price(self, q: int) -> None:
        """Let a slot be a line that is the forming close itself."""
        self._tables.qi[q, at.Q_CURVE] = LINE
        self._tables.qv[q, at.QV_CURVE :] = curves.IDENTITY

    def _new(self, b: int, kind: int, inst: int, index: int, key: Key | None) -> int:
        """Return a slot of a block; those it is made from stand before it in the block's list."""
        q = self._tables.add_slot()
        row = self._tables.qi[q]
        row[at.Q_KIND], row[at.Q_INST], row[at.Q_INDEX] = kind, inst, index
        self._tables.qu[q, at.QU_BLOCK] = b
        self._of_block.setdefault(b, {})[q] = key
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
        del self._of_block[b][q]
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
        for q, key in self._of_block.get(b, {}).items():
            if key is not None and key[3] and key[1] == lane:
                self._tables.qv[q, at.QV_NOW] = self._last_closed(key, q)

    def lists_of(self, b: int) -> tuple[list[int], list[list[int]]]:
        """Return the slots of a block that trades change, and by lane those that closes do."""
        slots = self._of_block.get(b, {})
        by_lane: list[list[int]] = [[] for _ in range(at.LANES)]
        for q, key in slots.items():
            if key is not None and key[3]:
                by_lane[key[1]].append(q)
        return [q for q, key in slots.items() if key is None or not key[3]], by_lane
