"""What the parts of the platform did with a feed, and what an engine makes of the same trades offline."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import polars as pl

from cli.replay import replay
from cli.tape import merged
from core.pipeline import PipelineConfig
from core.settings import Settings
from core.store import migrate
from core.store.clickhouse.candles import StoredCandle
from core.store.clickhouse.client import ClickHouse
from core.wire.records import Suppression, TriggerRecord, decode
from core.wire.sure_reader import open_log
from core.wire.topics import topics
from core.wire.trades import Mark
from core.wire.trades import decode as decode_trades
from dataflows.restore import engine_config, watched
from dataflows.tape_log import read_log
from engine.engine import Engine
from engine.firing import ClosedCandle, Firing
from engine.replay import play
from engine.trades import Trades
from tests.kit import processes
from tests.kit.log import put_triggers, read_all, read_firings
from tests.kit.market_flow import beat_of, running_market, wait_for_beat
from tests.kit.stack import variables_of
from tests.kit.waiting import wait_until

Key = tuple[str, str, str, int]
_ALIKE = ("end_ms", "open", "high", "low", "close", "volume", "vwap", "trades", "partial", "source")


@dataclass(slots=True)
class Seen:
    """What came out of the running parts: the tape in the log's order, firings, suppressions, stored candles."""

    tape: pl.DataFrame = field(default_factory=pl.DataFrame)
    firings: list[Firing] = field(default_factory=list[Firing])
    suppressions: list[Suppression] = field(default_factory=list[Suppression])
    candles: dict[Key, StoredCandle] = field(default_factory=dict[Key, StoredCandle])
    until_ms: int = 0
    """Time that both have come to: the last mark of the log, and the last 250 ms of the tape. What falls due after it
    has no place in one of the two."""


@contextlib.contextmanager
def running_parts(settings: Settings, pipelines: Sequence[PipelineConfig], folder: Path) -> Generator[None]:
    """Run the market flow with these pipelines armed, then ingest."""
    migrate.run(settings)
    open_log(settings)
    records = [_armed(config) for config in pipelines]
    put_triggers(settings, records)
    with running_market(settings, folder / "market.out") as market:
        wait_for_beat(settings, market, what="every trigger armed", triggers=len(records))
        with processes.running(variables_of(settings), ["ingest"], folder / "ingest.log"):
            yield
        logged = sum(len(table) for table in read_log(settings))
        beat = wait_for_beat(settings, market, what="the whole log read", trades=logged)
        late = beat.numbers.get("trades_late", 0)
        assert not late, f"{late:.0f} trades came later than the grace: this machine stood still for longer than that"


def feed_ms(settings: Settings) -> float:
    """Return the feed time that the market flow has come to."""
    beat = beat_of(settings)
    return beat.numbers.get("feed_ms", 0.0) if beat else 0.0


def seen(settings: Settings) -> Seen:
    """Read all of it, the parts having stopped."""
    names = topics(settings)
    with contextlib.closing(ClickHouse(settings)) as clickhouse:
        stored = clickhouse.rows("SELECT * EXCEPT (version) FROM candles FINAL", {}, StoredCandle)
    tape = merged(read_log(settings))
    return Seen(
        tape,
        read_firings(settings),
        [decode(value, Suppression) for value in read_all(settings, names.suppressions.name)],
        {(c.symbol, c.session, c.timeframe, c.ts_ms): c for c in stored},
        min(_last_mark(settings), int(tape["ts_ms"].to_numpy().max()) // 250 * 250),
    )


def _last_mark(settings: Settings) -> int:
    """Return the feed time that every partition has come to."""
    name, last = topics(settings).trades.name, list[int]()
    for partition in range(settings.trades_partitions):
        messages = map(decode_trades, read_all(settings, name, partition=partition))
        last.append(max(m.feed_ms for m in messages if isinstance(m, Mark)))
    return min(last)


def replayed(tape: pl.DataFrame, pipelines: Sequence[PipelineConfig], folder: Path) -> Path:
    """Replay a tape as a user does; return the folder of the results. Settings are those of the environment."""
    file, configs, out = folder / "tape.parquet", folder / "pipelines", folder / "out"
    configs.mkdir()
    tape.write_parquet(file)
    for config in pipelines:
        (configs / f"{config.id}.json").write_text(json.dumps(config.to_json()))
    replay([file], pipelines=configs, out=out, as_live=True, quiet=True)
    return out


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def facts(found: Firing | Suppression) -> dict[str, object]:
    """Return what T27 promises to be the same live and offline: all but receipt times, health and feed."""
    return plain_facts(msgspec.json.decode(msgspec.json.encode(found)))


def plain_facts(found: dict[str, object]) -> dict[str, object]:
    """The same, of a line of a file, in which a suppression is a firing with a reason."""
    inner = found.pop("firing", None)
    if isinstance(inner, dict):
        found = {**found, **inner}
    evidence = dict(msgspec.convert(found["evidence"], dict[str, object]))
    for name in ("health", "feed", "decided_recv_ms"):
        evidence.pop(name)
    trade = evidence.get("trade")
    if isinstance(trade, dict):
        evidence["trade"] = {k: v for k, v in msgspec.convert(trade, dict[str, object]).items() if k != "recv_ms"}
    return {**found, "evidence": evidence}


def candles_offline(tape: pl.DataFrame, settings: Settings) -> dict[Key, ClosedCandle]:
    """Return the candles of the regular session that an engine makes of a tape, with all stored indicators.

    Those that had begun before the tape are partial, as they are where a subscription begins (T17).
    """
    engine = Engine(engine_config(settings))
    engine.watch(watched(settings))
    ids = {name: engine.symbol_id(name) for name in tape["symbol"].unique(maintain_order=True).to_list()}
    trades = Trades(
        symbol=tape["symbol"].replace_strict(ids, return_dtype=pl.Int32).to_numpy(),
        ts_ms=tape["ts_ms"].to_numpy(),
        recv_ms=tape["recv_ms"].to_numpy(),
        price=tape["price"].to_numpy(),
        size=tape["size"].to_numpy(),
        flags=tape["flags"].to_numpy(),
        codes=tape["codes"].to_numpy(),
    )
    return {(c.symbol, c.session, c.timeframe, c.ts_ms): c for output in play(engine, trades) for c in output.candles}


def differences(stored: StoredCandle, made: ClosedCandle) -> list[str]:
    """Return what is not exactly equal, with both values. Columns that triggers read stand only beside the live one."""
    pairs = {name: (getattr(stored, name), getattr(made, name)) for name in _ALIKE}
    pairs |= {column: (stored.indicators.get(column), value) for column, value in made.values.items()}
    return [f"{name}: stored {a}, offline {b}" for name, (a, b) in pairs.items() if not _is_same(a, b)]


def _is_same(a: object, b: object) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def _armed(config: PipelineConfig) -> TriggerRecord:
    node = next(n for n in config.nodes if n.agent_type.endswith("_trigger"))
    return TriggerRecord(
        pipeline_id=config.id,
        trigger_id=f"{config.id}/{node.id}",
        trigger_version=config.version,
        action="set",
        user_id="user-1",
        pipeline_version=config.version,
        at_ms=0,
        agent_type=node.agent_type,
        config=dict(node.config),
        symbols=list(config.all_symbols),
        primary_timeframe=config.primary_timeframe,
    )


def wait_for_feed_time(settings: Settings, until_ms: float, *, timeout_s: float) -> None:
    wait_until(
        lambda: feed_ms(settings) >= until_ms, timeout_s=timeout_s, what=f"feed time {until_ms:.0f}", every_s=0.3
    )
