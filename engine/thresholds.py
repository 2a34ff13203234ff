"""The sorted thresholds of the slots: new ones are gathered, and merged in before the kernel runs again."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.kernels_wake import insert_thresholds
from engine.tables import Tables

_MOST_STALE = 32
"""Stale thresholds that a slot may always have."""


class Thresholds:
    """At which values of a slot the result of which leaf may change.

    One that is no longer wanted stays for a while: it wakes a trigger for nothing, or nobody. When a slot has
    more of those than others, they are swept out.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._new: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]] = []
        self._stale: Counter[int] = Counter()

    def add(self, slots: NDArray[np.int64], values: NDArray[np.float64], leaves: NDArray[np.int64]) -> None:
        """Wake each leaf's trigger when its slot passes or touches its value."""
        self._new.append((slots, values, leaves))

    def leave(self, slots: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Note that so many thresholds of each slot, or fewer, are no longer wanted."""
        self._stale.update(dict(zip(slots.tolist(), counts.tolist(), strict=True)))

    def drop(self, q: int) -> None:
        """Forget the thresholds of a slot that goes."""
        if self._new:
            self._merge()  # while its number is still its own
        self._stale.pop(q, None)

    def flush(self) -> None:
        """Merge what was added; sweep where too much is stale."""
        if self._new:
            self._merge()
        if self._stale:
            qi = self._tables.qi
            for q in [q for q, n in self._stale.items() if n > _MOST_STALE and 2 * n > qi[q, at.Q_N]]:
                self._sweep(q)
                del self._stale[q]

    def _merge(self) -> None:
        t = self._tables
        slots, values, leaves = (np.concatenate(columns) for columns in zip(*self._new, strict=True))
        self._new.clear()
        order = np.lexsort((values, slots))
        slots = slots[order]
        firsts = np.flatnonzero(np.append(True, slots[1:] != slots[:-1]))
        for q, n in zip(slots[firsts].tolist(), np.diff(np.append(firsts, len(slots))).tolist(), strict=True):
            t.room_for_thresholds(q, int(t.qi[q, at.Q_N]) + n)
        insert_thresholds(t.qi, t.qv, t.wt, t.wv, slots, values[order], leaves[order])

    def _sweep(self, q: int) -> None:
        """Keep the thresholds that a leaf of a trigger in force has, each once."""
        t = self._tables
        off, n = int(t.qi[q, at.Q_OFF]), int(t.qi[q, at.Q_N])
        values, leaves = t.wt[off : off + n], t.wv[off : off + n]
        vi = t.vi[leaves]
        trigger = t.gi[vi[:, at.V_TRIGGER]]
        place = leaves - trigger[:, at.G_LEAF]
        count = t.policies[trigger[:, at.G_POLICY], at.P_LEAVES]
        is_wanted = (trigger[:, at.G_BITS] >> at.LIST_SHIFT != 0) & (place >= 0) & (place < count)
        if t.qi[q, at.Q_KIND] in (at.DIFFERENCE, at.RATIO):
            one, other = t.qi[q, at.Q_INST], t.qi[q, at.Q_INDEX]
            left, right, upper = t.sides_of(leaves.astype(np.int64))
            is_wanted &= (left == one) & ((right == other) | (upper == other))
        else:
            is_wanted &= vi[:, at.V_LEFT] == q
        number, h, upper = self._constants(vi)
        share = number / 100.0
        possible = (number, upper, number - h, number + h, 1.0 + share, 1.0 - share, np.zeros(n))
        is_wanted &= np.any([values == one for one in possible], axis=0)
        kept = np.unique(np.rec.fromarrays((values[is_wanted], leaves[is_wanted])))
        t.wt[off : off + len(kept)] = kept["f0"]
        t.wv[off : off + len(kept)] = kept["f1"]
        t.qi[q, at.Q_N] = len(kept)
        t.qv[q, at.QV_LOW], t.qv[q, at.QV_HIGH] = np.inf, -np.inf

    def _constants(self, vi: NDArray[np.int32]) -> tuple[NDArray[np.float64], ...]:
        """Return the leaves' numbers that are given: right side, hysteresis, upper bound; NaN where one is not."""
        t = self._tables
        width = t.shapes[vi[:, at.V_SHAPE], at.SH_WIDTH]
        first = vi[:, at.V_NUMBERS].astype(np.int64)
        last = len(t.vf) - 1

        def column(which: int) -> NDArray[np.float64]:
            return np.where(width > which, t.vf[np.minimum(first + which, last)], np.nan)

        return column(at.W_RIGHT), column(at.W_HYSTERESIS), column(at.W_UPPER)
