"""The feed of a latency run, in a process of its own: frames at their times, whatever becomes of the earlier ones.

Frames of JSON as a feed sends them go through the real intake (decode, normalise, batch, publish). A thread hands
each to the event loop when it is due, as a socket would; a latency counts from when its frame was due, so a stall of
ours is counted for every frame that had to wait in it.

    python -m benchmarks.stream.feed --rate 10000 --seconds 30 --warm 3 --symbols 1000 --told FILE
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.stream.scene import ABOVE, BELOW, MOVERS, crowd, mover
from core.clock import SystemClock
from core.settings import load
from core.wire.trades import Mark
from engine.sessions import Calendars
from ingest.feedclock import ReceiptClock
from ingest.hours import Hours
from ingest.intake import Intake
from ingest.liveness import Liveness
from ingest.normaliser import Normaliser
from ingest.publisher import Publisher

_FRAMES_A_SECOND = 1_000
_FIRING_EVERY_S = 0.01
"""Between two turns; every other one goes over the threshold and fires."""
_LEAD_S = 0.5


class Due(msgspec.Struct, frozen=True):
    """A trade that will fire: its symbol and time, and when its frame was due by the monotonic clock."""

    symbol: str
    ts_ms: int
    due_ns: int


class Told(msgspec.Struct, frozen=True):
    """What a run sent. `late_ms` is the 99th percentile of how late frames were handed over.

    `early` may fire too, and are not counted: those of the warm-up, and the first turn of each symbol, which an
    earlier run may have left above its threshold.
    """

    due: list[Due]
    early: list[Due]
    trades: int
    dropped: int
    late_ms: float


class Schedule:
    """All frames of a run, made before it begins; `begin_ns` is of the monotonic clock."""

    def __init__(
        self, *, rate: int, seconds: float, warm_s: float, symbols: int, firing_every_s: float = _FIRING_EVERY_S
    ) -> None:
        self.period_ns = 1_000_000_000 // min(_FRAMES_A_SECOND, rate)
        a_frame = max(1, round(rate * self.period_ns / 1e9))
        count = int((warm_s + seconds) * 1e9 / self.period_ns)
        every = max(1, round(firing_every_s * 1e9 / self.period_ns))
        names, chance = crowd(symbols), np.random.default_rng(1)
        who = [int(w) for w in chance.integers(0, symbols, count * a_frame)]
        price = [float(p) for p in np.round(100.0 + chance.normal(0, 0.05, count * a_frame), 4)]
        made_s = 1.0 + count * a_frame / 500_000
        self.begin_ns = time.monotonic_ns() + int((made_s + _LEAD_S) * 1e9)
        begin_ms = (time.time_ns() + self.begin_ns - time.monotonic_ns()) // 1_000_000
        self.frames: list[bytes] = []
        self.due: list[Due] = []
        self.early: list[Due] = []
        for n in range(count):
            ts_ms = begin_ms + n * self.period_ns // 1_000_000
            own = slice(n * a_frame, (n + 1) * a_frame)
            rows = [_row(names[s], p, ts_ms) for s, p in zip(who[own], price[own], strict=True)]
            step, is_turn = divmod(n, every)
            if is_turn == 0:
                up, name = bool(step % 2), mover(step // 2)
                rows[0] = _row(name, ABOVE if up else BELOW, ts_ms)
                if up:
                    is_counted = n * self.period_ns >= warm_s * 1e9 and step >= 2 * MOVERS
                    where = self.due if is_counted else self.early
                    where.append(Due(name, ts_ms, self.begin_ns + n * self.period_ns))
            self.frames.append(b'{"type":"trade","data":[' + b",".join(rows) + b"]}")
        self.trades = count * a_frame


def _row(symbol: str, price: float, ts_ms: int) -> bytes:
    return f'{{"s":"{symbol}","p":{price},"t":{ts_ms},"v":1,"c":null}}'.encode()


async def _play(schedule: Schedule) -> tuple[int, float]:
    settings, clock = load(), SystemClock()
    publisher, calendars = Publisher(settings, clock), Calendars({})
    publisher.check_log()
    feed_clock = ReceiptClock(clock)
    intake = Intake(
        publisher, Normaliser(calendars), feed_clock, clock, Liveness(clock, Hours(calendars)),
        on_error=_nothing, on_news=_no_news,
    )  # fmt: skip
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    late: list[int] = []

    def send() -> None:
        for n, frame in enumerate(schedule.frames):
            due = schedule.begin_ns + n * schedule.period_ns
            now = time.monotonic_ns()
            if now < due:
                time.sleep((due - now) / 1e9)
                now = time.monotonic_ns()
            late.append(now - due)
            loop.call_soon_threadsafe(intake.take, frame)
        loop.call_soon_threadsafe(done.set)

    gc.collect()
    gc.freeze()
    threading.Thread(target=send, name="feed", daemon=True).start()
    while not done.is_set():
        publisher.mark(Mark(feed_ms=feed_clock.feed_ms(), recv_ms=clock.now_ms(), feed="bench"))
        try:
            await asyncio.wait_for(done.wait(), settings.mark_interval_ms / 1000)
        except TimeoutError:
            continue
    await asyncio.sleep(0.1)
    publisher.close()
    return publisher.counts["trades_dropped"], float(np.percentile(late, 99)) / 1e6


def _nothing(_text: str) -> None: ...


def _no_news(_symbols: list[str]) -> None: ...


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream.feed")
    parser.add_argument("--rate", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warm", type=float, required=True)
    parser.add_argument("--symbols", type=int, required=True)
    parser.add_argument("--firing-every", type=float, default=_FIRING_EVERY_S)
    parser.add_argument("--told", type=Path, required=True)
    asked = parser.parse_args(arguments)
    sys.setswitchinterval(0.0005)
    schedule = Schedule(
        rate=asked.rate, seconds=asked.seconds, warm_s=asked.warm, symbols=asked.symbols,
        firing_every_s=asked.firing_every,
    )  # fmt: skip
    dropped, late_ms = asyncio.run(_play(schedule))
    asked.told.write_bytes(msgspec.json.encode(Told(schedule.due, schedule.early, schedule.trades, dropped, late_ms)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
