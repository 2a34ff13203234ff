"""What a process says of itself, once a second, so that a page and a supervisor can tell how it is.

Redis key `heartbeat:{process}`, JSON, gone 5 s after the last beat. Losing Redis loses only this view.
"""

from __future__ import annotations

import os
import threading
from typing import Literal

import msgspec
import redis
from prometheus_client import Gauge

from core.clock import Clock, SystemClock
from core.observability import logger
from core.settings import Settings

NUMBERS = Gauge(
    "tapewatch_process_number", "What a process counts and measures, by name, as its heartbeat says.", ["name"]
)
State = Literal["starting", "ok", "degraded", "waiting"]
TTL_MS = 5_000
INTERVAL_S = 1.0
_log = logger(__name__)


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One beat. `detail` is a sentence for people; `numbers` are counters and lags by name."""

    process: str
    pid: int
    at_ms: int
    state: State
    detail: str = ""
    numbers: dict[str, float] = {}


def key_of(process: str) -> str:
    return f"heartbeat:{process}"


class Heartbeat:
    """A thread that beats until closed. `report` may be called from any thread at any time."""

    def __init__(self, process: str, settings: Settings, *, clock: Clock | None = None) -> None:
        self._process = process
        self._clock = clock or SystemClock()
        self._redis = redis.Redis.from_url(
            settings.redis_url.get_secret_value(), socket_timeout=2, socket_connect_timeout=2
        )
        self._lock = threading.Lock()
        self._state: State = "starting"
        self._detail = ""
        self._numbers: dict[str, float] = {}
        self._stopped = threading.Event()
        self._changed = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> Heartbeat:
        self._thread.start()
        return self

    def report(self, state: State, detail: str = "", **numbers: float) -> None:
        """Say how the process is; a changed state or detail is sent at once, numbers with the next beat."""
        with self._lock:
            changed = (state, detail) != (self._state, self._detail)
            self._state, self._detail = state, detail
            self._numbers.update(numbers)
        if changed:
            self._changed.set()

    def count(self, **numbers: float) -> None:
        """Set numbers without touching the state."""
        with self._lock:
            self._numbers.update(numbers)

    def close(self) -> None:
        self._stopped.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(timeout=3)
        self._redis.close()

    def _current(self) -> Beat:
        with self._lock:
            return Beat(
                process=self._process,
                pid=os.getpid(),
                at_ms=self._clock.now_ms(),
                state=self._state,
                detail=self._detail,
                numbers=dict(self._numbers),
            )

    def _beat(self) -> None:
        away = False
        while not self._stopped.is_set():
            try:
                beat = self._current()
                for name, number in beat.numbers.items():
                    NUMBERS.labels(name).set(number)
                self._redis.set(key_of(self._process), msgspec.json.encode(beat), px=TTL_MS)
                away = False
            except (redis.RedisError, OSError) as error:
                if not away:
                    _log.warning("heartbeat not sent, trying on", reason=type(error).__name__)
                away = True
            self._changed.wait(INTERVAL_S)
            self._changed.clear()
