"""The judge of fault tests: what a flow that nothing ever disturbs makes of the same log, against what is there.

It reads `trades`, `triggers` and `news` from the broker from their beginning and plays them once, each control and
item at the place where it took effect. Then every firing it finds must be on the topic and decided once (an execution
or a recorded suppression), nothing else may be, and the candles in ClickHouse must be its candles. A broker that
forgot its log cannot be judged.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from confluent_kafka import TopicPartition

from core.clock import ManualClock
from core.errors import Malformed
from core.settings import Settings
from core.store.clickhouse.candles import StoredCandle
from core.store.clickhouse.client import ClickHouse
from core.wire import kafka
from core.wire.records import Firing, decode
from core.wire.topics import topics
from dataflows.checkpoint import PartitionFolder
from dataflows.journal import Journal
from dataflows.partition import Partition
from dataflows.poll import LogRecord, Poll
from dataflows.restore import engine_config, watched
from dataflows.shard import Shard
from engine.engine import Engine
from engine.firing import ClosedCandle
from tests.kit.waiting import wait_until

CandleKey = tuple[str, str, str, int]
_LOOK_S = 0.01
_ALIKE = ("end_ms", "open", "high", "low", "close", "volume", "vwap", "trades", "partial", "source")


class Places:
    """Where controls and news took effect, as the flow's journals say; kept also after it has trimmed them."""

    def __init__(self, data_dir: Path, partitions: int) -> None:
        self._files = {p: PartitionFolder(data_dir, p).journal for p in range(partitions)}
        self._lines: dict[int, dict[bytes, None]] = {p: {} for p in self._files}

    def look(self) -> None:
        for partition, file in self._files.items():
            with contextlib.suppress(FileNotFoundError):
                data = file.read_bytes()
                whole = data[: data.rfind(b"\n") + 1]
                self._lines[partition].update(dict.fromkeys(whole.splitlines(keepends=True)))

    def write(self, folder: Path) -> Mapping[int, Path]:
        """Write one journal a partition, as if none had been trimmed."""
        found = {p: folder / f"journal-{p}" for p in self._lines}
        for partition, lines in self._lines.items():
            found[partition].write_bytes(b"".join(lines))
        return found


@contextlib.contextmanager
def watched_places(data_dir: Path, partitions: int) -> Generator[Places]:
    """Keep an eye on the journals while the block lasts, from before the flow begins."""
    places, stopped = Places(data_dir, partitions), threading.Event()

    def watch() -> None:
        while not stopped.wait(_LOOK_S):
            places.look()

    thread = threading.Thread(target=watch, name="places")
    thread.start()
    try:
        yield places
    finally:
        stopped.set()
        thread.join()
        places.look()


@dataclass(slots=True)
class Verdict:
    """`problems` are sentences, each about one thing that is not as it should be."""

    firings: dict[str, Firing]
    candles: dict[CandleKey, ClosedCandle]
    trades: int
    problems: list[str] = field(default_factory=list[str])


def judge(settings: Settings, places: Places, folder: Path, *, decided: bool = True) -> Verdict:
    """Compare everything; nothing may be at work any more, and no more marks may come.

    Args:
        folder: An empty one, for the judge's own files.
        decided: Whether a dispatcher was there to decide about the firings.
    """
    verdict = _replayed(settings, places, folder)
    verdict.problems += _of_firings(settings, verdict.firings)
    if decided:
        verdict.problems += _of_decisions(settings, verdict.firings)
    verdict.problems += _of_candles(stored_candles(settings), verdict.candles)
    return verdict


def wait_until_decided(settings: Settings, *, timeout_s: float) -> None:
    """Wait until every firing on the topic has been decided."""
    wait_until(
        lambda: {f.firing_id for f in read_firings(settings)} <= set(_decided(settings)),
        timeout_s=timeout_s, what="every firing decided", every_s=0.5,
    )  # fmt: skip


def read_log(settings: Settings, topic: str, partition: int = 0) -> list[LogRecord]:
    """Return every record of a partition as it stands now."""
    low, high = kafka.bounds(settings, [(topic, partition)])[topic, partition]
    if low == high:
        return []
    consumer = kafka.consumer(settings)
    found: list[LogRecord] = []

    def is_read() -> bool:
        for message in kafka.values(consumer.consume(5_000, 0.2)):
            found.append(LogRecord(message.offset() or 0, message.key(), message.value()))
        return bool(found) and found[-1].offset >= high - 1

    try:
        consumer.assign([TopicPartition(topic, partition, low)])
        wait_until(is_read, timeout_s=60, what=f"{topic}/{partition} read up to {high}")
    finally:
        consumer.close()
    return found


def read_firings(settings: Settings) -> list[Firing]:
    """Return what can be read on the topic; the rest is the dead letters' business."""
    found: list[Firing] = []
    for record in read_log(settings, topics(settings).firings.name):
        with contextlib.suppress(Malformed):
            found.append(decode(record.value or b"", Firing))
    return found


def stored_candles(settings: Settings) -> list[StoredCandle]:
    with contextlib.closing(ClickHouse(settings)) as clickhouse:
        return clickhouse.rows("SELECT * EXCEPT (version) FROM candles FINAL", {}, StoredCandle)


def _replayed(settings: Settings, places: Places, folder: Path) -> Verdict:
    names = topics(settings)
    journals, log = places.write(folder), kafka.cluster_id(settings)
    config, columns = engine_config(settings), watched(settings)
    partitions: list[Partition] = []
    for number, path in journals.items():
        engine = Engine(config)
        engine.watch(columns)
        partitions.append(Partition(number, settings.trades_partitions, engine, Journal(path, log)))
    shard = Shard(partitions, ManualClock(), recent={}, checkpoint_interval_ms=10**9, keep_live=False)
    # Never caught up: each control and item waits for its place.
    effects = shard.process(
        Poll(
            trades={p: read_log(settings, names.trades.name, p) for p in journals},
            control=read_log(settings, names.triggers.name),
            news=read_log(settings, names.news.name),
        )
    )
    firings = [decode(o.value, Firing) for o in effects.outgoing if o.topic == "firings"]
    return Verdict(
        {f.firing_id: f for f in firings},
        {(c.symbol, c.session, c.timeframe, c.ts_ms): c for c in effects.candles},
        shard.trades,
    )


def _of_firings(settings: Settings, should: Mapping[str, Firing]) -> list[str]:
    found = read_firings(settings)
    ids = {f.firing_id for f in found}
    return [
        *(f"lost: {f}" for i, f in should.items() if i not in ids),
        *(f"unexpected: {f}" for f in found if f.firing_id not in should),
        *(f"differs: {f} is not {should[f.firing_id]}" for f in found if f != should.get(f.firing_id, f)),
    ]


def _of_decisions(settings: Settings, should: Mapping[str, Firing]) -> list[str]:
    decided = _decided(settings)
    return [
        *(f"not decided: {f}" for i, f in should.items() if i not in decided),
        *(f"decided {n} times: firing {i}" for i, n in decided.items() if n > 1 and not _superseded(settings, i)),
        *(f"decided, but never fired: {i}" for i in decided if i not in should),
    ]


def _of_candles(stored: Sequence[StoredCandle], should: Mapping[CandleKey, ClosedCandle]) -> list[str]:
    problems: list[str] = []
    found = Counter((c.symbol, c.session, c.timeframe, c.ts_ms) for c in stored)
    problems += [f"candle {key} is missing" for key in should if key not in found]
    problems += [f"candle {key} is there {n} times" for key, n in found.items() if n > 1]
    for candle in stored:
        key = (candle.symbol, candle.session, candle.timeframe, candle.ts_ms)
        if key not in should:
            problems.append(f"candle {key} is unexpected, source {candle.source}")
            continue
        problems += [f"candle {key}: {text}" for text in _differences(candle, should[key])]
    return problems


def _differences(stored: StoredCandle, made: ClosedCandle) -> Iterable[str]:
    pairs = {name: (getattr(stored, name), getattr(made, name)) for name in _ALIKE}
    pairs |= {column: (stored.indicators.get(column), value) for column, value in made.values.items()}
    for name, (found, should) in pairs.items():
        is_nan = isinstance(found, float) and isinstance(should, float) and math.isnan(found) and math.isnan(should)
        if found != should and not is_nan:
            yield f"{name} is {found}, should be {should}"


def _decided(settings: Settings) -> Counter[str]:
    rows = _rows(settings, "SELECT firing_id FROM pipeline_executions UNION ALL SELECT firing_id FROM suppressions")
    return Counter(str(row[0]) for row in rows)


def _superseded(settings: Settings, firing_id: str) -> bool:
    """Whether it became an execution first, and a newer one took its place."""
    query = "SELECT 1 FROM suppressions WHERE firing_id = %s AND reason IN ('superseded', 'ttl')"
    return bool(_rows(settings, query, firing_id))


def _rows(settings: Settings, query: str, *parameters: str) -> list[tuple[object, ...]]:
    url = settings.postgres_url.get_secret_value().replace("postgresql+psycopg:", "postgresql:")
    with psycopg.connect(url, connect_timeout=5) as connection:
        return list(connection.execute(query.encode(), parameters).fetchall())
