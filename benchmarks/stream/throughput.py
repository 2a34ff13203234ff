"""Trades a second through Kafka and the market flows into ClickHouse, at a fixed rate: do lag and memory stay?"""

from __future__ import annotations

import contextlib
import functools
import subprocess
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import psutil

from benchmarks.engine.result import Figure
from benchmarks.stream import scene
from benchmarks.stream.flood import Flood
from benchmarks.stream.services import FIRST_START_S, beat_of, process, services, settings_of, wait_for
from core.settings import PREFIX, Settings
from core.store.clickhouse.client import ClickHouse
from core.wire import kafka

TARGET_RATE = 1_000_000
_LOOK_S = 1.0
_DRAIN_S = 120.0
_MOST_LAG_S, _MOST_GROWTH_MB = 1.0, 1.0
_CLOSED_MS = 5_000


@dataclass(frozen=True, slots=True)
class Load:
    rate: int = TARGET_RATE
    seconds: float = 60.0
    triggers: int = 1_000
    symbols: int = 1_000
    flows: int = 1


@dataclass(frozen=True, slots=True)
class Look:
    """At one moment: trades taken by all flows, and their memory in MB."""

    at_s: float
    trades: float
    rss_mb: float


class _Minute(msgspec.Struct):
    ts_ms: int
    trades: int


def figures(load: Load, broker: str) -> Generator[Figure]:
    """Measure.

    Raises:
        AssertionError: a trade was lost, or ClickHouse has other candles than were sent.
        ConfigError: the broker asked for is not installed.
    """
    with services(broker, f"bench-{uuid.uuid4().hex[:8]}.") as base, contextlib.ExitStack() as undo:
        folder = Path(base[PREFIX + "DATA_DIR"]) / "flows"
        folder.mkdir()
        variables = {**base, PREFIX + "DATA_DIR": str(folder)}
        settings = settings_of(variables)
        kafka.ensure_topics(settings)
        scene.arm(settings, load.triggers, load.symbols)
        flows: list[psutil.Process] = []
        for n in range(load.flows):
            words = ("dataflows.market", "--shard", str(n), "--of", str(load.flows))
            running = undo.enter_context(process(variables, folder / f"market-{n}.log", *words))
            wait_for(f"market flow {n}", functools.partial(_is_ready, settings, n, running), timeout_s=FIRST_START_S)
            flows.append(psutil.Process(running.pid))
        sent, looks, drained_s = _flooded(variables, settings, folder, flows, load)
        assert not sent.refused, f"the broker did not take {sent.refused} batches"
        minutes = _check(settings, sent)
        yield from _figures(load, broker, looks, drained_s, f"longest a tick was late: {sent.late_s:.2f} s", minutes)


def _is_ready(settings: Settings, number: int, running: subprocess.Popen[bytes]) -> bool:
    assert running.poll() is None, f"market flow {number} ended"
    beat = beat_of(settings, f"market-{number}")
    return beat is not None and beat.state in ("ok", "degraded")


def _flooded(
    variables: Mapping[str, str], settings: Settings, folder: Path, flows: Sequence[psutil.Process], load: Load
) -> tuple[Flood, list[Look], float]:
    told, looks = folder / "told.json", list[Look]()
    words = ["--rate", str(load.rate), "--seconds", str(load.seconds), "--symbols", str(load.symbols)]
    with process(variables, folder / "flood.log", "benchmarks.stream.flood", *words, "--told", str(told)) as flood:
        while flood.poll() is None:
            looks.append(_look(settings, flows))
            time.sleep(_LOOK_S)
        assert flood.returncode == 0, f"the load ended: {(folder / 'flood.log').read_text()[-3000:]}"
    ended = time.monotonic()
    sent = msgspec.json.decode(told.read_bytes(), type=Flood)
    wait_for(f"all of {sent.trades:,} trades", lambda: _look(settings, flows).trades >= sent.trades, timeout_s=_DRAIN_S)
    taken = _look(settings, flows).trades
    assert taken == sent.trades, f"{sent.trades:,} trades were sent, the flows took {taken:,.0f}"
    return sent, looks, time.monotonic() - ended


def _look(settings: Settings, flows: Sequence[psutil.Process]) -> Look:
    beats = [beat_of(settings, f"market-{n}") for n in range(len(flows))]
    trades = sum(beat.numbers.get("trades", 0.0) for beat in beats if beat is not None)
    return Look(time.monotonic(), trades, sum(flow.memory_info().rss for flow in flows) / 1e6)


def _check(settings: Settings, sent: Flood) -> int:
    """Compare the minutes that are over with the candles of ClickHouse; return how many."""
    over_ms = (time.time_ns() // 1_000_000 - _CLOSED_MS) // 60_000 * 60_000
    minutes = {ts_ms: n for ts_ms, n in sent.minutes.items() if ts_ms < over_ms}
    query = (
        "SELECT ts_ms, toInt64(max(n)) AS trades FROM (SELECT ts_ms, session, sum(trades) AS n FROM candles FINAL "
        "WHERE timeframe = '1m' GROUP BY ts_ms, session) GROUP BY ts_ms"
    )
    with contextlib.closing(ClickHouse(settings)) as clickhouse:

        def are_there() -> bool:
            found = {m.ts_ms: m.trades for m in clickhouse.rows(query, {}, _Minute)}
            return all(found.get(ts_ms) == n for ts_ms, n in minutes.items())

        wait_for("the candles of every minute that is over", are_there, timeout_s=30)
    return len(minutes)


def _figures(
    load: Load, broker: str, looks: Sequence[Look], drained_s: float, note: str, minutes: int
) -> Generator[Figure]:
    where = f"{broker}, {load.rate:,} trades/s offered, {load.triggers:,} triggers, {load.flows} flow(s)"
    settled, later = looks[len(looks) // 4 :], looks[len(looks) // 2 :]
    rate = _slope([(look.at_s, look.trades) for look in settled])
    target = TARGET_RATE * 0.99 if load.rate >= TARGET_RATE else None
    yield Figure(f"{where}: taken", rate, "trades/s", target=target, note=note)
    yield Figure(
        f"{where}: left at the end",
        drained_s,
        "s",
        target=_MOST_LAG_S + 2 * _LOOK_S,
        is_most=True,
        note=f"all trades taken; candles of {minutes} minutes as sent",
    )
    growth = _slope([(look.at_s, look.rss_mb) for look in later]) * 60
    is_long = load.seconds >= 300
    yield Figure(
        f"{where}: memory of the flows grows by",
        growth,
        "MB/min",
        target=_MOST_GROWTH_MB if is_long else None,
        is_most=True,
        note=f"{looks[-1].rss_mb:.0f} MB at the end, second half of the run",
    )


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the line that fits best, 0 where there is none."""
    x, y = np.array([p[0] for p in points], np.float64), np.array([p[1] for p in points], np.float64)
    if len(x) < 2:
        return 0.0
    x -= x.mean()
    return float((x * (y - y.mean())).sum() / (x * x).sum())
