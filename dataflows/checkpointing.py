"""Checkpoints to disk by a thread of their own, each after everything that led to it is safe.

The order is the promise: firings confirmed by the broker, candles in ClickHouse or in a file, then the offsets.
A kill at any point finds an older checkpoint, and the log from there gives the same firings and candles again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec

from core.clock import Clock
from core.observability import logger
from core.store.clickhouse.writer import BatchWriter
from dataflows.checkpoint import Draft, Extent, PartitionFolder, put, save
from dataflows.offspring import ChildDraft
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
        on_saved: Callable[[Sequence[Extent]], None],
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
        self._waiting: tuple[Draft | ChildDraft, Publisher] | None = None
        self.problem = ""
        self.saved = 0
        self.failed = 0
        self.last_bytes = 0
        self.saved_at = clock.monotonic()
        self._thread = threading.Thread(target=self._work, name="checkpoint", daemon=True)

    def start(self) -> Checkpointer:
        self._thread.start()
        return self

    def submit(self, draft: Draft | ChildDraft, publisher: Publisher) -> None:
        """Take a draft; all that `publisher` was given before belongs to it."""
        with self._lock:
            replaced, self._waiting = self._waiting, (draft, publisher)
            self._idle.clear()
        _discard(replaced)
        self._wake.set()

    def finish(self, draft: Draft | None, publisher: Publisher | None) -> None:
        """Stop, and write the last state even where the broker has not confirmed: it is sent again next time.

        Args:
            draft: None leaves the checkpoint there is: the next start repeats the log from it, as after a kill.
        """
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CONFIRM_AT_END_S)
        with self._lock:
            dropped, self._waiting = self._waiting, None
        _discard(dropped)
        is_delivered = publisher is not None and publisher.flush(_CONFIRM_AT_END_S)
        if draft is not None:
            self._write(draft, is_delivered=is_delivered)

    def forget(self) -> None:
        """Drop the draft that waits, and let the one being written end."""
        with self._lock:
            dropped, self._waiting = self._waiting, None
        _discard(dropped)
        self._idle.wait(_CONFIRM_AT_END_S)

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                taken, self._waiting = self._waiting, None
            if taken is not None:
                draft, publisher = taken
                if not self._is_confirmed(publisher):
                    _discard(taken)
                elif isinstance(draft, ChildDraft):
                    self._take(draft)
                else:
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
            self._fail(error)
            return
        self._saved(draft.extents, sum(len(state.engine) for state in draft.states))

    def _take(self, draft: ChildDraft) -> None:
        """Put what a child has written in its place, after all that led to it."""
        if not draft.wait(self._stopped):
            if not self._stopped.is_set():
                self._fail(OSError(0, "the process that writes it failed or hung"))
            return
        try:
            self._candles.persist()
            written = sum(path.stat().st_size for path in draft.files.values())
            for number, path in draft.files.items():
                put(path, self._folders[number].checkpoint)
        except OSError as error:
            self._fail(error)
            return
        self._saved(draft.extents, written)

    def _fail(self, error: OSError) -> None:
        self.failed += 1
        if not self.problem:
            _log.error("no checkpoint can be written; a restart goes further back", reason=error.strerror)
        self.problem = error.strerror or type(error).__name__

    def _saved(self, extents: Sequence[Extent], size: int) -> None:
        self.problem = ""
        self.saved += 1
        self.last_bytes = size
        self.saved_at = self._clock.monotonic()
        self._on_saved(extents)


def _discard(taken: tuple[Draft | ChildDraft, Publisher] | None) -> None:
    if taken is not None and isinstance(taken[0], ChildDraft):
        taken[0].discard()
