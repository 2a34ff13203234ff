"""The market flow as three steps over one log: read, process, write. A runtime is whatever calls them in order.

No step raises for what is to be expected: a lost log, a broker that does not confirm, a wish to stop end the
stream (`read` returns None), and `ended` says why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from core.clock import Clock
from core.store.clickhouse.writer import BatchWriter
from core.wire.position import LogLost
from dataflows.candle_rows import candle_rows
from dataflows.checkpointing import Checkpointer
from dataflows.effects import Effects
from dataflows.live_publisher import LivePublisher
from dataflows.poll import Poll
from dataflows.publisher import Publisher
from dataflows.shard import Shard
from dataflows.source import LogReader

_TICK_S = 0.05
_EMPTY = Poll()

Runtime = Callable[["Stream"], None]
"""Runs a stream to its end."""


class Stream:
    def __init__(
        self,
        reader: LogReader,
        shard: Shard,
        publisher: Publisher,
        *,
        candles: BatchWriter,
        live: LivePublisher,
        checkpointer: Checkpointer,
        feed: str,
        clock: Clock,
        stop: threading.Event,
        on_tick: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._shard = shard
        self._publisher = publisher
        self._candles = candles
        self._live = live
        self._checkpointer = checkpointer
        self._feed = feed
        self._clock = clock
        self._stop = stop
        self._on_tick = on_tick
        self._next_tick = clock.monotonic()
        self.ended: LogLost | str = ""

    def read(self) -> Poll | None:
        """Return what has arrived (maybe nothing), None at the end of the stream."""
        if self._stop.is_set():
            return None
        if self._publisher.failure:
            self.ended = f"firings are not confirmed: {self._publisher.failure}"
            return None
        try:
            poll = self._reader.read()
        except LogLost as error:
            self.ended = error
            return None
        now = self._clock.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + _TICK_S
            self._publisher.poll()
            self._on_tick()
            return poll
        return poll if len(poll) else _EMPTY

    def is_idle(self, poll: Poll) -> bool:
        """Whether there is nothing to process: no record, and no time for anything else."""
        return poll is _EMPTY

    def process(self, poll: Poll) -> Effects:
        return self._shard.process(poll)

    def write(self, all_effects: Sequence[Effects]) -> None:
        """Hand effects to their ways out, in order; a checkpoint follows what it is made of."""
        for effects in all_effects:
            if effects.outgoing:
                self._publisher.send(effects.outgoing)
            if effects.candles:
                self._candles.add(candle_rows(effects.candles, self._feed))
            if effects.live is not None:
                self._live.put(effects.live)
            if effects.checkpoint is not None:
                self._checkpointer.submit(effects.checkpoint, self._publisher)
