"""What the market flow says of itself, in one sentence and a few numbers."""

from __future__ import annotations

from core.clock import Clock
from core.heartbeat import Heartbeat, State
from core.store.clickhouse.writer import BatchWriter, WriterState
from core.wire.losses import Losses
from dataflows.checkpointing import Checkpointer
from dataflows.live_publisher import LivePublisher
from dataflows.progress import Progress
from dataflows.shard import Shard
from dataflows.source import LogReader

_INTERVAL_S = 0.5
_OLD_CHECKPOINT_S = 60.0
_AFTER_LOSS = "what would have fired on them did not, and candles of that time are not whole"


class VitalSigns:
    def __init__(
        self,
        heartbeat: Heartbeat,
        clock: Clock,
        shard: Shard,
        reader: LogReader,
        candles: BatchWriter,
        live: LivePublisher,
        checkpointer: Checkpointer,
    ) -> None:
        self._heartbeat = heartbeat
        self._clock = clock
        self._shard = shard
        self._reader = reader
        self._candles = candles
        self._live = live
        self._checkpointer = checkpointer
        self._progress = Progress()
        self._next = clock.monotonic()
        self._last = (clock.monotonic(), shard.trades)
        self._losses = Losses(clock)

    def report(self) -> None:
        """Beat, at most twice a second; to be called often."""
        now = self._clock.monotonic()
        if now < self._next:
            return
        self._next = now + _INTERVAL_S
        before, trades = self._last
        self._last = (now, self._shard.trades)
        seconds = now - before
        history = self._candles.state()
        unread = self._reader.unread()
        self._progress.take(unread, now_s=now)
        self._losses.note(self._shard.lost)
        state, detail = self._state(now, history)
        self._heartbeat.report(
            state,
            detail,
            lag=float(self._reader.unread_news() + sum(at.records for at in unread.values())),
            trades_per_second=round((self._shard.trades - trades) / seconds, 1) if seconds > 0 else 0.0,
            trades=float(self._shard.trades),
            firings=float(self._shard.firings),
            suppressions=float(self._shard.suppressed.total()),
            **{f"suppressed_{reason}": float(n) for reason, n in self._shard.suppressed.items()},
            triggers=float(self._shard.triggers),
            symbols=float(self._shard.symbols),
            unreadable=float(self._shard.unreadable),
            lost=float(self._losses.total),
            **{f"trades_{reason}": float(n) for reason, n in self._shard.dropped().items()},
            feed_ms=float(self._shard.feed_ms),
            history_waiting=float(history.waiting),
            history_spilled_bytes=float(history.spilled_bytes),
            history_written=float(history.written),
            history_lost=float(history.dropped + history.refused),
            checkpoint_age_s=round(now - self._checkpointer.saved_at, 1),
            checkpoint_bytes=float(self._checkpointer.last_bytes),
            checkpoints_failed=float(self._checkpointer.failed),
        )

    def _state(self, now: float, history: WriterState) -> tuple[State, str]:
        if self._reader.is_away:
            return "waiting", "Kafka is away; the tape is read on when it is back"
        if self._checkpointer.problem:
            return "degraded", f"no checkpoint can be written: {self._checkpointer.problem}"
        if history.dropped:
            return "degraded", "history was dropped: ClickHouse is away and the disk for it is full"
        if history.is_away and history.disk_problem:
            return "degraded", f"ClickHouse is away and candles wait in memory only: {history.disk_problem}"
        if history.is_away:
            return "degraded", "ClickHouse is away; candles wait on disk and are written later"
        if self._live.is_away:
            return "degraded", "Redis is away; the page does not see live prices"
        if now - self._checkpointer.saved_at > _OLD_CHECKPOINT_S:
            return "degraded", "the last checkpoint is old; a restart takes longer"
        if problem := self._losses.problem(_AFTER_LOSS):
            return "degraded", problem
        if not self._reader.is_complete:
            return "starting", "reading the triggers"
        if problem := self._progress.problem():
            return "degraded", problem
        return "ok", self._shard.sentence()
