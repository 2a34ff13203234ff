"""Triggers in the tables: compiled when they are set, freed when they go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from engine import layout as at
from engine.candles import LANE_OF, Candles
from engine.condition import Condition, Leaf, Operand, Schedule, TriggerSpec
from engine.kernels_lists import join_list, leave_all
from engine.tables import Tables
from engine.thresholds import Thresholds

_FIELD = {"open": at.OPEN, "high": at.HIGH, "low": at.LOW, "close": at.CLOSE, "volume": at.VOLUME, "vwap": at.VWAP}
_SEEN = (at.W_NOW_L, at.W_BEFORE_L, at.W_BEFORE_R, at.W_NOW_R, at.W_BEFORE_U, at.W_NOW_U)
"""Those of a leaf's numbers that trades have made."""
_OPERATOR = {name: number for number, name in enumerate(at.OPERATORS)}


@dataclass(frozen=True, slots=True)
class SlotKey:
    """One operand value as one kind of trigger reads it: forming or closed, provisional or not."""

    block: int
    lane: int
    column: str
    is_closed: bool
    is_stable_only: bool
    candles: int = 0
    """Not 0: the closed value so many candles before, under which `..._by_pct` leaves of tick triggers stand."""


@dataclass(frozen=True, slots=True)
class DerivedKey:
    """A value made of two slots, whose thresholds stand for comparing them: left - right, or left / right."""

    kind: int
    left: int
    right: int


@dataclass(slots=True)
class ArmedTrigger:
    """One trigger on one symbol: a row of the tables."""

    row: int
    spec: TriggerSpec
    symbol: str
    block: int
    lane: int
    leaves: tuple[Leaf, ...]
    slots: list[SlotKey] = field(default_factory=list[SlotKey])
    derived: list[DerivedKey] = field(default_factory=list[DerivedKey])

    @property
    def is_closed(self) -> bool:
        return self.spec.evaluate == "candle_close"


@dataclass(slots=True)
class Entry:
    """A trigger in force: its version, and a row for each of its symbols."""

    spec: TriggerSpec
    rows: dict[str, ArmedTrigger]
    is_paused: bool = False
    next_due_ms: int | None = None
    """Time triggers: the next scheduled instant; None when not known yet or never again."""


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Yield the leaves in the order of the program."""
    if isinstance(condition, Leaf):
        yield condition
    else:
        for child in condition.children:
            yield from leaves_of(child)


def program_of(condition: Condition) -> tuple[int, ...]:
    """Return the expression as postfix words over leaf numbers."""
    if isinstance(condition, Leaf):
        return (0,)
    words: list[int] = []
    number = 0

    def visit(node: Condition) -> None:
        nonlocal number
        if isinstance(node, Leaf):
            words.append(number)
            number += 1
            return
        for child in node.children:
            visit(child)
        if node.kind == "not":
            words.append(at.PROGRAM_NOT)
        else:
            n = len(node.children)
            words.append(at.program_all(n) if node.kind == "all" else at.program_any(n))

    visit(condition)
    return tuple(words)


def width_of(leaf: Leaf) -> int:
    """Return how many numbers a leaf has in the tables."""
    if leaf.operator in ("inside", "outside"):
        return at.W_BOUNDED
    is_plain = not isinstance(leaf.right, Operand) and not leaf.hysteresis and not leaf.candles
    return at.W_PLAIN if is_plain else at.W_COMPARED


def shape_of(leaf: Leaf, *, is_closed: bool) -> tuple[int, ...]:
    """Return a leaf's columns SH_... of `engine.layout`."""
    return (
        _OPERATOR[leaf.operator], LANE_OF[leaf.timeframe], leaf.within_candles, leaf.candles, is_closed, width_of(leaf),
    )  # fmt: skip


def policy_of(spec: TriggerSpec, leaves: tuple[Leaf, ...], program: tuple[int, int]) -> tuple[int, ...]:
    """Return what the kernel needs to know of a trigger, columns P_... of `engine.layout`.

    Args:
        program: Where its program stands, and how many words it has.
    """
    is_closed = spec.evaluate == "candle_close"
    operands = [x for leaf in leaves for x in (leaf.left, leaf.right, leaf.upper) if isinstance(x, Operand)]
    # Judged at a close, `price` is read of the trigger's own candle (T16).
    own = spec.timeframe if spec.evaluate == "candle_close" else ""
    lanes = {LANE_OF[x.timeframe or own] for x in operands if x.timeframe or own}
    hold = spec.hold
    return (
        spec.valid_from_ms if spec.valid_from_ms is not None else at.UNSET,
        spec.valid_until_ms if spec.valid_until_ms is not None else at.NEVER,
        spec.max_firings,
        spec.condition is not None,
        at.FIRE.index(spec.fire),
        at.REARM.index(spec.rearm),
        spec.cooldown_ms,
        spec.max_firings_per_session,
        # A hold that its edge fulfils is none.
        hold is not None and (hold.trades or hold.candles) != 1,
        sum(1 << lane for lane in lanes),
        not is_closed and any(x.name != "price" for x in operands),
        LANE_OF[spec.timeframe],
        is_closed,
        len(leaves),
        *program,
        # right - h is rounded, and so is left - right: no threshold tells when one passes the other.
        not is_closed and any(leaf.hysteresis > 0.0 and isinstance(leaf.right, Operand) for leaf in leaves),
    )


class Matcher:
    """All triggers and what they read, in the kernel's tables."""

    def __init__(self, tables: Tables, candles: Candles) -> None:
        self._tables = tables
        self._candles = candles
        self.entries: dict[str, Entry] = {}
        self.armed: dict[int, ArmedTrigger] = {}
        self.slots: dict[SlotKey, int] = {}
        self._slot_users: dict[int, int] = {}
        self._derived: dict[DerivedKey, int] = {}
        self._block_slots: dict[int, dict[int, SlotKey | None]] = {}
        self._block_triggers: dict[int, int] = {}
        self._timed: dict[str, Entry] = {}
        self._thresholds = Thresholds(tables)
        self._links_used = 0
        self._links_live: dict[int, int] = {}
        self._block_leaves: dict[int, int] = {}
        self.max_triggers = 0
        """No block has ever had more; so with `max_leaves`."""
        self.max_leaves = 0

    def set(self, spec: TriggerSpec) -> Entry:
        """Put a trigger in force on its symbols; the one of that id must be gone."""
        entry = Entry(spec, {})
        self.entries[spec.trigger_id] = entry
        if spec.schedule is not None:
            self._timed[spec.trigger_id] = entry
        for symbol in spec.symbols:
            entry.rows[symbol] = self._arm(spec, symbol)
        return entry

    def remove(self, trigger_id: str) -> None:
        entry = self.entries.pop(trigger_id)
        self._timed.pop(trigger_id, None)
        for armed in entry.rows.values():
            self._disarm(armed)

    def pause(self, entry: Entry) -> None:
        """Take a trigger out of the lists that the kernel walks."""
        entry.is_paused = True
        for armed in entry.rows.values():
            self._join(armed, at.LIST_PAUSED)

    def resume(self, entry: Entry) -> None:
        entry.is_paused = False
        for armed in entry.rows.values():
            self.forget(armed)
            self._join(armed, at.LIST_CLOSE + armed.lane if armed.is_closed else at.LIST_ACTIVE)

    def forget(self, armed: ArmedTrigger) -> None:
        """Make the next evaluation a baseline: state and previous values are unknown again (T2)."""
        t = self._tables
        t.gi[armed.row, at.G_STATE] = at.UNKNOWN
        t.gi[armed.row, at.G_SIGNS] &= ~at.SIGN_GAP
        first = int(t.gi[armed.row, at.G_LEAF])
        for v in range(first, first + len(armed.leaves)):
            numbers = t.numbers_of(v)
            numbers[[w for w in _SEEN if w < len(numbers)]] = np.nan
        self.judge_next(armed)

    def judge_next(self, armed: ArmedTrigger) -> None:
        """Let the next trade judge a tick trigger whatever its values do (it has a hold, or forgot them)."""
        if self._tables.gi[armed.row, at.G_LIST] == at.LIST_IDLE:
            self._join(armed, at.LIST_ACTIVE)

    def _join(self, armed: ArmedTrigger, which: int) -> None:
        if armed.spec.condition is not None:
            join_list(self._tables.gi, self._tables.bi, armed.row, which)

    def of_block(self, b: int) -> Iterator[ArmedTrigger]:
        """Yield the triggers with a condition that read a block, paused ones too."""
        t = self._tables
        heads = t.bi[b, at.I_HEADS, : at.LIST_IDLE].tolist()
        for first in [*heads, int(t.bi[b, at.I_LATCHED, at.H_PAUSED])]:
            following = first
            while following > 0:
                armed = self.armed[following - 1]
                following = int(t.gi[following - 1, at.G_NEXT])
                yield armed

    def _arm(self, spec: TriggerSpec, symbol: str) -> ArmedTrigger:
        s = self._candles.symbol_id(symbol)
        b = self._candles.block(s, spec.session)
        t = self._tables
        leaves = () if spec.condition is None else tuple(leaves_of(spec.condition))
        armed = ArmedTrigger(t.add_trigger(), spec, symbol, b, LANE_OF[spec.timeframe], leaves)
        row = t.gi[armed.row]
        row[at.G_BLOCK], row[at.G_POLICY] = b, t.add_policy(policy_of(spec, leaves, self._program(spec)))
        if spec.condition is not None:
            first = t.add_leaves([width_of(leaf) for leaf in leaves])
            row[at.G_LEAF] = first
            for number, leaf in enumerate(leaves):
                self._compile(armed, first + number, leaf)
            self._join(armed, at.LIST_CLOSE + armed.lane if armed.is_closed else at.LIST_ACTIVE)
        self.armed[armed.row] = armed
        count = self._block_triggers[b] = self._block_triggers.get(b, 0) + 1
        self.max_triggers = max(self.max_triggers, count)
        leaf_count = self._block_leaves[b] = self._block_leaves.get(b, 0) + len(leaves)
        self.max_leaves = max(self.max_leaves, leaf_count)
        return armed

    def _program(self, spec: TriggerSpec) -> tuple[int, int]:
        """Return where the expression's program stands, and its length."""
        if spec.condition is None:
            return 0, 0
        words = program_of(spec.condition)
        return self._tables.add_program(words), len(words)

    def _disarm(self, armed: ArmedTrigger) -> None:
        t = self._tables
        leave_all(t.gi, t.bi, t.policies, t.shapes, t.vi, armed.row)
        t.end_hold(armed.row)
        for derived in armed.derived:
            self._release_derived(armed.block, derived)
        for key in armed.slots:
            self._release(key)
        t.free_leaves(int(t.gi[armed.row, at.G_LEAF]), len(armed.leaves))
        t.free_trigger(armed.row)
        self._block_triggers[armed.block] -= 1
        self._block_leaves[armed.block] -= len(armed.leaves)
        del self.armed[armed.row]

    def _compile(self, armed: ArmedTrigger, v: int, leaf: Leaf) -> None:
        t = self._tables
        lane = LANE_OF[leaf.timeframe]
        is_pct = leaf.operator in ("rises_by_pct", "falls_by_pct")
        left = self._operand(armed, leaf.left, lane if is_pct else 0)
        right = self._operand(armed, leaf.right, 0) if isinstance(leaf.right, Operand) else -1
        upper = self._operand(armed, leaf.upper, 0) if isinstance(leaf.upper, Operand) else -1
        if is_pct:
            q = t.qi[left]
            self._candles.ensure_ring(armed.block, int(q[at.Q_LANE]), leaf.candles + 2)
            if q[at.Q_KIND] == at.INDICATOR:
                self._candles.ensure_hist(int(q[at.Q_INST]), leaf.candles + 2)
            if not armed.is_closed:
                right = self._hold(armed, replace(self.slot_key(armed, leaf.left, lane), candles=leaf.candles))
        row = t.vi[v]
        row[at.V_SHAPE] = t.add_shape(shape_of(leaf, is_closed=armed.is_closed))
        row[at.V_LEFT], row[at.V_RIGHT], row[at.V_UPPER] = left, right, upper
        row[at.V_RESULT], row[at.V_TRIGGER] = at.UNKNOWN, armed.row
        numbers = t.numbers_of(v)
        if not isinstance(leaf.right, Operand):
            numbers[at.W_RIGHT] = leaf.right
        if len(numbers) > at.W_PLAIN:
            numbers[at.W_HYSTERESIS] = leaf.hysteresis
        if leaf.upper is not None and not isinstance(leaf.upper, Operand):
            numbers[at.W_UPPER] = leaf.upper
        if not armed.is_closed:
            self._add_thresholds(armed, v, leaf)

    def _add_thresholds(self, armed: ArmedTrigger, v: int, leaf: Leaf) -> None:
        """Note at which values the leaf's result may change (`engine.kernels_wake`)."""
        left, right, upper = (int(q) for q in self._tables.vi[v, at.V_LEFT : at.V_UPPER + 1])
        if leaf.operator in ("rises_by_pct", "falls_by_pct") and not isinstance(leaf.right, Operand):
            share = leaf.right / 100.0
            q = self._hold_derived(armed, DerivedKey(at.RATIO, left, right))
            self._thresholds.add(q, 1.0 + share if leaf.operator == "rises_by_pct" else 1.0 - share, v)
            return
        for operand, q in ((leaf.right, right), (leaf.upper, upper)):
            if isinstance(operand, Operand):
                self._thresholds.add(self._hold_derived(armed, DerivedKey(at.DIFFERENCE, left, q)), 0.0, v)
            elif operand is not None:
                self._thresholds.add(left, operand, v)
        if leaf.hysteresis > 0.0 and not isinstance(leaf.right, Operand):
            is_upward = leaf.operator in (">", ">=", "crosses_above")
            back = leaf.right - leaf.hysteresis if is_upward else leaf.right + leaf.hysteresis
            self._thresholds.add(left, back, v)

    def slot_key(self, armed: ArmedTrigger, operand: Operand, price_lane: int) -> SlotKey:
        """Return what a trigger reads of an operand; `price` at a close is the trigger's own close (T16)."""
        spec = armed.spec
        if operand.name == "price":
            if armed.is_closed:
                return SlotKey(armed.block, armed.lane, "close", True, False)
            return SlotKey(armed.block, price_lane, "price", False, False)
        only_stable = spec.require_stable and not operand.is_field
        return SlotKey(armed.block, LANE_OF[operand.timeframe], operand.column, armed.is_closed, only_stable)

    def _operand(self, armed: ArmedTrigger, operand: Operand, price_lane: int) -> int:
        return self._hold(armed, self.slot_key(armed, operand, price_lane))

    def _hold(self, armed: ArmedTrigger, key: SlotKey) -> int:
        armed.slots.append(key)
        q = self.slots.get(key)
        if q is None:
            q = self._add_slot(key)
        self._slot_users[q] = self._slot_users.get(q, 0) + 1
        return q

    def _add_slot(self, key: SlotKey) -> int:
        t = self._tables
        if key.candles:
            base = self.slots[replace(key, candles=0)]  # the trigger holds it, and lets go of it after this one
            self._slot_users[base] += 1
            q = self._new_slot(key.block, at.REFERENCE, base, key.candles, key)
            t.qi[q, at.Q_LANE], t.qi[q, at.Q_STABLE] = key.lane, key.is_stable_only
            self.slots[key] = q
            return q
        q = t.add_slot()
        row = t.qi[q]
        row[at.Q_LANE], row[at.Q_CLOSED], row[at.Q_STABLE] = key.lane, key.is_closed, key.is_stable_only
        if key.column == "price":
            row[at.Q_KIND] = at.PRICE
        elif key.column in _FIELD:
            row[at.Q_KIND], row[at.Q_INDEX] = at.FIELD, _FIELD[key.column]
        else:
            self._candles.ask(key.block, key.lane, key.column)
            i, index = self._candles.row_of(key.block, key.lane, key.column)
            row[at.Q_KIND], row[at.Q_INST] = at.INDICATOR, i
            row[at.Q_INDEX] = int(t.ni[i, at.N_OUT]) + index
        self.slots[key] = q
        self._block_slots.setdefault(key.block, {})[q] = key
        self._candles.dirty.add(key.block)
        if key.is_closed:
            t.qv[q] = self._last_closed(key, q)
        return q

    def _hold_derived(self, armed: ArmedTrigger, key: DerivedKey) -> int:
        armed.derived.append(key)
        q = self._derived.get(key)
        if q is None:
            q = self._derived[key] = self._new_slot(armed.block, key.kind, key.left, key.right, None)
        self._slot_users[q] = self._slot_users.get(q, 0) + 1
        return q

    def _new_slot(self, b: int, kind: int, inst: int, index: int, key: SlotKey | None) -> int:
        """Return a slot that is made from others, which stand before it in the block's list."""
        q = self._tables.add_slot()
        row = self._tables.qi[q]
        row[at.Q_KIND], row[at.Q_INST], row[at.Q_INDEX] = kind, inst, index
        self._block_slots.setdefault(b, {})[q] = key
        self._candles.dirty.add(b)
        return q

    def _last_closed(self, key: SlotKey, q: int) -> float:
        """Return what the last closed candle says, for triggers of other timeframes set between closes."""
        t = self._tables
        if t.bi[key.block, at.I_CLOSED_PARTIAL, key.lane]:
            return float(t.bf[key.block, key.lane, at.PARTIAL_CLOSE]) if key.column == "close" else float("nan")
        if t.bi[key.block, at.I_CLOSED, key.lane] == 0:
            return float("nan")
        if t.qi[q, at.Q_KIND] == at.INDICATOR:
            i = int(t.qi[q, at.Q_INST])
            if key.is_stable_only and t.nf[i, at.NF_STATE] < t.ni[i, at.N_STABLE]:
                return float("nan")
            return float(t.closed[t.qi[q, at.Q_INDEX]])
        return float(self._candles.ring_rows(key.block, key.lane)[-1, t.qi[q, at.Q_INDEX]])

    def _release_derived(self, b: int, key: DerivedKey) -> None:
        q = self._derived[key]
        self._slot_users[q] -= 1
        if self._slot_users[q]:
            self._thresholds.leave(q, 1)
        else:
            del self._slot_users[q], self._derived[key]
            self._free_slot(b, q)

    def _release(self, key: SlotKey) -> None:
        q = self.slots[key]
        self._slot_users[q] -= 1
        if self._slot_users[q]:
            self._thresholds.leave(q, 2)
            return
        del self._slot_users[q], self.slots[key]
        if key.candles:
            self._release(replace(key, candles=0))
        elif self._tables.qi[q, at.Q_KIND] == at.INDICATOR:
            self._candles.drop(key.block, key.lane, key.column)
        self._free_slot(key.block, q)

    def _free_slot(self, b: int, q: int) -> None:
        del self._block_slots[b][q]
        self._thresholds.drop(q)
        self._tables.free_slot(q)
        self._candles.dirty.add(b)

    def reload_closed(self, b: int, lane: int) -> None:
        """Read closed values again after history came in."""
        for q, key in self._block_slots.get(b, {}).items():
            if key is not None and key.is_closed and key.lane == lane:
                self._tables.qv[q] = self._last_closed(key, q)

    def flush(self) -> None:
        """Write the lists of every block that changed since the last time, and the new thresholds."""
        self._thresholds.flush()
        dirty = self._candles.dirty
        if not dirty:
            return
        if self._links_used > 4096 and self._links_used > 4 * sum(self._links_live.values()):
            self._links_used = 0
            dirty.update(range(self._tables.blocks))
        for b in sorted(dirty):
            self._write_lists(b)
        dirty.clear()

    def _write_lists(self, b: int) -> None:
        start = self._links_used
        row = self._tables.bi[b]
        slots = self._block_slots.get(b, {})
        tick_slots = [q for q, key in slots.items() if key is None or not key.is_closed]
        forming = {int(self._tables.qi[q, at.Q_INST]) for q in tick_slots
                   if self._tables.qi[q, at.Q_KIND] == at.INDICATOR}  # fmt: skip
        row[at.I_LISTS, at.K_INST_OFF], row[at.I_LISTS, at.K_INST_N] = self._put(sorted(forming))
        row[at.I_LISTS, at.K_SLOT_OFF], row[at.I_LISTS, at.K_SLOT_N] = self._put(tick_slots)
        for lane in range(at.LANES):
            lane_slots = [q for q, k in slots.items() if k is not None and k.is_closed and k.lane == lane]
            row[at.I_INST_OFF, lane], row[at.I_INST_N, lane] = self._put(self._candles.lanes.get((b, lane), []))
            row[at.I_CSLOT_OFF, lane], row[at.I_CSLOT_N, lane] = self._put(lane_slots)
        self._links_live[b] = self._links_used - start

    def _put(self, words: list[int]) -> tuple[int, int]:
        off = self._links_used
        self._tables.put_links(off, words)
        self._links_used += len(words)
        return off, len(words)

    def schedules(self) -> Iterator[tuple[Entry, Schedule]]:
        """Yield the time triggers that are not paused, by trigger id."""
        for _, entry in sorted(self._timed.items()):
            if entry.spec.schedule is not None and not entry.is_paused:
                yield entry, entry.spec.schedule
