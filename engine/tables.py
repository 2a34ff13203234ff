"""The engine's memory: tables that grow by doubling, and the compiled loop's view of them."""

from __future__ import annotations

import contextlib
import math
import mmap
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.indicators.state import RING_FIELDS

_N = TypeVar("_N", bound=np.generic)


_LINE = 64
"""Bytes of a cache line: rows of a table are made to begin with one."""


_LARGE = 4 << 20
"""From here on, huge pages: of 4 KiB ones a restored engine takes a quarter of a million faults, half of its time."""


def aligned(shape: tuple[int, ...], kind: type[_N]) -> NDArray[_N]:
    """Return zeros whose first row begins with a cache line; what is never written takes no memory."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    if size >= _LARGE and hasattr(mmap, "MADV_HUGEPAGE"):
        pages = mmap.mmap(-1, size)
        with contextlib.suppress(OSError):  # a kernel without them
            pages.madvise(mmap.MADV_HUGEPAGE)
        return np.frombuffer(pages, kind, size // np.dtype(kind).itemsize).reshape(shape)
    memory = np.zeros(size + _LINE, np.uint8)
    begin = -memory.ctypes.data % _LINE
    return memory[begin : begin + size].view(kind).reshape(shape)


def _grown(table: NDArray[_N], rows: int) -> NDArray[_N]:
    """Return the table, or a larger copy with zeroed new rows, so that it has at least `rows`."""
    if rows <= len(table):
        return table
    larger = aligned((max(rows, 2 * len(table)), *table.shape[1:]), table.dtype.type)
    larger[: len(table)] = table
    return larger


def spans(firsts: NDArray[np.integer], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the numbers of all rows of some runs, one run after another."""
    ends = np.cumsum(lengths, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(firsts - (ends - lengths), lengths)


class Tables:
    """All arrays of one engine; `engine.layout` says what stands where. Rows are given out, and freed here."""

    def __init__(self) -> None:
        self.si = aligned((16, at.S_WIDTH), np.int64)
        self.sf = aligned((16, at.SF_WIDTH), np.float64)
        self.bf = aligned((16, at.F_ROWS, at.PADDED), np.float64)
        self.bi = aligned((16, at.I_ROWS, at.PADDED), np.int64)
        self.sessions = np.zeros((1, 2), np.int64)
        self.ring = np.zeros(1024)
        self.links = np.zeros(256, np.int64)
        self.programs = np.zeros(256, np.int64)
        self.ni = aligned((16, at.N_COLUMNS), np.int64)
        self.nf = aligned((16, at.NF_COLUMNS), np.float64)
        self.forming = np.zeros(64)
        self.closed = np.zeros(64)
        self.qi = aligned((16, at.Q_COLUMNS), np.int64)
        self.qu = np.zeros((16, at.QU_COLUMNS), np.int64)
        self.qv = aligned((16, at.QV_COLUMNS), np.float64)
        self.wt = np.zeros(256)
        self.wv = np.zeros(256, np.int32)
        self.shapes = np.zeros((16, at.SH_COLUMNS), np.int64)
        self.vi = np.zeros((16, at.V_COLUMNS), np.int32)
        self.vf = np.zeros(64)
        self.policies = np.zeros((16, at.P_COLUMNS), np.int64)
        self.gi = aligned((16, at.G_COLUMNS), np.int32)
        self.gt = aligned((16,), np.int64)
        self.holds = np.zeros((16, at.HO_COLUMNS), np.int64)
        self.hold_trades = np.zeros((16, at.HF_COLUMNS))
        self.symbols = 0
        self.blocks = 0
        self._ring_used = 0
        self._ring_free: dict[int, list[int]] = {}
        self._programs_used = 0
        self._known_programs: dict[tuple[int, ...], int] = {}
        self._known_policies: dict[tuple[int, ...], int] = {}
        self._known_shapes: dict[tuple[int, ...], int] = {}
        self._indicators = _Rows()
        self._outputs = _Spans(at.SCRATCH)
        self._slots = _Rows()
        self._leaves = _Spans()
        self._numbers = _Spans()
        self._holds = _Rows()
        self._thresholds = _Spans()
        self._triggers = _Rows()

    def reserve(self, *, symbols: int, blocks: int, cells: int) -> None:
        """Make room at once for what will be added: cells are those of all rings."""
        self.si, self.sf = _grown(self.si, symbols), _grown(self.sf, symbols)
        self.bf, self.bi = _grown(self.bf, blocks), _grown(self.bi, blocks)
        self.ring = _grown(self.ring, cells)

    def add_symbol(self) -> int:
        s = self.symbols
        self.symbols = s + 1
        self.si = _grown(self.si, s + 1)
        self.sf = _grown(self.sf, s + 1)
        self.si[s, at.S_REGULAR] = self.si[s, at.S_EXTENDED] = -1
        self.si[s, at.S_CLOSED_UNTIL] = self.si[s, at.S_MINUTE] = self.si[s, at.S_MARK] = at.UNSET
        self.si[s, at.S_PRICE_TS] = self.si[s, at.S_PREV_PRICE_TS] = self.si[s, at.S_LAST_TS] = at.UNSET
        self.sf[s] = np.nan
        return s

    def add_block(self, ring_candles: int) -> int:
        b = self.blocks
        self.blocks = b + 1
        self.bf = _grown(self.bf, b + 1)
        self.bi = _grown(self.bi, b + 1)
        self.bf[b] = np.nan
        row = self.bi[b]
        row[at.I_TIME] = at.NEVER
        row[at.I_TIME, at.T_SESSION_OPEN] = at.NEVER
        row[at.I_TIME, at.T_SESSION_CLOSE] = at.UNSET
        row[at.I_TIME, at.T_MINUTE] = at.UNSET
        row[at.I_LAST, at.L_TS] = row[at.I_LAST, at.L_FIRST_TS] = row[at.I_LAST, at.L_COVER_FROM] = at.UNSET
        row[at.I_START] = row[at.I_CLOSED_START] = row[at.I_END] = at.UNSET
        for lane in range(at.LANES):
            row[at.I_RING_CAP, lane] = ring_candles
            row[at.I_RING_OFF, lane] = self.add_cells(RING_FIELDS * ring_candles)
        return b

    def add_ring(self, cells: int) -> int:
        """Return the offset of so many NaN cells."""
        off = self.add_cells(cells)
        self.ring[off : off + cells] = np.nan
        return off

    def add_cells(self, cells: int) -> int:
        """Return the offset of so many cells that are written before they are read: new ones take no memory yet."""
        freed = self._ring_free.get(cells)
        if freed:
            off = freed.pop()
        else:
            off = self._ring_used
            self._ring_used += cells
            self.ring = _grown(self.ring, self._ring_used)
        return off

    def free_ring(self, off: int, cells: int) -> None:
        if cells:
            self._ring_free.setdefault(cells, []).append(off)

    def add_program(self, words: tuple[int, ...]) -> int:
        """Return where this program stands; equal ones are stored once and never freed."""
        known = self._known_programs.get(words)
        if known is None:
            known = self._programs_used
            self._programs_used += len(words)
            self.programs = _grown(self.programs, self._programs_used)
            self.programs[known : self._programs_used] = words
            self._known_programs[words] = known
        return known

    def add_policy(self, row: tuple[int, ...], template: int = -1) -> int:
        """Return where this policy stands, columns P_...; equal ones of a template are stored once, never freed."""
        key = (template, *row)
        known = self._known_policies.get(key)
        if known is None:
            known = self._known_policies[key] = len(self._known_policies)
            self.policies = _grown(self.policies, known + 1)
            self.policies[known] = row
        return known

    def add_shape(self, row: tuple[int, ...]) -> int:
        """Return where this shape of a leaf stands, columns SH_...; equal ones are stored once and never freed."""
        known = self._known_shapes.get(row)
        if known is None:
            known = self._known_shapes[row] = len(self._known_shapes)
            self.shapes = _grown(self.shapes, known + 1)
            self.shapes[known] = row
        return known

    def add_indicators(self, count: int, width: int) -> NDArray[np.int32]:
        """Return the rows of so many indicators (one at least) that have `width` outputs each."""
        rows, outs = self._indicators.take_many(count), self._outputs.take_many(count, width)
        self.ni = _grown(self.ni, int(rows.max()) + 1)
        self.nf = _grown(self.nf, int(rows.max()) + 1)
        self.forming = _grown(self.forming, int(outs.max()) + width)
        self.closed = _grown(self.closed, int(outs.max()) + width)
        places = spans(outs, np.full(count, width))
        self.forming[places] = self.closed[places] = np.nan
        self.ni[rows] = 0
        self.nf[rows] = 0.0
        self.ni[rows, at.N_OUT] = outs
        self.ni[rows, at.N_WIDTH] = width
        return rows

    def free_indicator(self, i: int) -> None:
        self._outputs.free(int(self.ni[i, at.N_OUT]), int(self.ni[i, at.N_WIDTH]))
        self._indicators.free(i)

    def add_slot(self) -> int:
        q = self._slots.take()
        self.qi = _grown(self.qi, q + 1)
        self.qv = _grown(self.qv, q + 1)
        self.qu = _grown(self.qu, q + 1)
        self.qi[q] = 0
        self.qu[q] = 0
        self.qv[q] = np.nan
        return q

    def free_slot(self, q: int) -> None:
        self.free_thresholds(q)
        self._slots.free(q)

    def room_for_thresholds(self, q: int, n: int) -> None:
        """Let a slot have room for n thresholds in all; those it has move along."""
        row = self.qi[q]
        if n <= row[at.Q_CAP]:
            return
        step = max(2, 1 << max(0, n.bit_length() - 3))  # four sizes between powers of two
        cap = -(-n // step) * step
        new, old, used = self._thresholds.take(cap), int(row[at.Q_OFF]), int(row[at.Q_N])
        self.wt = _grown(self.wt, new + cap)
        self.wv = _grown(self.wv, new + cap)
        self.wt[new : new + used] = self.wt[old : old + used]
        self.wv[new : new + used] = self.wv[old : old + used]
        self.free_thresholds(q)
        row[at.Q_OFF], row[at.Q_N], row[at.Q_CAP] = new, used, cap

    def free_thresholds(self, q: int) -> None:
        row = self.qi[q]
        if row[at.Q_CAP]:
            self._thresholds.free(int(row[at.Q_OFF]), int(row[at.Q_CAP]))
        row[at.Q_OFF] = row[at.Q_N] = row[at.Q_CAP] = 0

    def add_leaves(self, count: int, leaves: int, *, rows: int, width: int) -> NDArray[np.int64]:
        """Return the first leaf of each of `count` triggers; those of one stand together, and so do their numbers.

        Args:
            leaves: How many leaves each trigger has.
            rows: How many rows these have: the second ones stand behind all first ones.
            width: How many numbers its leaves have in all. V_NUMBERS of the first leaf is where they begin.
        """
        first, numbers = self._leaves.take_many(count, rows, leaves), self._numbers.take_many(count, width)
        self.vi = _grown(self.vi, int(first.max()) + rows)
        self.vf = _grown(self.vf, int(numbers.max()) + width)
        every = (first[:, None] + np.arange(rows)).ravel()
        self.vi[every] = 0
        self.vi[first, at.V_NUMBERS] = numbers
        self.vf[(numbers[:, None] + np.arange(width)).ravel()] = np.nan
        return first

    def sides_of(self, leaves: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the slots that some leaves read: left, right, upper; -1 where a side is none."""
        rows = self.vi[leaves]
        more = self.shapes[rows[:, at.V_SHAPE], at.SH_MORE]
        others = np.where(more[:, None] > 0, self.vi[leaves + more, at.M_RIGHT : at.M_UPPER + 1], -1).astype(np.int64)
        return rows[:, at.V_LEFT].astype(np.int64), others[:, 0], others[:, 1]

    def width_of(self, v: int) -> int:
        """Return how many numbers a leaf has."""
        return int(self.shapes[self.vi[v, at.V_SHAPE], at.SH_WIDTH])

    def numbers_of(self, v: int) -> NDArray[np.float64]:
        """Return a leaf's numbers, columns W_..., as a view."""
        first = int(self.vi[v, at.V_NUMBERS])
        return self.vf[first : first + self.width_of(v)]

    def free_leaves(self, first: NDArray[np.int64], leaves: int, *, rows: int, width: int) -> None:
        """Free what `add_leaves` gave."""
        self._numbers.free_many(self.vi[first, at.V_NUMBERS].tolist(), width)
        self._leaves.free_many(first.tolist(), rows, leaves)

    def add_triggers(self, count: int) -> NDArray[np.int32]:
        rows = self._triggers.take_many(count)
        self.gi = _grown(self.gi, int(rows.max()) + 1)
        self.gt = _grown(self.gt, int(rows.max()) + 1)
        self.gi[rows] = 0
        self.gi[rows, at.G_BITS] = at.UNKNOWN
        self.gi[rows, at.G_CANDLE] = at.NO_MINUTE
        self.gt[rows] = at.UNSET
        return rows

    def free_triggers(self, rows: NDArray[np.int32]) -> None:
        self._triggers.free_many(rows.tolist())

    def hold_of(self, t: int) -> NDArray[np.int64] | None:
        """Return a trigger's pending hold, columns HO_..., as a view; None without one."""
        row = int(self.gi[t, at.G_HOLD])
        return self.holds[row - 1] if row else None

    def begin_hold(self, t: int) -> int:
        """Return the row of a hold that the trigger has from now on: its own, or a new one."""
        row = int(self.gi[t, at.G_HOLD]) - 1
        if row < 0:
            row = self._holds.take()
            self.holds = _grown(self.holds, row + 1)
            self.hold_trades = _grown(self.hold_trades, row + 1)
            self.gi[t, at.G_HOLD] = row + 1
        return row

    def end_hold(self, t: int) -> None:
        if self.gi[t, at.G_HOLD]:
            self._holds.free(int(self.gi[t, at.G_HOLD]) - 1)
            self.gi[t, at.G_HOLD] = 0

    def put_links(self, off: int, words: list[int]) -> None:
        self.links = _grown(self.links, off + len(words))
        self.links[off : off + len(words)] = words

    def add_sessions(self, bounds: NDArray[np.int64]) -> int:
        off = len(self.sessions)
        self.sessions = np.concatenate((self.sessions, bounds))
        return off


class _Rows:
    """Row numbers: freed ones are given out again, the last freed first."""

    __slots__ = ("_free", "_next")

    def __init__(self) -> None:
        self._next = 0
        self._free: list[int] = []

    def take(self) -> int:
        if self._free:
            return self._free.pop()
        self._next += 1
        return self._next - 1

    def take_many(self, count: int) -> NDArray[np.int32]:
        freed = min(count, len(self._free))
        again = [self._free.pop() for _ in range(freed)]
        new = np.arange(self._next, self._next + count - freed, dtype=np.int32)
        self._next += len(new)
        return np.concatenate((np.array(again, np.int32), new))

    def free(self, row: int) -> None:
        self._free.append(row)

    def free_many(self, rows: list[int]) -> None:
        self._free += rows


class _Spans:
    """Runs of rows; freed ones are given out again to the same length and kind.

    Kinds keep apart what must not come to stand in another's place: a threshold that outlives its leaf may find
    another leaf there, but never a second row.
    """

    __slots__ = ("_free", "_next")

    def __init__(self, begin: int = 0) -> None:
        self._next = begin
        self._free: dict[tuple[int, int], list[int]] = {}

    def take(self, n: int) -> int:
        freed = self._free.get((n, 0))
        if freed:
            return freed.pop()
        self._next += n
        return self._next - n

    def take_many(self, count: int, n: int, kind: int = 0) -> NDArray[np.int64]:
        free = self._free.get((n, kind), [])
        freed = min(count, len(free))
        again = [free.pop() for _ in range(freed)]
        new = self._next + n * np.arange(count - freed)
        self._next += n * len(new)
        return np.concatenate((np.array(again, np.int64), new))

    def free(self, first: int, n: int) -> None:
        self._free.setdefault((n, 0), []).append(first)

    def free_many(self, firsts: list[int], n: int, kind: int = 0) -> None:
        if n:
            self._free.setdefault((n, kind), []).extend(firsts)
