"""What of the engines' state the page is shown, and how often: never so much that trades have to wait for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from core.clock import Clock
from core.store.redis import OfSymbol, OfTrigger, TriggerState
from dataflows.control import Control
from dataflows.effects import LiveView
from dataflows.partition import Partition

_SYMBOL_INTERVAL_S = 0.2
_TURN_INTERVAL_S = 0.02
_TURN_BUDGET_S = 0.001
_STATES_INTERVAL_S = 1.0
_ALL_STATES_INTERVAL_S = 30.0
_STATES_BUDGET_S = 0.001
_FEW = 8


class LiveReader:
    """Reads changed symbols at most five times a second each, and trigger states once a second each.

    Both have a budget: where there are more, each has its turn less often; a trigger that fired or was changed is
    read at once.
    """

    def __init__(self, partitions: Sequence[Partition], clock: Clock) -> None:
        self._partitions = {p.number: p for p in partitions}
        self._clock = clock
        self._changed: dict[str, int] = {}
        self._read_at: dict[str, float] = {}
        self._refused: dict[str, TriggerState] = {}
        self._told: dict[str, list[OfTrigger]] = {}
        self._urgent: dict[str, None] = {}
        self._turn_of_states: list[str] = []
        self._is_all = False
        self._next_turn = self._next_slice = self._next_states = self._next_all = clock.monotonic()

    def touch(self, partition: int, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._changed.setdefault(symbol, partition)

    def note_fired(self, trigger_ids: Iterable[str]) -> None:
        self._urgent.update(dict.fromkeys(trigger_ids))

    def note_control(self, control: Control) -> None:
        """Remember a trigger whose definition cannot be read, until a later record mends it."""
        self._urgent[control.trigger_id] = None
        self._refused.pop(control.trigger_id, None)
        if control.problems:
            self._refused[control.trigger_id] = TriggerState(
                trigger_id=control.trigger_id, symbol="", state="invalid", health="unknown", detail=control.problems
            )

    def read(self, now: float) -> LiveView | None:
        """Return what has changed, None while it is not time."""
        view = LiveView()
        if now >= self._next_turn and self._changed:
            self._next_turn = now + _TURN_INTERVAL_S
            view.snapshots = self._market(now)
        if now >= self._next_slice:
            self._next_slice = now + _TURN_INTERVAL_S
            self._read_states(now, view)
        return view if view.snapshots or view.states or view.gone else None

    def _market(self, now: float) -> list[OfSymbol]:
        """Read the symbols that changed first, as long as the budget lasts; the rest has its turn 20 ms later."""
        found: list[OfSymbol] = []
        for symbol in list(self._changed):
            if now - self._read_at.get(symbol, -1.0) < _SYMBOL_INTERVAL_S:
                continue
            self._read_at[symbol] = now
            found += self._partitions[self._changed.pop(symbol)].engine.market([symbol])
            if self._clock.monotonic() - now > _TURN_BUDGET_S:
                break
        return found

    def _read_states(self, now: float, view: LiveView) -> None:
        """Read some triggers' states: those something happened to first, then one after another, round and round."""
        if not self._turn_of_states and now >= self._next_states:
            self._begin_round(now, view)
        began = self._clock.monotonic()
        done: set[str] = set()
        while self._urgent or self._turn_of_states:
            few = [trigger_id for trigger_id in self._few() if trigger_id not in done]
            done.update(few)
            self._tell(few, view)
            if self._clock.monotonic() - began > _STATES_BUDGET_S:
                break

    def _begin_round(self, now: float, view: LiveView) -> None:
        known = {k.trigger_id for p in self._partitions.values() for k in p.book.known()} | self._refused.keys()
        self._turn_of_states = list(known)
        for trigger_id in self._told.keys() - known:
            self._forget(trigger_id, view)
        self._next_states = now + _STATES_INTERVAL_S
        self._is_all = now >= self._next_all
        if self._is_all:
            self._next_all = now + _ALL_STATES_INTERVAL_S

    def _few(self) -> list[str]:
        if self._urgent:
            few = list(itertools.islice(self._urgent, _FEW))
            for trigger_id in few:
                del self._urgent[trigger_id]
            return few
        few, self._turn_of_states = self._turn_of_states[-_FEW:], self._turn_of_states[:-_FEW]
        return few

    def _tell(self, trigger_ids: Sequence[str], view: LiveView) -> None:
        states: dict[str, list[OfTrigger]] = {t: [self._refused[t]] for t in trigger_ids if t in self._refused}
        for partition in self._partitions.values():
            for state in partition.engine.trigger_states(trigger_ids):
                states.setdefault(state.trigger_id, []).append(state)
        for trigger_id in trigger_ids:
            found = states.get(trigger_id)
            if found is None:
                self._forget(trigger_id, view)
            elif self._is_all or self._told.get(trigger_id) != found:
                view.states += found
                self._told[trigger_id] = found

    def _forget(self, trigger_id: str, view: LiveView) -> None:
        if self._told.pop(trigger_id, None) is not None:
            view.gone.append(trigger_id)
