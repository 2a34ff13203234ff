"""What becomes of a frame: its trades go into batches, what cannot be read into dead letters, errors are told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import msgspec

from core.clock import Clock
from core.errors import Malformed
from ingest.feedclock import FeedClock
from ingest.frames import read_frame, read_prints, read_related
from ingest.liveness import Liveness
from ingest.normaliser import FrameMemory, Normaliser
from ingest.publisher import Publisher

BATCH_S = 0.002
"""A batch that is not full is sent at once, but no sooner after the one before it."""


class Intake:
    """Takes frames on the event loop.

    Args:
        liveness: Told of the trades of each frame.
        on_error: Told the text of each error that the feed sends.
        on_news: Told the symbols that the feed has news of; what they are is asked by REST.
    """

    def __init__(
        self,
        publisher: Publisher,
        normaliser: Normaliser,
        feed_clock: FeedClock,
        clock: Clock,
        liveness: Liveness,
        *,
        on_error: Callable[[str], None],
        on_news: Callable[[list[str]], None],
    ) -> None:
        self._publisher = publisher
        self._normaliser = normaliser
        self._feed_clock = feed_clock
        self._clock = clock
        self._liveness = liveness
        self._on_error = on_error
        self._on_news = on_news
        self._memory = FrameMemory()
        self._flush: asyncio.TimerHandle | None = None
        self._flushed_s = -BATCH_S
        self.lag_ms = 0
        """How far behind feed time the latest trade of the last frame happened."""

    @property
    def counts(self) -> Counter[str]:
        return self._normaliser.counts

    def take(self, text: str | bytes) -> None:
        try:
            frame = read_frame(text)
            if frame.type == "trade":
                self._take_trades(text, frame.data)
            elif frame.type == "error":
                self._on_error(frame.msg)
            elif frame.type == "news":
                self._on_news(read_related(frame.data))
            elif frame.type != "ping":
                raise Malformed("unknown_type", frame.type)
        except Malformed as error:
            self._unreadable(text, error.reason, error.detail)

    def _take_trades(self, text: str | bytes, data: msgspec.Raw) -> None:
        recv_ms = self._clock.now_ms()
        if self._memory.is_repeat(text, recv_ms):
            self._publisher.counts["duplicate_frames"] += 1
            return
        prints, bad = read_prints(data)
        latest_ms = self._feed_clock.latest_ms()
        heard: dict[str, tuple[int, int]] = {}
        for given in prints:
            row = self._normaliser.row(given, recv_ms=recv_ms, feed_ms=latest_ms)
            if isinstance(row, str):
                self._unreadable(text, row, f"{given.s} {given.p!r} {given.v!r} {given.t}")
            else:
                self._publisher.add(row)
                heard[row.symbol] = (heard.get(row.symbol, (0, 0))[0] + 1, row.ts_ms)
        for original, why in bad:
            self._unreadable(original, "bad_trade", why)
        self._liveness.trades(heard, feed_ms=self._feed_clock.feed_ms())
        if prints:
            self.lag_ms = self._feed_clock.feed_ms() - max(p.t for p in prints)
        if self._flush is None and self._publisher.has_waiting:
            loop = asyncio.get_running_loop()
            due_s = self._flushed_s + BATCH_S
            if loop.time() >= due_s:
                self._flush_now(loop)
            else:
                self._flush = loop.call_at(due_s, self._flush_now, loop)

    def _flush_now(self, loop: asyncio.AbstractEventLoop) -> None:
        self._flush, self._flushed_s = None, loop.time()
        self._publisher.flush_all()

    def _unreadable(self, original: str | bytes, reason: str, detail: str) -> None:
        raw = original.encode() if isinstance(original, str) else original
        self._publisher.dead_letter(raw, reason=reason, detail=detail)
