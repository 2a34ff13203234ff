"""Trade received → firing readable, through the real intake, the broker and the market flow, by rate and triggers.

Open loop; one clock (CLOCK_MONOTONIC, the same in every process of a machine): from the moment a frame is due at
the intake until a confluent-kafka consumer on `firings` returns the firing it led to.
"""

from __future__ import annotations

import gc
import threading
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from confluent_kafka import TopicPartition

from benchmarks.engine.result import Figure
from benchmarks.stream import scene
from benchmarks.stream.feed import Told
from benchmarks.stream.services import process, services, settings_of, wait_for, wait_for_flow
from core.settings import PREFIX, Settings
from core.wire import kafka
from core.wire.records import Firing, decode
from core.wire.topics import topics

_FEED_S = 120.0
_LAST_S = 10.0
TARGET_RATE, TARGET_TRIGGERS = 10_000, 100_000
TARGET_P50_MS, TARGET_P99_MS = 4.0, 12.0


@dataclass(frozen=True, slots=True)
class Size:
    """`seconds` of each measurement after `warm_s` of the same load."""

    rates: Sequence[int]
    triggers: Sequence[int]
    seconds: float = 30.0
    warm_s: float = 4.0
    symbols: int = 1_000
    runtime: str = "bytewax"


@dataclass(frozen=True, slots=True)
class Measured:
    """Latencies in milliseconds of the firings of one run, and what the feed said of itself."""

    ms: np.ndarray[tuple[int], np.dtype[np.float64]]
    late_ms: float
    trades: int


def figures(size: Size, broker: str) -> Generator[Figure]:
    """Measure each number of triggers at each rate.

    Raises:
        AssertionError: a firing was not read, read twice, or is none that the trades lead to.
        ConfigError: the broker asked for is not installed.
    """
    with services(broker, f"bench-{uuid.uuid4().hex[:8]}.") as base:
        for count in size.triggers:
            folder = Path(base[PREFIX + "DATA_DIR"]) / f"flow-{count}"
            folder.mkdir()
            own = {"DATA_DIR": str(folder), "TOPIC_PREFIX": f"{base[PREFIX + 'TOPIC_PREFIX']}{count}."}
            variables = {**base, **{PREFIX + name: value for name, value in own.items()}}
            settings = settings_of(variables)
            kafka.ensure_topics(settings)
            armed = scene.arm(settings, count, size.symbols)
            words = ("dataflows.market", "--runtime", size.runtime)
            with process(variables, folder / "market.log", *words) as flow:
                wait_for_flow(settings, flow, folder / "market.log", triggers=armed)
                for rate in size.rates:
                    measured = measure(variables, folder, rate=rate, size=size)
                    where = f"{broker}, {rate:,} trades/s, {count:,} triggers"
                    yield from _figures(measured, where, _targets(broker, rate, count))


def measure(variables: Mapping[str, str], folder: Path, *, rate: int, size: Size) -> Measured:
    """Offer the load and read the firings."""
    settings, told = settings_of(variables), folder / f"told-{rate}.json"
    reading = _Reading(settings)
    words = [
        "benchmarks.stream.feed", "--rate", str(rate), "--seconds", str(size.seconds), "--warm", str(size.warm_s),
        "--symbols", str(size.symbols), "--told", str(told),
    ]  # fmt: skip
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        with process(variables, folder / "feed.log", *words) as feed:
            wait_for("the feed to end", lambda: feed.poll() is not None, timeout_s=_FEED_S + 5 * size.seconds)
            assert feed.returncode == 0, f"the feed ended: {(folder / 'feed.log').read_text()[-3000:]}"
        sent = msgspec.json.decode(told.read_bytes(), type=Told)
        return Measured(reading.latencies(sent), sent.late_ms, sent.trades)
    finally:
        reading.close()
        gc.enable()
        gc.unfreeze()


def took_ms(firings: Sequence[tuple[Firing, int]], sent: Told) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the milliseconds from when each trade that was to fire was due until its firing was read.

    Args:
        firings: Each with the monotonic nanoseconds at which it was read.

    Raises:
        AssertionError: one is missing, came twice, or is of no trade that was to fire.
    """
    found = {(f.symbol, f.ts_ms): at for f, at in firings}
    assert len({f.firing_id for f, _ in firings}) == len(found) == len(firings), "a firing came twice"
    missing = sum((d.symbol, d.ts_ms) not in found for d in sent.due)
    assert not missing, f"{missing} of {len(sent.due)} firings never came"
    unexpected = sorted(found.keys() - {(d.symbol, d.ts_ms) for d in (*sent.due, *sent.early)})
    assert not unexpected, f"{len(unexpected)} firings of no trade that was to fire, the first: {unexpected[0]}"
    return np.array([found[d.symbol, d.ts_ms] - d.due_ns for d in sent.due], np.float64) / 1e6


class _Reading:
    """Reads `firings` from its end in a thread; notes when each came, and looks into them later."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = kafka.consumer(settings)
        place = (topics(settings).firings.name, 0)
        _, end = kafka.bounds(settings, [place])[place]
        self._consumer.assign([TopicPartition(*place, end)])
        self._read: list[tuple[int, bytes]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="firings", daemon=True)
        self._thread.start()

    def latencies(self, sent: Told) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Wait for the last firing, and return how long each took.

        Raises:
            AssertionError: see `took_ms`.
        """
        wanted, deadline = {(d.symbol, d.ts_ms) for d in sent.due}, time.monotonic() + _LAST_S
        while True:
            firings = [(decode(value, Firing), at) for at, value in list(self._read)]
            if wanted <= {(f.symbol, f.ts_ms) for f, _ in firings} or time.monotonic() > deadline:
                return took_ms(firings, sent)
            time.sleep(0.2)

    def close(self) -> None:
        self._stopped.set()
        self._thread.join(5)
        self._consumer.close()

    def _work(self) -> None:
        while not self._stopped.is_set():
            message = self._consumer.poll(0.1)
            at = time.monotonic_ns()
            if message is not None and message.error() is None:
                self._read.append((at, message.value() or b""))


def _targets(broker: str, rate: int, triggers: int) -> tuple[float | None, float | None]:
    is_meant = rate == TARGET_RATE and triggers == TARGET_TRIGGERS and broker == "embedded"
    return (TARGET_P50_MS, TARGET_P99_MS) if is_meant else (None, None)


def _figures(measured: Measured, where: str, targets: tuple[float | None, float | None]) -> Generator[Figure]:
    p50, p99, p999 = (float(x) for x in np.percentile(measured.ms, [50, 99, 99.9]))
    note = f"{len(measured.ms):,} firings; frames handed over late, p99: {measured.late_ms:.2f} ms"
    yield Figure(f"{where}: p50", p50, "ms", target=targets[0], is_most=True, note=note)
    yield Figure(f"{where}: p99", p99, "ms", target=targets[1], is_most=True)
    yield Figure(f"{where}: p99.9", p999, "ms", note=f"longest {float(measured.ms.max()):.1f} ms")
