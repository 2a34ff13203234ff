"""Checkpoints to disk by a thread of their own, each after everything that led to it is safe.

The order is the promise: firings confirmed by the broker, candles in ClickHouse or in a file, then the offsets.
A kill at any point finds an older checkpoint, and the log from there gives the same firings and candles again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import msgspec

from core.clock import Clock
from core.observability import logger
from core.store.clickhouse.writer import BatchWriter
from dataflows.checkpoint import Draft, PartitionFolder, save
from dataflows.publisher import Publisher

_log = logger(__name__)
_CONFIRM_WITHIN_S = 10.0
_CONFIRM_AT_END_S = 1.0


class Checkpointer:
    """Takes one draft at a time: while one is being written, a newer one waits and replaces what waited."""

    def __init__(
        self,
        folders: Mapping[int, PartitionFolder],
        candles: BatchWriter,
        clock: Clock,
        on_saved: Callable[[Draft], None],
    ) -> None:
        self._folders = folders
        self._candles = candles
        self._clock = clock
        self._on_saved = on_saved
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._waiting: tuple[Draft, Publisher] | None = None
        self.problem = ""
        self.saved = 0
        self.last_bytes = 0
        self.saved_at = clock.monotonic()
        self._thread = threading.Thread(target=self._work, name="checkpoint", daemon=True)

    def start(self) -> Checkpointer:
        self._thread.start()
        return self

    def submit(self, draft: Draft, publisher: Publisher) -> None:
        """Take a draft; all that `publisher` was given before belongs to it."""
        with self._lock:
            self._waiting = (draft, publisher)
            self._idle.clear()
        self._wake.set()

    def finish(self, draft: Draft | None, publisher: Publisher | None) -> None:
        """Stop, and write the last state even where the broker has not confirmed: it is sent again next time."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CONFIRM_AT_END_S)
        if draft is not None:
            is_delivered = publisher is not None and publisher.flush(_CONFIRM_AT_END_S)
            self._write(draft, is_delivered=is_delivered)

    def forget(self) -> None:
        """Drop the draft that waits, and let the one being written end."""
        with self._lock:
            self._waiting = None
        self._idle.wait(_CONFIRM_AT_END_S)

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                taken, self._waiting = self._waiting, None
            if taken is not None:
                draft, publisher = taken
                if self._is_confirmed(publisher):
                    self._write(draft, is_delivered=True)
            with self._lock:
                if self._waiting is None:
                    self._idle.set()

    def _is_confirmed(self, publisher: Publisher) -> bool:
        deadline = self._clock.monotonic() + _CONFIRM_WITHIN_S
        while not publisher.flush(0.2):
            if publisher.failure or self._stopped.is_set() or self._clock.monotonic() > deadline:
                return False
        return True

    def _write(self, draft: Draft, *, is_delivered: bool) -> None:
        try:
            self._candles.persist()
            for state in draft.states:
                folder = self._folders[state.partition]
                save(folder.checkpoint, msgspec.structs.replace(state, is_delivered=is_delivered))
        except OSError as error:
            if not self.problem:
                _log.error("no checkpoint can be written; a restart goes further back", reason=error.strerror)
            self.problem = error.strerror or type(error).__name__
            return
        self.problem = ""
        self.saved += 1
        self.last_bytes = sum(len(state.engine) for state in draft.states)
        self.saved_at = self._clock.monotonic()
        self._on_saved(draft)
