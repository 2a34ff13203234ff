"""The cost flow over a real broker, Postgres and ClickHouse."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from cli.tape import merged
from core.clock import SystemClock, to_datetime
from core.settings import Settings
from core.store import events, executions, pipelines, postgres, users
from core.store.clickhouse import costs as cost_reader
from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.firings import page_of_firings, page_of_suppressions
from core.wire.records import CostRecord, DeadLetter, EventRecord, FeedHealthRecord, NewsRecord, decode, encode
from core.wire.sure_reader import open_log
from core.wire.topics import topics
from dataflows.tape_log import read_log
from engine.firing import Firing, Suppression
from tests.kit.log import put, put_all, put_tape, read_all
from tests.kit.market_flow import beat_of, expected
from tests.kit.processes import RunningProcess, running
from tests.kit.tape import SYMBOLS, make_tape, price_trigger
from tests.kit.waiting import wait_until

AT_MS = 1_763_856_000_000
USER = UUID("6a3f1f0e-0000-4000-8000-000000000001")


class Count(msgspec.Struct):
    n: int


class StoredNews(msgspec.Struct):
    headline: str
    symbols: list[str]
    recv_ms: int


class ExecutionInHistory(msgspec.Struct):
    execution_id: str
    status: str
    kind: str
    total_cost_usd: Decimal


def cost(number: int, amount: str = "0.0125") -> CostRecord:
    return CostRecord(
        cost_id=f"c-{number}", user_id=str(USER), execution_id="e-1", pipeline_id="p-1", node_id="node-3",
        agent_type="bias_agent", cost_type="llm_tokens", at_ms=AT_MS, provider="openai", model="gpt-5-mini",
        quantity=Decimal(1200), input_tokens=1000, output_tokens=200, unit_cost_usd=Decimal("0.00001"),
        amount_usd=Decimal(amount),
    )  # fmt: skip


def some_firings(settings: Settings, folder: Path, pipeline_id: str) -> list[Firing]:
    tape = make_tape(seconds=200, partitions=settings.trades_partitions)
    return list(expected(settings, folder, [price_trigger(pipeline_id, [SYMBOLS[0]])], tape).firings.values())


def store_execution(settings: Settings, firing: Firing) -> tuple[UUID, EventRecord]:
    engine = postgres.engine(settings)
    at = to_datetime(SystemClock().now_ms())
    definition = pipelines.Definition(
        name="one", description="", symbols=["BINANCE:BTCUSDT"],
        config={"nodes": [{"id": "node-1", "agent_type": "price_trigger", "config": {}}]},
        trigger_node_id="node-1", trigger_hash="",
    )  # fmt: skip
    with engine.begin() as tx:
        users.create(tx, user_id=USER, email="a@b.local", password_hash="x")
        pipeline_id = UUID(firing.pipeline_id)
        pipelines.create(tx, pipeline_id=pipeline_id, user_id=USER, definition=definition, is_active=False, at=at)
        execution_id = executions.add(tx, firing, user_id=USER, pipeline_version=1, pick_up_by=None, at=at)
        assert execution_id is not None
        event = events.append(tx, "execution_queued", user_id=USER, at=at, execution_id=execution_id)
    engine.dispose()
    return execution_id, event


def count(settings: Settings, table: str) -> int:
    with contextlib.closing(ClickHouse(settings)) as clickhouse:
        return clickhouse.rows(f"SELECT toInt64(count()) AS n FROM {table} FINAL", {}, Count)[0].n


def wait_for_count(settings: Settings, table: str, at_least: int) -> None:
    wait_until(lambda: count(settings, table) >= at_least, timeout_s=60, what=f"{at_least} rows of {table}")


@contextlib.contextmanager
def running_costs(settings: Settings, folder: Path, runtime: str) -> Generator[RunningProcess]:
    with running(settings, ["dataflows.costs", "--runtime", runtime], folder / "costs.out") as process:
        yield process


@pytest.mark.parametrize("runtime", ["bytewax", "loop"])
def test_costs_firings_suppressions_and_executions_are_in_the_history_once(
    migrated: Settings, tmp_path: Path, runtime: str
) -> None:
    open_log(migrated)
    names = topics(migrated)
    pipeline_id = str(uuid4())
    firings = some_firings(migrated, tmp_path, pipeline_id)
    assert len(firings) > 3
    # The table of suppressions forgets old ones, and the tape is old.
    recent = replace(firings[1], decided_ms=SystemClock().now_ms())
    execution_id, event = store_execution(migrated, firings[0])
    put_all(migrated, names.costs.name, [encode(cost(number)) for number in [*range(20), 3, 4]])
    put_all(migrated, names.firings.name, [encode(firing) for firing in [*firings, firings[0]]])
    put(migrated, names.suppressions.name, encode(Suppression(recent, "cooldown")))
    put(migrated, names.events.name, encode(event))
    put(migrated, names.costs.name, b"rubbish")
    with running_costs(migrated, tmp_path, runtime) as process:
        wait_until(lambda: count(migrated, "costs") == 20, timeout_s=60, what="costs in ClickHouse")
        wait_until(lambda: count(migrated, "executions") == 1, timeout_s=20, what="the execution in ClickHouse")
        wait_until(lambda: count(migrated, "firings") == len(firings), timeout_s=20, what="firings in ClickHouse")
        put(migrated, names.costs.name, encode(cost(20)))
        wait_until(lambda: count(migrated, "costs") == 21, timeout_s=20, what="one cost more")
        assert process.stop() == 0, process.output
    with contextlib.closing(ClickHouse(migrated)) as clickhouse:
        [day] = cost_reader.grouped(clickhouse, str(USER), by="day", first_day="2025-11-22", last_day="2025-11-24")
        assert (day.amount_usd, day.calls, day.input_tokens) == (21 * Decimal("0.0125"), 21, 21_000)
        stored = page_of_firings(clickhouse, [pipeline_id])
        assert {f.firing_id for f in stored} == {f.firing_id for f in firings}
        [suppressed] = page_of_suppressions(clickhouse, [pipeline_id])
        assert (suppressed.reason, suppressed.source) == ("cooldown", "engine")
        query = "SELECT execution_id, status, kind, total_cost_usd FROM executions FINAL"
        assert clickhouse.rows(query, {}, ExecutionInHistory) == [
            ExecutionInHistory(str(execution_id), "queued", "tick", Decimal(0))
        ]
    [letter] = [decode(value, DeadLetter) for value in read_all(migrated, names.dead_letters.name)]
    assert (letter.reason, letter.original) == ("bad_json", b"rubbish")


def test_news_and_changes_of_feed_health_are_in_the_history_once(migrated: Settings, tmp_path: Path) -> None:
    open_log(migrated)
    names = topics(migrated)
    now_ms = SystemClock().now_ms()
    items = [
        NewsRecord(
            news_id=f"n{i}", symbols=["AAPL", "MSFT"], published_ms=now_ms - i, recv_ms=now_ms, headline=f"it is {i}"
        )
        for i in range(3)
    ]
    changes = [
        FeedHealthRecord(feed="finnhub", symbol=symbol, at_ms=now_ms, recv_ms=now_ms, health="stale", gap_ms=31_000)
        for symbol in ("", "AAPL")
    ]
    put_all(migrated, names.news.name, [encode(item) for item in [*items, items[0]]])
    put_all(migrated, names.feed_health.name, [encode(change) for change in [*changes, changes[1]]])
    with running_costs(migrated, tmp_path, "loop"):
        wait_for_count(migrated, "news", 3)
        wait_for_count(migrated, "feed_health", 2)
    with contextlib.closing(ClickHouse(migrated)) as clickhouse:
        query = "SELECT headline, symbols, recv_ms FROM news FINAL ORDER BY published_ms DESC"
        assert clickhouse.rows(query, {}, StoredNews)[0] == StoredNews("it is 0", ["AAPL", "MSFT"], now_ms)
        query = "SELECT toInt64(sum(gap_ms)) AS n FROM feed_health FINAL WHERE health = 'stale'"
        assert clickhouse.rows(query, {}, Count) == [Count(62_000)]


def test_a_killed_cost_flow_reads_on_and_writes_nothing_twice(migrated: Settings, tmp_path: Path) -> None:
    open_log(migrated)
    name = topics(migrated).costs.name
    for first, is_last in ((0, False), (30, False), (60, True)):
        with running_costs(migrated, tmp_path, "bytewax") as process:
            put_all(migrated, name, [encode(cost(number)) for number in range(first, first + 30)])
            wanted = 90 if is_last else first + 1
            wait_for_count(migrated, "costs", wanted)
            if not is_last:
                process.kill()
    assert count(migrated, "costs_by_day") == 1


def test_trades_are_kept_where_that_is_asked_for_each_once_and_in_the_logs_order_though_the_flow_is_killed(
    migrated: Settings, tmp_path: Path
) -> None:
    open_log(migrated)
    keeping = migrated.model_copy(update={"keep_trades": True})
    tape = make_tape(seconds=120, partitions=migrated.trades_partitions)
    cuts = [0, len(tape) // 3, len(tape) // 2, len(tape)]
    for first, last in itertools.pairwise(cuts):
        with running_costs(keeping, tmp_path, "bytewax") as process:
            before = count(migrated, "trades_tape")
            put_tape(migrated, tape[first:last])
            if last < len(tape):
                wait_for_count(migrated, "trades_tape", before + 1)
                process.kill()
            else:
                wait_for_count(migrated, "trades_tape", sum(map(len, read_log(migrated))))
    logged = merged(read_log(migrated))
    with contextlib.closing(ClickHouse(migrated)) as clickhouse:
        query = "SELECT symbol, feed, source, ts_ms, price, size, recv_ms, flags, codes FROM trades_tape FINAL"
        kept = clickhouse.table(f"{query} ORDER BY symbol, log_at")
    assert {(row.pop("feed"), row.pop("source")) for row in kept} == {(migrated.feed_name, "stream")}
    assert kept == logged.sort("symbol", maintain_order=True).select(kept[0].keys()).to_dicts()


def test_trades_are_not_kept_unless_that_is_asked_for(migrated: Settings, tmp_path: Path) -> None:
    open_log(migrated)
    put_tape(migrated, make_tape(seconds=5, partitions=migrated.trades_partitions))
    put(migrated, topics(migrated).costs.name, encode(cost(1)))
    with running_costs(migrated, tmp_path, "loop"):
        wait_for_count(migrated, "costs", 1)
    assert count(migrated, "trades_tape") == 0


def test_while_clickhouse_is_away_costs_wait_in_the_log(migrated: Settings, tmp_path: Path) -> None:
    open_log(migrated)
    away = migrated.model_copy(update={"clickhouse_url": "http://127.0.0.1:9"})
    put(migrated, topics(migrated).costs.name, encode(cost(1)))

    def says_so(process: RunningProcess) -> bool:
        assert process.exit_code is None, process.output
        return "ClickHouse is away" in str(beat_of(away, "costs"))

    with running_costs(away, tmp_path, "bytewax") as process:
        wait_until(lambda: says_so(process), timeout_s=30, what="the flow to say what it waits for")
        assert process.stop() == 0
    assert count(migrated, "costs") == 0
    with running_costs(migrated, tmp_path, "bytewax"):
        wait_until(lambda: count(migrated, "costs") == 1, timeout_s=30, what="the cost written later")
