"""What of the engines' state the page is shown, and how often: never so much that trades have to wait for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.clock import Clock
from core.store.redis import OfSymbol, OfTrigger, TriggerState
from dataflows.control import Control
from dataflows.effects import LiveView
from dataflows.partition import Partition

_SYMBOL_INTERVAL_S = 0.2
_TURN_INTERVAL_S = 0.02
_TURN_BUDGET_S = 0.002
_STATES_INTERVAL_S = 1.0
_ALL_STATES_INTERVAL_S = 30.0
_STATES_SHARE = 0.02


class LiveReader:
    """Reads changed symbols at most five times a second each, and changed trigger states once a second."""

    def __init__(self, partitions: Sequence[Partition], clock: Clock) -> None:
        self._partitions = {p.number: p for p in partitions}
        self._clock = clock
        self._changed: dict[str, int] = {}
        self._read_at: dict[str, float] = {}
        self._refused: dict[str, TriggerState] = {}
        self._told: dict[str, list[OfTrigger]] = {}
        self._next_turn = self._next_states = self._next_all = clock.monotonic()

    def touch(self, partition: int, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._changed.setdefault(symbol, partition)

    def note_control(self, control: Control) -> None:
        """Remember a trigger whose definition cannot be read, until a later record mends it."""
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
        if now >= self._next_states:
            self._read_states(now, view)
            self._next_states = now + max(_STATES_INTERVAL_S, (self._clock.monotonic() - now) / _STATES_SHARE)
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
        states: dict[str, list[OfTrigger]] = {t: [refused] for t, refused in self._refused.items()}
        for partition in self._partitions.values():
            for state in partition.engine.trigger_states():
                states.setdefault(state.trigger_id, []).append(state)
        is_all = now >= self._next_all
        if is_all:
            self._next_all = now + _ALL_STATES_INTERVAL_S
        for trigger_id, found in states.items():
            if is_all or self._told.get(trigger_id) != found:
                view.states += found
        view.gone = [trigger_id for trigger_id in self._told if trigger_id not in states]
        self._told = states
