"""The life of a market flow process: wait for its neighbours, follow the log, begin again when the log is lost.

What the engine knows stays in memory from one log to the next; from one process to the next it lies on disk.
"""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Sequence

from core.clock import Clock
from core.errors import ConfigError, Unavailable
from core.heartbeat import Heartbeat
from core.observability import logger
from core.settings import Settings
from core.store import redis as redis_store
from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.spill import Spill
from core.store.clickhouse.writer import BatchWriter
from core.wire.position import LogLost
from core.wire.sure_reader import open_log
from dataflows.candle_rows import COLUMNS
from dataflows.checkpoint import Extent, PartitionFolder
from dataflows.checkpointing import Checkpointer
from dataflows.journal import Journal
from dataflows.left_history import HistoryFolder
from dataflows.live_publisher import LivePublisher
from dataflows.offspring import Offspring
from dataflows.publisher import Publisher
from dataflows.restore import engine_config, owned, restore, watched
from dataflows.shard import Shard
from dataflows.source import LogReader
from dataflows.stream import Runtime, Stream
from dataflows.vital_signs import VitalSigns

_log = logger(__name__)
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.2, 3.0
_GROWN = 1.1  # triggers, since they were last taken out of the collector's sight


class MarketProcess:
    """One shard of the market flow. `run` returns once `stop` is set."""

    def __init__(
        self,
        settings: Settings,
        heartbeat: Heartbeat,
        clock: Clock,
        *,
        shard: int,
        of: int,
        runtime: Runtime,
        stop: threading.Event,
    ) -> None:
        self._settings = settings
        self._heartbeat = heartbeat
        self._clock = clock
        self._runtime = runtime
        self._stop = stop
        if shard >= settings.trades_partitions:
            raise ConfigError(f"--shard {shard} --of {of}: there are {settings.trades_partitions} partitions of trades")
        self._history = HistoryFolder(settings.data_dir / "market" / "history", f"{shard}-of-{of}")
        self._folders = {p: PartitionFolder(settings.data_dir, p) for p in owned(settings, shard, of)}
        self._engine_config = engine_config(settings)
        self._columns = watched(settings)
        self._backoff_s = _FIRST_BACKOFF_S
        self._settled = 0

    def run(self) -> None:
        """Follow the log until told to stop.

        Raises:
            ConfigError: a setting names what does not exist.
        """
        if not self._lock_partitions():
            return
        self._history.take_over()
        clickhouse = ClickHouse(self._settings)
        candles = BatchWriter(
            lambda table, names, columns, token: clickhouse.insert(table, names, columns, by_column=True, token=token),
            "candles",
            COLUMNS,
            Spill(self._history.path, limit_bytes=self._settings.spill_max_mb * 1_000_000),
        ).start()
        live = LivePublisher(redis_store.client(self._settings)).start()
        try:
            self._follow(candles, live)
        finally:
            live.close()
            candles.close()
            clickhouse.close()
            # Before the partitions: who waits for one of them takes over what is left here.
            self._history.unlock()
            for folder in self._folders.values():
                folder.unlock()

    def _follow(self, candles: BatchWriter, live: LivePublisher) -> None:
        started = self._clock.monotonic()
        # Nothing restored is garbage, and looking through it again and again nearly doubles the time it takes.
        gc.disable()
        shard, is_to_send_again = self._restored()
        took_ms = round((self._clock.monotonic() - started) * 1000)
        _settle()
        self._settled = shard.triggers
        _log.info("state restored", partitions=len(self._folders), triggers=shard.triggers, took_ms=took_ms)

        def trim(extents: Sequence[Extent]) -> None:
            for extent in extents:
                shard.partitions[extent.partition].trim_journal(extent)

        checkpointer = Checkpointer(self._folders, candles, self._clock, trim).start()
        publisher: Publisher | None = None
        try:
            while not self._stop.is_set():
                publisher = Publisher(self._settings)
                try:
                    reader = self._open(shard, publisher, is_to_send_again=is_to_send_again)
                except (Unavailable, LogLost) as error:
                    publisher.close()
                    self._wait(str(error))
                    continue
                is_to_send_again = False
                signs = VitalSigns(self._heartbeat, self._clock, shard, reader, candles, live, checkpointer)
                stream = Stream(
                    reader,
                    shard,
                    publisher,
                    candles=candles,
                    live=live,
                    checkpointer=checkpointer,
                    feed=self._settings.feed_name,
                    clock=self._clock,
                    stop=self._stop,
                    on_tick=lambda signs=signs: self._tick(signs, shard),
                )
                self._backoff_s = _FIRST_BACKOFF_S
                try:
                    self._runtime(stream)
                finally:
                    reader.close()
                if stream.ended:
                    # What was sent of late may be lost with the log, or was never confirmed: all of it goes again.
                    is_to_send_again = True
                    checkpointer.forget()
                    publisher.close()
                    self._wait(str(stream.ended))
        except BaseException:
            # The engine may be in the middle of a batch: go back to the last checkpoint, not to here.
            checkpointer.finish(None, None)
            raise
        # The system's patience with a stop is short, and what the log holds since the last checkpoint is never lost.
        last = shard.draft() if shard.is_quick_to_save else None
        checkpointer.finish(last, None if is_to_send_again else publisher)

    def _tick(self, signs: VitalSigns, shard: Shard) -> None:
        signs.report()
        if shard.triggers > self._settled * _GROWN:
            # Those that were armed since are as lasting as those restored.
            gc.freeze()
            self._settled = shard.triggers

    def _restored(self) -> tuple[Shard, bool]:
        found = restore(self._settings, self._folders, self._engine_config, self._columns)
        shard = Shard(
            [r.partition for r in found],
            self._clock,
            recent={r.partition.number: r.recent for r in found},
            checkpoint_interval_ms=self._settings.checkpoint_interval_ms,
            offspring=Offspring({p: f.fresh for p, f in self._folders.items()}, self._clock),
        )
        shard.cluster_ids = {r.partition.number: r.cluster_id for r in found}
        return shard, not all(r.is_delivered for r in found)

    def _open(self, shard: Shard, publisher: Publisher, *, is_to_send_again: bool) -> LogReader:
        """Begin the log that is there, where we were in it or at its beginning.

        Raises:
            Unavailable: the broker is away.
            LogLost: it was replaced at this moment, or is shorter than our offsets; the next try begins it anew.
        """
        cluster_id = open_log(self._settings)
        is_lost = shard.move_to(cluster_id, {p: Journal(f.journal, cluster_id) for p, f in self._folders.items()})
        try:
            reader = LogReader(self._settings, shard.positions(), list(self._folders), self._clock)
        except LogLost:
            shard.lose_log()
            raise
        if is_lost or is_to_send_again:
            again = shard.recent()
            _log.info("sent again, for a broker that may have lost it", records=len(again), log=cluster_id)
            publisher.send(again)
        return reader

    def _lock_partitions(self) -> bool:
        for folder in (*self._folders.values(), self._history):
            while not self._stop.is_set():
                try:
                    folder.lock()
                    break
                except Unavailable as error:
                    self._wait(str(error))
        return not self._stop.is_set()

    def _wait(self, reason: str) -> None:
        """Say what we wait for, and wait a little longer each time."""
        if self._stop.is_set():
            return
        self._heartbeat.report("waiting", reason)
        _log.warning("waiting", reason=reason)
        self._stop.wait(self._backoff_s * random.uniform(0.5, 1.0))
        self._backoff_s = min(_LONGEST_BACKOFF_S, 2 * self._backoff_s)


def _settle() -> None:
    """Take what is there out of the garbage collector's sight, and have it look at what is old hardly ever.

    A full collection over a hundred thousand triggers holds the flow up for a quarter of a second; what a look at
    the log leaves behind is freed by counting, or found young.
    """
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 1_000)
