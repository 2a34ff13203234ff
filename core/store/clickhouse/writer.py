"""Rows on their way into one table: batched, retried, on disk while ClickHouse is away, and never twice.

`add` never blocks and never fails. A thread of its own sends batches in order; a batch has a token made of its
content, and ClickHouse drops a batch whose token it has seen. `persist` answers once every row given so far is in
ClickHouse or in a file: after it, the caller may forget where the rows came from. Files left by a process before
are sent first.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.exceptions import ClickHouseError

from core.clock import Clock, SystemClock
from core.errors import Unavailable
from core.observability import logger
from core.store.clickhouse.spill import Batch, Spill, make_batch

_log = logger(__name__)
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.2, 5.0
_STOP_WITHIN_S = 2.0

Row = tuple[object, ...]
Insert = Callable[[str, Sequence[str], Sequence[Sequence[object]], str], None]
"""Insert columns into a table under a token; raise Unavailable to be called again."""


@dataclass(frozen=True, slots=True)
class WriterState:
    """`waiting` are rows not yet in ClickHouse, wherever they are; `refused` and `dropped` are lost to it.

    `disk_problem` is why the disk takes none of them now, empty while it does.
    """

    is_away: bool
    waiting: int
    spilled_bytes: int
    written: int
    refused: int
    dropped: int
    disk_problem: str


@dataclass(slots=True)
class _Pending:
    """`batch` None while it lies on disk only."""

    batch: Batch | None
    name: str
    rows: int
    is_spilled: bool


class BatchWriter:
    """Start it once, close it at the end. `add`, `persist` and `state` may be called from any thread."""

    def __init__(
        self,
        insert: Insert,
        table: str,
        columns: Sequence[str],
        spill: Spill,
        *,
        max_rows: int = 5_000,
        max_wait_ms: int = 500,
        memory_rows: int = 50_000,
        clock: Clock | None = None,
    ) -> None:
        self._insert = insert
        self._table = table
        self._columns = tuple(columns)
        self._spill = spill
        self._max_rows = max_rows
        self._max_wait_s = max_wait_ms / 1000
        self._memory_rows = memory_rows
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._disk = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._rows: list[Row] = []
        self._since: float | None = None
        self._queue: deque[_Pending] = deque(_Pending(None, f.name, f.rows, True) for f in spill.files())
        self._is_away = self._is_dropping = False
        self._written = self._refused = self._dropped = 0
        self._disk_problem = ""
        self._thread = threading.Thread(target=self._work, name=f"clickhouse-{table}", daemon=True)

    def start(self) -> BatchWriter:
        self._thread.start()
        return self

    def add(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        with self._lock:
            self._rows += rows
            if self._since is None:
                self._since = self._clock.monotonic()
            is_full = len(self._rows) >= self._max_rows
        if is_full:
            self._wake.set()

    def persist(self) -> None:
        """Make sure that every row given so far is in ClickHouse or on disk.

        Raises:
            OSError: the disk takes no more; nothing is lost as long as the process lives.
        """
        self._cut(everything=True)
        with self._disk:
            with self._lock:
                waiting = [p for p in self._queue if not p.is_spilled]
            for pending in waiting:
                self._to_disk(pending)

    def flush(self, timeout_s: float) -> bool:
        """Send everything now; return whether it is all in ClickHouse within the time."""
        deadline = self._clock.monotonic() + timeout_s
        self._cut(everything=True)
        while self.state().waiting:
            self._wake.set()
            if self._clock.monotonic() > deadline or not self._thread.is_alive():
                return False
            self._stopped.wait(0.01)
        return True

    def state(self) -> WriterState:
        with self._lock:
            waiting = len(self._rows) + sum(p.rows for p in self._queue)
            return WriterState(
                self._is_away, waiting, self._spill.total_bytes, self._written, self._refused, self._dropped,
                self._disk_problem,
            )  # fmt: skip

    def close(self) -> None:
        """Stop sending. What is not sent is put on disk, and sent by the next process."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_WITHIN_S)
        try:
            self.persist()
        except OSError as error:
            _log.error("history not yet written is lost", table=self._table, reason=error.strerror)

    def _work(self) -> None:
        backoff_s = _FIRST_BACKOFF_S
        while not self._stopped.is_set():
            self._cut(everything=False)
            with self._lock:
                first = self._queue[0] if self._queue else None
            if first is None:
                self._wake.wait(self._max_wait_s / 4)
                self._wake.clear()
                continue
            if self._send(first):
                backoff_s = _FIRST_BACKOFF_S
                continue
            self._relieve_memory()
            self._stopped.wait(backoff_s * random.uniform(0.5, 1.0))
            backoff_s = min(_LONGEST_BACKOFF_S, 2 * backoff_s)

    def _cut(self, *, everything: bool) -> None:
        """Make batches of the rows given, where there are enough of them or they have waited enough."""
        with self._lock:
            is_due = self._since is not None and self._clock.monotonic() - self._since >= self._max_wait_s
            if not self._rows or not (everything or is_due or len(self._rows) >= self._max_rows):
                return
            rows, self._rows, self._since = self._rows, [], None
            for first in range(0, len(rows), self._max_rows):
                batch = make_batch(self._columns, rows[first : first + self._max_rows])
                self._queue.append(_Pending(batch, batch.token, batch.rows, False))

    def _send(self, pending: _Pending) -> bool:
        """Send the first batch; return False where ClickHouse is away."""
        batch = pending.batch or self._spill.read(pending.name)
        if batch is None:
            self._done(pending, refused="its file cannot be read")
            return True
        try:
            self._insert(self._table, batch.names, batch.columns, batch.token)
        except Unavailable as error:
            if not self._is_away:
                _log.warning("history is kept on disk until ClickHouse is back", table=self._table, reason=str(error))
            self._is_away = True
            return False
        except (ClickHouseError, ValueError, TypeError) as error:
            self._done(pending, refused=f"{type(error).__name__}: {error}"[:300])
            return True
        if self._is_away:
            _log.info("ClickHouse is back", table=self._table, rows_dropped=self._dropped)
        self._is_away = self._is_dropping = False
        self._done(pending, refused="")
        return True

    def _done(self, pending: _Pending, *, refused: str) -> None:
        with self._disk, self._lock:
            if pending in self._queue:
                self._queue.remove(pending)
            else:
                # Dropped for want of room while it was being sent.
                self._dropped -= pending.rows
            if refused:
                self._refused += pending.rows
                _log.error("a batch of history is refused", table=self._table, rows=pending.rows, reason=refused)
                with contextlib.suppress(OSError):
                    self._spill.set_aside(pending.name, pending.batch)
                return
            self._written += pending.rows
            if pending.is_spilled:
                self._spill.remove(pending.name)

    def _relieve_memory(self) -> None:
        """Keep at most `memory_rows` in memory: the rest lies on disk, and beyond its limit the oldest goes."""
        with self._disk:
            with self._lock:
                held = [p for p in self._queue if p.batch is not None]
                excess = sum(p.rows for p in held) - self._memory_rows
            for pending in held:
                if excess <= 0:
                    break
                try:
                    self._to_disk(pending)
                except OSError:
                    self._drop_oldest()
                    return
                pending.batch = None
                excess -= pending.rows

    def _to_disk(self, pending: _Pending) -> None:
        if pending.batch is not None and not pending.is_spilled:
            self._spilled(pending, pending.batch)
        while self._queue and self._spill.is_over_limit:
            self._drop_oldest()

    def _spilled(self, pending: _Pending, batch: Batch) -> None:
        try:
            pending.name = self._spill.write(batch)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            if reason != self._disk_problem:
                _log.error(
                    "the disk takes no history that waits for ClickHouse; make room: memory for it is bounded",
                    table=self._table, folder=str(self._spill.folder), reason=reason, rows_in_memory=self._memory_rows,
                )  # fmt: skip
            self._disk_problem = reason
            raise
        pending.is_spilled = True
        self._disk_problem = ""

    def _drop_oldest(self) -> None:
        with self._lock:
            if not self._queue:
                return
            oldest = self._queue.popleft()
            is_first = not self._is_dropping
            self._is_dropping = True
            self._dropped += oldest.rows
        if is_first:
            _log.error("history is dropped, the oldest first: there is no room for it", table=self._table)
        if oldest.is_spilled:
            self._spill.remove(oldest.name)
