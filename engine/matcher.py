"""Triggers in the tables: put in force, paused, and taken out, many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.batches import Batch, batches_of
from engine.candles import Candles
from engine.condition import Schedule, TriggerSpec
from engine.indicators.curves import LINE, NO_CURVE
from engine.kernels_lists import forget_rows, join_list, join_lists, leave_lists, lose_block
from engine.leaf_plan import LeafPlan, Plan, plan_of
from engine.roster import ArmedTrigger, Roster, Rows
from engine.slots import Numbers, Slots
from engine.tables import Tables
from engine.thresholds import Thresholds

_AT_ONCE = 32_768
"""Triggers set at once: what that takes meanwhile would otherwise be more than what they take for good."""


@dataclass(slots=True)
class Entry:
    """A trigger in force: its version, and a row for each of its symbols."""

    spec: TriggerSpec
    rows: dict[str, ArmedTrigger]
    is_paused: bool = False
    next_due_ms: int | None = None
    """Time triggers: the next scheduled instant; None when not known yet or never again."""


class Matcher:
    """All triggers and what they read, in the kernel's tables.

    Those with a condition are rows, made into objects for who asks. Time and news triggers are objects.
    """

    def __init__(self, tables: Tables, candles: Candles) -> None:
        self._tables = tables
        self._candles = candles
        self._roster = Roster(tables, candles)
        self._plans: dict[int, Plan] = {}
        self._others: dict[str, Entry] = {}
        self._other_rows: dict[int, ArmedTrigger] = {}
        self._thresholds = Thresholds(tables)
        self.slots = Slots(tables, candles, self._thresholds)
        self._block_triggers: Numbers = np.zeros(16, np.int64)
        self._block_leaves: Numbers = np.zeros(16, np.int64)
        self.max_triggers = 0
        """No block has ever had more; so with `max_leaves`."""
        self.max_leaves = 0
        self._links_used = 0
        self._links_live: dict[int, int] = {}

    # ---- who is in force ----

    def known(self, trigger_ids: Sequence[str]) -> list[bool]:
        """Return for each trigger whether it is in force."""
        rows: list[int] = self._roster.find(trigger_ids).tolist()
        return [row >= 0 or name in self._others for row, name in zip(rows, trigger_ids, strict=True)]

    def get(self, trigger_id: str) -> Entry | None:
        """Return a trigger in force, None where it is not."""
        other = self._others.get(trigger_id)
        if other is not None:
            return other
        first = int(self._roster.find([trigger_id])[0])
        return None if first < 0 else self._entry(first)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield every trigger in force, by its id."""
        names = {self._roster.name_of(row): row for row in self._roster.firsts().tolist()}
        for name in sorted({*names, *self._others}):
            yield name, self._entry(names[name]) if name in names else self._others[name]

    def rows_of(self, trigger_ids: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return all rows of triggers in force, one trigger after another, and how many leaves each row has."""
        firsts = self._roster.find(trigger_ids)
        parts: list[NDArray[np.int32]] = []
        counts: list[NDArray[np.int64]] = []
        for is_other, some in groupby(zip(trigger_ids, firsts.tolist(), strict=True), lambda one: one[1] < 0):
            if is_other:
                rows = np.array([a.row for name, _ in some for a in self._others[name].rows.values()], np.int32)
                counts.append(np.zeros(len(rows), np.int64))
            else:
                rows = self._roster.rows_in_order(np.array([first for _, first in some], np.int32))
                counts.append(self._roster.leaves_of(rows))
            parts.append(rows)
        return np.concatenate(parts or [np.empty(0, np.int32)]), np.concatenate(counts or [np.empty(0, np.int64)])

    def armed(self, row: int) -> ArmedTrigger:
        """Return the trigger of a row."""
        return self._other_rows.get(row) or self._roster.armed(row)

    def held_rows(self) -> list[int]:
        """Return the rows with a pending hold."""
        rows = self._roster.rows_of(self._roster.firsts())
        return rows[self._tables.gi[rows, at.G_HOLD] > 0].tolist()

    def slots_of(self, armed: ArmedTrigger) -> set[int]:
        """Return the slots that a trigger reads."""
        first = int(self._tables.gi[armed.row, at.G_LEAF])
        leaves = np.arange(first, first + len(armed.leaves))
        return {q for side in self._tables.sides_of(leaves) for q in side.tolist() if q >= 0}

    def _entry(self, first: int) -> Entry:
        spec = self._roster.spec_of(first)
        rows: list[int] = self._roster.rows_of(np.array([first], np.int32)).tolist()
        armed = [self._roster.armed(row, spec) for row in rows]
        is_paused = int(self._tables.gi[first, at.G_BITS]) >> at.LIST_SHIFT == at.LIST_PAUSED
        return Entry(spec, {a.symbol: a for a in armed}, is_paused)

    def set_due(self, trigger_id: str, next_due_ms: int) -> None:
        """Say when a time trigger is due next."""
        self._others[trigger_id].next_due_ms = next_due_ms

    def schedules(self) -> Iterator[tuple[Entry, Schedule]]:
        """Yield the time triggers that are not paused, by trigger id."""
        for _, entry in sorted(self._others.items()):
            if entry.spec.schedule is not None and not entry.is_paused:
                yield entry, entry.spec.schedule

    # ---- changes ----

    def set(self, spec: TriggerSpec) -> Entry:
        """Put a trigger in force on its symbols; the one of that id must be gone."""
        self.set_all([spec])
        entry = self.get(spec.trigger_id)
        if entry is None:
            raise AssertionError(f"{spec.trigger_id!r} was not put in force")
        return entry

    def set_all(self, specs: Sequence[TriggerSpec]) -> None:
        """Put triggers in force, each of another id, none of which is known."""
        for begin in range(0, len(specs), _AT_ONCE):
            some = specs[begin : begin + _AT_ONCE]
            judged = [spec for spec in some if spec.condition is not None]
            for template, batch in batches_of(judged, self._roster.template).items():
                self._arm(template, batch)
            for spec in some if len(judged) < len(some) else ():
                if spec.condition is None:
                    self._set_other(spec)

    def _set_other(self, spec: TriggerSpec) -> None:
        t = self._tables
        entry = self._others[spec.trigger_id] = Entry(spec, {})
        policy = plan_of(t, spec).policy
        for symbol in spec.symbols:
            row, b = int(t.add_triggers(1)[0]), self._block_of(symbol, spec)
            t.gi[row, at.G_BLOCK], t.gi[row, at.G_POLICY] = b, policy
            self._other_rows[row] = entry.rows[symbol] = ArmedTrigger(row, spec, symbol, b, ())

    def _block_of(self, symbol: str, spec: TriggerSpec) -> int:
        return self._candles.block(self._candles.symbol_id(symbol), spec.session)

    def _arm(self, template: int, batch: Batch) -> None:
        t, pattern = self._tables, self._roster[template].pattern
        plan = self._plans.get(template)
        if plan is None:
            plan = self._plans[template] = plan_of(t, pattern, template)
            self._roster.note_policy(template, plan.policy)
        blocks = self._candles.blocks(batch.symbols, pattern.session)
        self.slots.prepare(blocks, plan.readings)
        rows = t.add_triggers(len(blocks))
        first = t.add_leaves(len(blocks), len(plan.leaves), rows=plan.rows, width=plan.width)
        t.gi[rows, at.G_BLOCK], t.gi[rows, at.G_POLICY], t.gi[rows, at.G_LEAF] = blocks, plan.policy, first
        begin = t.vi[first, at.V_NUMBERS].astype(np.int64)
        given = iter(np.array(batch.numbers, np.float64).reshape(len(batch.names), -1).T)
        for n, leaf in enumerate(plan.leaves):
            self._compile(leaf, rows, first + n, begin + leaf.numbers, blocks, {
                which: np.repeat(next(given), batch.counts)
                for side, which in ((leaf.leaf.right, at.W_RIGHT), (leaf.leaf.upper, at.W_UPPER))
                if isinstance(side, float)
            })  # fmt: skip
        self._roster.enter(rows, template, names=batch.names, hashes=bytes(batch.hashes), counts=batch.counts)
        join_lists(t.gi, t.bi, rows, self._list_of(plan))
        self._count(blocks, len(plan.leaves))

    @staticmethod
    def _list_of(plan: Plan) -> int:
        return at.LIST_CLOSE + plan.lane if plan.is_closed else at.LIST_ACTIVE

    def _count(self, blocks: Numbers, leaves: int) -> None:
        most = int(blocks.max()) + 1
        if most > len(self._block_triggers):
            room = np.zeros(max(most, 2 * len(self._block_triggers)) - len(self._block_triggers), np.int64)
            self._block_triggers = np.concatenate((self._block_triggers, room))
            self._block_leaves = np.concatenate((self._block_leaves, room))
        np.add.at(self._block_triggers, blocks, 1)
        np.add.at(self._block_leaves, blocks, leaves)
        self.max_triggers = max(self.max_triggers, int(self._block_triggers[blocks].max()))
        self.max_leaves = max(self.max_leaves, int(self._block_leaves[blocks].max()))

    def _compile(
        self,
        plan: LeafPlan,
        rows: Rows,
        leaves: Numbers,
        begin: Numbers,
        blocks: Numbers,
        given: dict[int, NDArray[np.float64]],
    ) -> None:
        """Write one leaf of each row; its numbers are from `begin` on, `given` those by W_RIGHT and W_UPPER."""
        t, leaf = self._tables, plan.leaf
        left = self.slots.hold(blocks, plan.left)
        right = upper = None
        if plan.right is not None:
            right = self.slots.hold(blocks, plan.right)
        if plan.upper is not None:
            upper = self.slots.hold(blocks, plan.upper)
        if plan.is_pct:
            self._keep_candles(blocks, left, leaf.candles + 2)
        if plan.before is not None:
            right = self.slots.hold(blocks, plan.before)
        t.vi[leaves, at.V_SHAPE], t.vi[leaves, at.V_TRIGGER] = plan.shape, rows
        t.vi[leaves, at.V_LEFT] = left
        t.vi[leaves, at.V_RESULT] = at.UNKNOWN
        t.vi[leaves, at.V_NUMBERS] = begin
        if plan.more:
            t.vi[leaves + plan.more, at.M_RIGHT] = -1 if right is None else right
            t.vi[leaves + plan.more, at.M_UPPER] = -1 if upper is None else upper
        for side, which in ((leaf.right, at.W_RIGHT), (leaf.upper, at.W_UPPER)):
            if isinstance(side, float | int):
                t.vf[begin + which] = given.get(which, side)
        if plan.width > at.W_PLAIN:
            t.vf[begin + at.W_HYSTERESIS] = leaf.hysteresis
        self._add_thresholds(plan, leaves, blocks, (left, right, upper), begin)

    def _keep_candles(self, blocks: Numbers, slots: Numbers, candles: int) -> None:
        qi = self._tables.qi
        for q, b in dict(zip(slots.tolist(), blocks.tolist(), strict=True)).items():
            self._candles.ensure_ring(b, int(qi[q, at.Q_LANE]), candles)
            if qi[q, at.Q_KIND] == at.INDICATOR:
                self._candles.ensure_hist(int(qi[q, at.Q_INST]), candles)

    def _add_thresholds(
        self,
        plan: LeafPlan,
        leaves: Numbers,
        blocks: Numbers,
        slots: tuple[Numbers, Numbers | None, Numbers | None],
        begin: Numbers,
    ) -> None:
        """Note at which values the leaves' results may change (`engine.kernels_wake`)."""
        leaf, (left, right, upper) = plan.leaf, slots
        if plan.left[2]:
            return  # judged at closes, whatever the values are
        vf, add = self._tables.vf, self._thresholds.add
        zeros = np.zeros(len(leaves))
        if plan.before is not None and right is not None:
            share = vf[begin + at.W_RIGHT] / 100.0
            q = self.slots.hold_derived(at.RATIO, blocks, left, right)
            add(q, 1.0 + share if leaf.operator == "rises_by_pct" else 1.0 - share, leaves)
            return
        if right is not None:
            add(self.slots.hold_derived(at.DIFFERENCE, blocks, left, right), zeros, leaves)
        else:
            add(left, vf[begin + at.W_RIGHT], leaves)
        if upper is not None:
            add(self.slots.hold_derived(at.DIFFERENCE, blocks, left, upper), zeros, leaves)
        elif leaf.upper is not None:
            add(left, vf[begin + at.W_UPPER], leaves)
        if leaf.hysteresis > 0.0 and right is None:
            is_upward = leaf.operator in (">", ">=", "crosses_above")
            number = vf[begin + at.W_RIGHT]
            add(left, number - leaf.hysteresis if is_upward else number + leaf.hysteresis, leaves)

    def remove_all(self, trigger_ids: Sequence[str]) -> None:
        """Take triggers that are in force out of it."""
        rows = self._roster.find(trigger_ids)
        for row, name in zip(rows.tolist(), trigger_ids, strict=True):
            if row < 0:
                for armed in self._others.pop(name).rows.values():
                    del self._other_rows[armed.row]
                    self._tables.free_triggers(np.array([armed.row], np.int32))
        firsts = rows[rows >= 0]
        if len(firsts):
            every = self._roster.rows_of(firsts)
            templates = self._roster.templates_of(every)
            for template in np.unique(templates).tolist():
                self._disarm(self._plans[template], every[templates == template])
            self._roster.leave(firsts)
            self._tables.free_triggers(every)

    def remove(self, trigger_id: str) -> None:
        self.remove_all([trigger_id])

    def _disarm(self, plan: Plan, rows: Rows) -> None:
        t = self._tables
        leave_lists(t.gi, t.bi, t.policies, t.shapes, t.vi, rows)
        for row in rows[t.gi[rows, at.G_HOLD] > 0].tolist():
            t.end_hold(row)
        first = t.gi[rows, at.G_LEAF].astype(np.int64)
        for n, leaf in enumerate(plan.leaves):
            left, right, upper = t.sides_of(first + n)
            for other, kind in ((right, at.RATIO if leaf.before else at.DIFFERENCE), (upper, at.DIFFERENCE)):
                if other[0] >= 0 and not plan.is_closed:
                    self.slots.release(self.slots.derived(kind, left, other))
            for side in (upper, right, left):
                if side[0] >= 0:
                    self.slots.release(side)
        t.free_leaves(first, len(plan.leaves), rows=plan.rows, width=plan.width)
        blocks = t.gi[rows, at.G_BLOCK]
        np.subtract.at(self._block_triggers, blocks, 1)
        np.subtract.at(self._block_leaves, blocks, len(plan.leaves))

    def pause_all(self, trigger_ids: Sequence[str]) -> None:
        """Take triggers that are in force out of the lists that the kernel walks."""
        join_lists(self._tables.gi, self._tables.bi, self._rows_of(trigger_ids), at.LIST_PAUSED)
        for name in trigger_ids:
            if name in self._others:
                self._others[name].is_paused = True

    def resume_all(self, trigger_ids: Sequence[str]) -> list[str]:
        """Let triggers that are in force fire again (T8), and put paused ones back: what they knew is forgotten (T2).

        Returns:
            The time and news triggers that were paused.
        """
        t, rows = self._tables, self._rows_of(trigger_ids)
        t.gi[rows, at.G_BITS] &= ~at.SIGN_FIRED
        rows = rows[t.gi[rows, at.G_BITS] >> at.LIST_SHIFT == at.LIST_PAUSED]
        forget_rows(t.gi, t.bi, t.policies, t.shapes, t.vi, t.vf, rows)
        policy = t.policies[t.gi[rows, at.G_POLICY]]
        lists = np.where(policy[:, at.P_CLOSED] != 0, at.LIST_CLOSE + policy[:, at.P_LANE], at.LIST_ACTIVE)
        for which in np.unique(lists).tolist():
            join_lists(t.gi, t.bi, rows[lists == which], which)
        resumed: list[str] = []
        for name in trigger_ids:
            entry = self._others.get(name)
            if entry is not None:
                for armed in entry.rows.values():
                    t.gi[armed.row, at.G_BITS] &= ~at.SIGN_FIRED
                if entry.is_paused:
                    entry.is_paused = False
                    resumed.append(name)
        return resumed

    def held(self, trigger_ids: Sequence[str]) -> list[ArmedTrigger]:
        """Return those of some triggers with a pending hold, by symbol."""
        rows = self._rows_of(trigger_ids)
        return [self.armed(row) for row in rows[self._tables.gi[rows, at.G_HOLD] > 0].tolist()]

    def _rows_of(self, trigger_ids: Sequence[str]) -> Rows:
        firsts = self._roster.find(trigger_ids)
        return self._roster.rows_of(firsts[firsts >= 0])

    def lose(self, b: int) -> None:
        """Tell the triggers of a block that values were lost (T2); their holds are gone."""
        t = self._tables
        lose_block(t.gi, t.bi, t.policies, t.shapes, t.vi, t.vf, b)

    def judge_next(self, row: int) -> None:
        """Let the next trade judge a tick trigger whatever its values do (it has a hold, or forgot them)."""
        if self._tables.gi[row, at.G_BITS] >> at.LIST_SHIFT == at.LIST_IDLE:
            join_list(self._tables.gi, self._tables.bi, row, at.LIST_ACTIVE)

    def reload_closed(self, b: int, lane: int) -> None:
        """Read closed values again after history came in."""
        self.slots.reload_closed(b, lane)

    # ---- what the kernel walks ----

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
        row, qi = self._tables.bi[b], self._tables.qi
        tick_slots, by_lane = self.slots.lists_of(b)
        curve_of: dict[int, int] = {q: int(qi[q, at.Q_CURVE]) for q in tick_slots}
        lines = [q for q in tick_slots if curve_of[q] == LINE]
        curves = sorted((q for q in tick_slots if curve_of[q] > LINE), key=lambda q: int(qi[q, at.Q_LANE]))
        others = [q for q in tick_slots if curve_of[q] == NO_CURVE]
        forming = {int(qi[q, at.Q_INST]) for q in others if qi[q, at.Q_KIND] == at.INDICATOR}
        ni = self._tables.ni
        together = sorted(forming, key=lambda i: (int(ni[i, at.N_LANE]), i))
        words = [*lines, *curves, *others]
        words += [word for q in curves for word in (curve_of[q], int(qi[q, at.Q_LANE]))]
        words += [
            word for i in together
            for word in (int(ni[i, at.N_KIND]), int(ni[i, at.N_LANE]), int(ni[i, at.N_OUT]), i)
        ]  # fmt: skip
        words += [word for q in others for word in self._slot_words(q)]
        fixed = [q for q in (*lines, *curves) if qi[q, at.Q_KIND] == at.INDICATOR]
        words += [word for q in sorted(fixed, key=lambda q: int(qi[q, at.Q_INST])) for word in self._curve_words(q)]
        lists = row[at.I_LISTS]
        lists[at.K_FIXED] = len(fixed)
        lists[at.K_OFF], lists[at.K_STALE] = self._put(words)[0], at.ALL_STALE
        lists[at.K_LINES], lists[at.K_CURVES] = len(lines), len(curves)
        lists[at.K_INDICATORS], lists[at.K_SLOTS] = len(together), len(others)
        for lane, lane_slots in enumerate(by_lane):
            row[at.I_INST_OFF, lane], row[at.I_INST_N, lane] = self._put(self._candles.lanes.get((b, lane), []))
            row[at.I_CSLOT_OFF, lane], row[at.I_CSLOT_N, lane] = self._put(lane_slots)
        self._links_live[b] = self._links_used - start

    def _slot_words(self, q: int) -> tuple[int, ...]:
        """Return what the kernel reads of a slot at every trade, in the order LK_...."""
        row: list[int] = self._tables.qi[q].tolist()
        kind, lane, index, inst = row[at.Q_KIND], row[at.Q_LANE], row[at.Q_INDEX], row[at.Q_INST]
        is_stable = row[at.Q_STABLE] != 0
        if kind == at.INDICATOR and not is_stable:
            inst = -1
        return kind, lane, index, inst

    def _curve_words(self, q: int) -> tuple[int, ...]:
        """Return what the numbers of a slot's curve are found from once a candle, in the order FX_...."""
        row: list[int] = self._tables.qi[q].tolist()
        inst = row[at.Q_INST]
        indicator: list[int] = self._tables.ni[inst].tolist()
        needed = indicator[at.N_STABLE] if row[at.Q_STABLE] else 0
        output = row[at.Q_INDEX] - indicator[at.N_OUT]
        what = row[at.Q_CURVE] | row[at.Q_LANE] << at.FX_LANE_AT | indicator[at.N_KIND] << at.FX_KIND_AT
        return q, inst, what | output << at.FX_OUTPUT_AT | needed << at.FX_STABLE_AT

    def _put(self, words: list[int]) -> tuple[int, int]:
        off = self._links_used
        self._tables.put_links(off, words)
        self._links_used += len(words)
        return off, len(words)
