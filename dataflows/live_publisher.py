"""What the page is shown, to Redis: by a thread of its own, the newest only; while Redis is away, not at all."""

from __future__ import annotations

import threading

import redis

from core.errors import Unavailable
from core.observability import logger
from core.store.redis import OfSymbol, OfTrigger, forget_trigger_states, publish_snapshots, put_trigger_states
from dataflows.effects import LiveView

_log = logger(__name__)
_AGAIN_S = 1.0


class LivePublisher:
    """`put` replaces what is not sent yet, and never waits."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._snapshots: dict[str, OfSymbol] = {}
        self._states: dict[str, list[OfTrigger]] = {}
        self._gone: set[str] = set()
        self.is_away = False
        self._thread = threading.Thread(target=self._work, name="live", daemon=True)

    def start(self) -> LivePublisher:
        self._thread.start()
        return self

    def put(self, view: LiveView) -> None:
        states: dict[str, list[OfTrigger]] = {}
        for state in view.states:
            states.setdefault(state.trigger_id, []).append(state)
        with self._lock:
            self._snapshots.update((s.symbol, s) for s in view.snapshots)
            self._states.update(states)
            self._gone.difference_update(states)
            self._gone.update(view.gone)
        self._wake.set()

    def close(self) -> None:
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
        self._redis.close()

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                snapshots, self._snapshots = self._snapshots, {}
                states, self._states = self._states, {}
                gone, self._gone = self._gone, set()
            try:
                publish_snapshots(self._redis, list(snapshots.values()))
                put_trigger_states(self._redis, [s for found in states.values() for s in found])
                forget_trigger_states(self._redis, sorted(gone))
                self.is_away = False
            except Unavailable as error:
                if not self.is_away:
                    _log.warning("the page is not kept up to date", reason=str(error))
                self.is_away = True
                self._keep(states, gone)
                self._stopped.wait(_AGAIN_S)

    def _keep(self, states: dict[str, list[OfTrigger]], gone: set[str]) -> None:
        """Put back what will not come again by itself: states are only told when they change."""
        with self._lock:
            self._states = {**states, **self._states}
            self._gone |= gone - self._states.keys()
