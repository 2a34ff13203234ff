"""kill -9 of the market flow while trades go on: how long until the first new firing is readable, and is none lost?

From the kill, with the next start right after it, until a consumer on `firings` has one of a trade that was due
after the kill. At least once is the promise of the topic: the same id may come again, another id may not.
"""

from __future__ import annotations

import contextlib
import datetime
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from confluent_kafka import TopicPartition

from benchmarks.engine.result import Figure
from benchmarks.stream import scene
from benchmarks.stream.feed import Due, Told
from benchmarks.stream.services import FIRST_START_S, process, services, settings_of, wait_for, wait_for_flow
from core.settings import PREFIX, Settings
from core.wire import kafka
from core.wire.records import Firing, decode
from core.wire.topics import topics
from dataflows.checkpoint import PartitionFolder

TARGET_SYMBOLS, TARGET_TRIGGERS, TARGET_S = 10_000, 100_000, 5.0
_RATE = 1_000
_WARM_S = 2.0
_LAST_S = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """`seconds` of trades: all of kill, start and catching up should lie within."""

    symbols: int = TARGET_SYMBOLS
    triggers: int = TARGET_TRIGGERS
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A firing, and when it was read in epoch milliseconds."""

    firing: Firing
    at_ms: int


class _Line(msgspec.Struct):
    at: str
    message: str
    took_ms: int = 0


def figures(size: Size, broker: str) -> Generator[Figure]:
    """Measure one kill.

    Raises:
        AssertionError: a firing was not read, or a trade led to two.
        ConfigError: the broker asked for is not installed.
    """
    with services(broker, f"bench-{uuid.uuid4().hex[:8]}.") as base:
        folder = Path(base[PREFIX + "DATA_DIR"]) / "flow"
        folder.mkdir()
        variables = {**base, PREFIX + "DATA_DIR": str(folder), PREFIX + "LOG_FORMAT": "json"}
        settings = settings_of(variables)
        kafka.ensure_topics(settings)
        armed = scene.arm(settings, size.triggers, size.symbols)
        with contextlib.closing(_Reader(settings)) as reader:
            killed_ms, sent = _killed_and_started(variables, settings, folder, size, reader, armed=armed)
            doubled = _check(reader, sent.due)
            first_ms = min(s.at_ms for s in reader.seen() if s.firing.ts_ms > killed_ms)
        where = f"{broker}, {size.symbols:,} symbols, {size.triggers:,} triggers"
        is_meant = (size.symbols, size.triggers, broker) == (TARGET_SYMBOLS, TARGET_TRIGGERS, "embedded")
        note = f"none of {len(sent.due):,} firings lost; sent again under the same id: {doubled:,}"
        yield Figure(
            f"{where}: kill to first new firing", (first_ms - killed_ms) / 1000, "s",
            target=TARGET_S if is_meant else None, is_most=True, note=note,
        )  # fmt: skip
        yield from _split(folder / "second.log", where, killed_ms, first_ms)


def _killed_and_started(
    variables: Mapping[str, str], settings: Settings, folder: Path, size: Size, reader: _Reader, *, armed: int
) -> tuple[int, Told]:
    """Return when the flow was killed, in epoch milliseconds, and what was sent."""
    told = folder / "told.json"
    words = [
        "benchmarks.stream.feed", "--rate", str(_RATE), "--seconds", str(size.seconds), "--warm", str(_WARM_S),
        "--symbols", str(size.symbols), "--told", str(told),
    ]  # fmt: skip
    with contextlib.ExitStack() as undo:
        flow = undo.enter_context(process(variables, folder / "first.log", "dataflows.market"))
        wait_for_flow(settings, flow, folder / "first.log", triggers=armed)
        feed = undo.enter_context(process(variables, folder / "feed.log", *words))
        wait_for("the first firing", lambda: reader.count > 0, timeout_s=FIRST_START_S)
        files = [PartitionFolder(settings.data_dir, p).checkpoint for p in range(settings.trades_partitions)]
        wait_for("a checkpoint with trades in it", _is_written(files), timeout_s=FIRST_START_S)
        assert feed.poll() is None, "the trades ended before the kill: give it more seconds"
        killed_ms = _now_ms()
        flow.kill()
        flow.wait(5)
        again = undo.enter_context(process(variables, folder / "second.log", "dataflows.market"))
        wait_for("the trades to end", lambda: feed.poll() is not None, timeout_s=FIRST_START_S + size.seconds)
        assert feed.returncode == 0, f"the feed ended: {(folder / 'feed.log').read_text()[-3000:]}"
        sent = msgspec.json.decode(told.read_bytes(), type=Told)
        wanted = {(d.symbol, d.ts_ms) for d in sent.due}
        with contextlib.suppress(AssertionError):  # `_check` says what is missing
            wait_for("all firings", lambda: wanted <= reader.found().keys(), timeout_s=_LAST_S)
        assert again.poll() is None, f"the flow ended: {(folder / 'second.log').read_text()[-3000:]}"
    return killed_ms, sent


def _is_written(files: Sequence[Path]) -> Callable[[], bool]:
    """Return whether each file has been replaced since now."""
    began = time.time()
    return lambda: all(file.exists() and file.stat().st_mtime > began for file in files)


def _check(reader: _Reader, due: Sequence[Due]) -> int:
    """Return how many firings came again.

    Raises:
        AssertionError: one is missing, or a trade led to two.
    """
    found, seen = reader.found(), reader.seen()
    missing = [d for d in due if (d.symbol, d.ts_ms) not in found]
    assert not missing, f"{len(missing)} of {len(due)} firings never came, the first {missing[0]}"
    twofold = [key for key, ids in found.items() if len(ids) > 1]
    assert not twofold, f"{len(twofold)} trades fired under two ids, the first {twofold[0]}"
    return len(seen) - len({s.firing.firing_id for s in seen})


def _split(log: Path, where: str, killed_ms: int, first_ms: int) -> Iterator[Figure]:
    """Say where the time went, by what the second flow logged."""
    lines = [msgspec.json.decode(x, type=_Line) for x in log.read_bytes().splitlines() if x.startswith(b"{")]
    restored = next((line for line in lines if line.message == "state restored"), None)
    if restored is None:
        return
    restored_ms = round(datetime.datetime.fromisoformat(restored.at).timestamp() * 1000)
    began_ms = restored_ms - restored.took_ms
    yield Figure(f"{where}: start, imports, compiled code", (began_ms - killed_ms) / 1000, "s")
    yield Figure(f"{where}: checkpoint read and restored", restored.took_ms / 1000, "s")
    yield Figure(f"{where}: joining the log, catching up", (first_ms - restored_ms) / 1000, "s")


class _Reader:
    """Reads all of `firings` in a thread, and notes when each came."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = kafka.consumer(settings)
        self._consumer.assign([TopicPartition(topics(settings).firings.name, 0, 0)])
        self._read: list[tuple[int, bytes]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="firings", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        return len(self._read)

    def seen(self) -> list[Seen]:
        return [Seen(decode(value, Firing), at_ms) for at_ms, value in list(self._read)]

    def found(self) -> dict[tuple[str, int], set[str]]:
        """Return the ids of the firings by symbol and time of the trade."""
        found: dict[tuple[str, int], set[str]] = {}
        for one in self.seen():
            found.setdefault((one.firing.symbol, one.firing.ts_ms), set()).add(one.firing.firing_id)
        return found

    def close(self) -> None:
        self._stopped.set()
        self._thread.join(5)
        self._consumer.close()

    def _work(self) -> None:
        while not self._stopped.is_set():
            message = self._consumer.poll(0.1)
            if message is not None and message.error() is None:
                self._read.append((_now_ms(), message.value() or b""))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
