"""What of the engines' state the page is shown, and how often: never so much that trades have to wait for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from core.clock import Clock
from core.store.redis import OfSymbol, OfTrigger, TriggerState
from dataflows.control import Control
from dataflows.effects import LiveView
from dataflows.partition import Partition

_SYMBOL_INTERVAL_S = 0.2
_TURN_INTERVAL_S = 0.01
_BUDGET_S = 0.0005
"""Symbols and triggers each have a turn of this length, one between the other's."""
_OVERDUE_S = 0.1
_STATES_INTERVAL_S = 1.0
_ALL_STATES_INTERVAL_S = 30.0
_FEW = 8
_MANY = 64


class LiveReader:
    """Reads changed symbols at most five times a second each, and trigger states once a second each.

    Both have a budget: where there are more, each has its turn less often; a trigger that fired or was changed is
    read at once.
    """

    def __init__(self, partitions: Sequence[Partition], clock: Clock) -> None:
        self._partitions = {p.number: p for p in partitions}
        self._clock = clock
        self._ready: dict[str, int] = {}
        self._resting: dict[str, float] = {}
        self._changed: dict[str, int] = {}
        self._refused: dict[str, TriggerState] = {}
        self._told: dict[str, list[OfTrigger]] = {}
        self._urgent: dict[str, None] = {}
        self._round: Iterator[Sequence[str]] | None = None
        self._is_all = False
        self._next_symbols = self._next_states = self._next_all = clock.monotonic()
        self._next_triggers = self._next_symbols + _TURN_INTERVAL_S / 2

    def touch(self, partition: int, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            (self._changed if symbol in self._resting else self._ready).setdefault(symbol, partition)

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

    def is_due(self, now: float, *, is_pressed: bool) -> bool:
        """Return whether it is time to read; later where something more urgent waits, but not for long."""
        return now >= min(self._next_symbols, self._next_triggers) + (_OVERDUE_S if is_pressed else 0.0)

    def read(self, now: float) -> LiveView | None:
        """Return what has changed, None while it is not time."""
        view = LiveView()
        if now >= self._next_symbols:
            self._next_symbols = now + _TURN_INTERVAL_S
            view.snapshots = self._market(now)
        if now >= self._next_triggers:
            self._next_triggers = now + _TURN_INTERVAL_S
            self._read_states(now, view)
        return view if view.snapshots or view.states or view.gone else None

    def _market(self, now: float) -> list[OfSymbol]:
        """Read the symbols that changed first, as long as the budget lasts; the rest has its turn soon."""
        self._wake(now)
        found: list[OfSymbol] = []
        while self._ready:
            symbol = next(iter(self._ready))
            found += self._partitions[self._ready.pop(symbol)].engine.market([symbol])
            self._resting[symbol] = now
            if self._clock.monotonic() - now > _BUDGET_S:
                break
        return found

    def _wake(self, now: float) -> None:
        """Have symbols that were read long enough ago ready again, where they have changed since."""
        while self._resting:
            symbol, read_at = next(iter(self._resting.items()))
            if now - read_at < _SYMBOL_INTERVAL_S:
                break
            del self._resting[symbol]
            if symbol in self._changed:
                self._ready[symbol] = self._changed.pop(symbol)

    def _read_states(self, now: float, view: LiveView) -> None:
        """Read some triggers' states: those something happened to first, then one after another, round and round."""
        if self._round is None and now >= self._next_states:
            self._begin_round(now)
        began = self._clock.monotonic()
        done: set[str] = set()
        while (few := self._few()) is not None:
            self._tell([trigger_id for trigger_id in few if trigger_id not in done], view)
            done.update(few)
            if self._clock.monotonic() - began > _BUDGET_S:
                break

    def _begin_round(self, now: float) -> None:
        self._round = self._walk()
        self._next_states = now + _STATES_INTERVAL_S
        self._is_all = now >= self._next_all
        if self._is_all:
            self._next_all = now + _ALL_STATES_INTERVAL_S

    def _walk(self) -> Iterator[Sequence[str]]:
        """Go through all triggers, a few at a time, and then through those the page was shown and are no more.

        Never through all at once: of a hundred thousand, that alone took 30 ms.
        """
        for partition in self._partitions.values():
            known = partition.book.known()
            for at in range(0, len(known), _FEW):
                yield [k.trigger_id for k in known[at : at + _FEW]]
        shown = list(self._told)
        for at in range(0, len(shown), _MANY):
            yield [trigger_id for trigger_id in shown[at : at + _MANY] if not self._is_known(trigger_id)]
        yield list(self._refused)

    def _is_known(self, trigger_id: str) -> bool:
        return trigger_id in self._refused or any(trigger_id in p.book for p in self._partitions.values())

    def _few(self) -> Sequence[str] | None:
        """Return the next triggers to be read (maybe none), None when the round is over."""
        if self._urgent:
            few = list(itertools.islice(self._urgent, _FEW))
            for trigger_id in few:
                del self._urgent[trigger_id]
            return few
        found = next(self._round, None) if self._round is not None else None
        if found is None:
            self._round = None
        return found

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
