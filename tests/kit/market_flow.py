"""The market flow in a test: as a process over the real log, and as a plain call that says what it should find."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.clock import ManualClock
from core.heartbeat import Beat
from core.settings import Settings
from core.store import redis as redis_store
from core.wire.records import Firing, TriggerRecord, decode, encode
from dataflows.journal import Journal
from dataflows.partition import Partition
from dataflows.poll import LogRecord, Poll
from dataflows.restore import engine_config, watched
from dataflows.shard import Shard
from engine.engine import Engine
from engine.firing import ClosedCandle
from tests.kit.processes import RunningProcess, running
from tests.kit.tape import TapeRecord
from tests.kit.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Expected:
    firings: dict[str, Firing]
    suppressions: int
    candles: dict[tuple[str, str, str, int], ClosedCandle]


def make_shard(settings: Settings, folder: Path) -> Shard:
    """Return a shard of all partitions with empty engines."""
    config = engine_config(settings)
    found: list[Partition] = []
    for p in range(settings.trades_partitions):
        engine = Engine(config)
        engine.watch(watched(settings))
        found.append(Partition(p, settings.trades_partitions, engine, Journal(folder / f"journal-{p}", "c")))
    return Shard(found, ManualClock(), recent={}, checkpoint_interval_ms=10**9, keep_live=False)


def control_records(triggers: Iterable[TriggerRecord], first: int = 0) -> list[LogRecord]:
    return [LogRecord(n, t.pipeline_id.encode(), encode(t)) for n, t in enumerate(triggers, first)]


def expected(
    settings: Settings, folder: Path, triggers: Sequence[TriggerRecord], tape: Sequence[TapeRecord]
) -> Expected:
    """Return what a flow that is never interrupted finds, the triggers armed before the tape begins."""
    shard = make_shard(settings, folder)
    everywhere = frozenset(range(settings.trades_partitions))
    shard.process(Poll(control=control_records(triggers), caught_up=everywhere))
    poll = Poll(caught_up=everywhere)
    for record in tape:
        records = poll.trades.setdefault(record.partition, [])
        records.append(LogRecord(len(records), None, record.value))
    effects = shard.process(poll)
    firings = [decode(o.value, Firing) for o in effects.outgoing if o.topic == "firings"]
    return Expected(
        {f.firing_id: f for f in firings},
        sum(o.topic == "suppressions" for o in effects.outgoing),
        {(c.symbol, c.session, c.timeframe, c.ts_ms): c for c in effects.candles},
    )


@contextlib.contextmanager
def running_market(
    settings: Settings, output: Path, *, runtime: str = "bytewax", shard: int = 0, of: int = 1
) -> Generator[RunningProcess]:
    arguments = ["dataflows.market", "--shard", str(shard), "--of", str(of), "--runtime", runtime]
    with running(settings, arguments, output) as process:
        yield process


def beat_of(settings: Settings, process: str = "market-0") -> Beat | None:
    with contextlib.closing(redis_store.client(settings)) as connection:
        return next((b for b in redis_store.heartbeats(connection) if b.process == process), None)


def wait_for_beat(settings: Settings, process: RunningProcess, *, what: str, shard: int = 0, **at_least: float) -> Beat:
    """Wait until the flow says it is well and its numbers have reached these."""

    def reached() -> Beat | None:
        assert process.exit_code is None, f"the flow ended with {process.exit_code}: {process.output[-3000:]}"
        beat = beat_of(settings, f"market-{shard}")
        if beat is None or beat.pid != process.pid or beat.state not in ("ok", "degraded"):
            return None
        return beat if all(beat.numbers.get(k, -1) >= v for k, v in at_least.items()) else None

    found = wait_until(reached, timeout_s=60, what=what)
    assert found is not None
    return found
