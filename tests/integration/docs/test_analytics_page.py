"""Every query of docs/analytics.md runs on this version's tables, and says what is so about known rows."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.settings import Settings
from core.store import migrate
from core.store.clickhouse.client import ClickHouse
from dataflows.candle_rows import COLUMNS as CANDLES
from dataflows.history_rows import COSTS, EXECUTIONS, FEED_HEALTH, FIRINGS, NEWS, SUPPRESSIONS
from tests.kit.stack import RunningStack

PAGE = Path(__file__).parents[3] / "docs" / "analytics.md"
QUERIES = {
    section.partition("\n")[0]: re.findall(r"```sql\n(.*?)```", section, re.DOTALL)[0]
    for section in PAGE.read_text().split("\n### ")[1:]
}
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
EVIDENCE = (
    '{"leaves":[{"path":"conditions[0]","operator":"crosses_above","left":{"operand":"RSI_14","before":29.5,"now":31.0},'
    '"right":{"operand":"30","before":30,"now":30},"result":true}],"result":true}'
)

Row = tuple[object, ...]
Answer = list[dict[str, object]]


def candle(feed: str, timeframe: str, start_ms: int, length_ms: int, close: float, *, volume: float = 100.0) -> Row:
    prices = (close, close + 0.5, close - 0.5, close, volume, close)
    values = {"RSI_14": 25.0 if start_ms // length_ms % 4 == 0 else 55.0}
    source = "stream" if start_ms % 2 == 0 else "backfill"
    return ("AAPL", "regular", timeframe, feed, start_ms, start_ms + length_ms, *prices, 7, False, source, 0, values, 2)


def market(now_ms: int) -> list[Row]:
    """Two days of minutes that rise by a cent each, with a hole of ten; the second feed is a basis point dearer."""
    first = now_ms // MINUTE_MS - 2 * 1440
    minutes = [n for n in range(2 * 1440) if not 100 <= n < 110]
    rows = [candle("simulator", "1m", (first + n) * MINUTE_MS, MINUTE_MS, 100 + n / 100) for n in minutes]
    rows += [
        candle("finnhub", "1m", (first + n) * MINUTE_MS, MINUTE_MS, (100 + n / 100) * 1.0001, volume=3.0)
        for n in minutes
    ]
    rows += [candle("simulator", "5m", (first // 5 * 5 + 5 * n) * MINUTE_MS, 5 * MINUTE_MS, 100.0) for n in range(50)]
    days = now_ms // DAY_MS
    return rows + [candle("simulator", "1d", (days - n) * DAY_MS, DAY_MS, 100 + n % 3) for n in range(1, 41)]


def firing(number: int, decided_ms: int, price: float) -> Row:
    return (
        f"f{number}", "p1", "p1/rsi", 1, "AAPL", decided_ms - 3, decided_ms, price, "tick", "simulator", "live", [],
        EVIDENCE,
    )  # fmt: skip


@pytest.fixture(scope="module")
def clickhouse(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Generator[ClickHouse]:
    settings: Settings = stack.settings_for_a_test(tmp_path_factory.mktemp("analytics"))
    migrate.migrate_clickhouse(settings)
    with contextlib.closing(ClickHouse(settings)) as made:
        fill(made, SystemClock().now_ms())
        yield made
        made.command(f"DROP DATABASE `{made.database}`")
    stack.drop_databases(settings)


def fill(clickhouse: ClickHouse, now_ms: int) -> None:
    first = now_ms // MINUTE_MS - 2 * 1440
    # At the ends of minutes 300 and 360 of the tape: 47 and 46 hours ago.
    fired = [firing(n, (first + minute + 1) * MINUTE_MS, 100 + minute / 100) for n, minute in enumerate((300, 360))]
    inserts: list[tuple[str, Sequence[str], list[Row]]] = [
        ("candles", CANDLES, market(now_ms)),
        ("trades_tape", ("symbol", "feed", "source", "ts_ms", "nth", "price", "size"), [
            ("AAPL", "simulator", "tape", (first + 300) * MINUTE_MS + 7, n, 104.0, 10.0 + n) for n in range(3)
        ]),
        ("firings", FIRINGS, [*fired, fired[0]]),
        ("suppressions", SUPPRESSIONS, [
            (*firing(10 + n, now_ms - n * HOUR_MS, 101.0), "cooldown" if n % 2 else "cap", "engine") for n in range(6)
        ]),
        ("executions", EXECUTIONS, [
            (f"e{n}", row[0], "p1", "u1", "AAPL", "tick", "completed", "", "", 1, 1, row[6], decided(row) + 40 + n,
             decided(row) + 2040 + n, 3, 2, 1000, 200, Decimal("0.0123"), decided(row) + 3000)
            for n, row in enumerate(fired)
        ]),
        ("costs", COSTS, [
            (f"c{n}", "u1", f"e{n % 2}", "p1", "node-3", "bias_agent", "llm_tokens", now_ms - n * HOUR_MS, "openai",
             "gpt-5-mini", 200, Decimal(1200), 1000, 200, 500, Decimal("0.00001"), Decimal("0.0123"))
            for n in range(4)
        ]),
        ("feed_health", FEED_HEALTH, [
            ("simulator", "AAPL", now_ms - 12 * HOUR_MS, now_ms, "live", 0, ""),
            ("simulator", "AAPL", now_ms - 6 * HOUR_MS, now_ms, "stale", 31_000, "no trade for 31 s"),
            ("simulator", "AAPL", now_ms - 3 * HOUR_MS, now_ms, "live", 0, ""),
        ]),
        ("news", NEWS, [
            ("n1", ["AAPL", "MSFT"], decided(fired[0]) - 5 * MINUTE_MS, decided(fired[0]), "It rose", "", "CNBC", ""),
            ("n2", ["AAPL"], decided(fired[0]) - 5 * HOUR_MS, decided(fired[0]), "long before", "", "Reuters", ""),
        ]),
    ]  # fmt: skip
    for table, columns, rows in inserts:
        clickhouse.insert(table, columns, list(zip(*rows, strict=True)), by_column=True, token=f"docs-{table}")


def decided(row: Row) -> int:
    assert isinstance(row[6], int)
    return row[6]


def ask(clickhouse: ClickHouse, title: str) -> Answer:
    [query] = [query for name, query in QUERIES.items() if name.startswith(title)]
    return clickhouse.table(query)


def test_the_page_has_queries_and_no_two_of_one_name() -> None:
    assert len(QUERIES) == PAGE.read_text().count("```sql") >= 12


@pytest.mark.parametrize("title", QUERIES)
def test_a_query_of_the_page_runs_and_returns_rows(clickhouse: ClickHouse, title: str) -> None:
    assert ask(clickhouse, title)


def test_forward_returns_are_those_of_the_minute_that_closes_at_the_horizon(clickhouse: ClickHouse) -> None:
    found = {row["horizon"]: row for row in ask(clickhouse, "What came after a firing")}
    # Fired at the closes of minutes 300 and 360, a cent a minute.
    for horizon, minutes in (("5m", 5), ("1h", 60), ("1d", 1440)):
        wanted = 100 * sum(minutes / 100 / (100 + minute / 100) for minute in (300, 360)) / 2
        row = found[horizon]
        assert (row["firings"], row["priced"], row["rose_pct"]) == (2, 2, 100.0), horizon
        assert row["mean_return_pct"] == pytest.approx(wanted, abs=0.001), horizon


def test_what_was_delivered_twice_is_counted_once(clickhouse: ClickHouse) -> None:
    assert sum(int(str(row["fired"])) for row in ask(clickhouse, "Firings by day")) == 2


def test_two_feeds_are_a_basis_point_apart_and_one_sees_three_percent(clickhouse: ClickHouse) -> None:
    [row] = ask(clickhouse, "How far two feeds")
    assert (row["mean_spread_bp"], row["volume_seen_pct"]) == (pytest.approx(1.0, abs=0.01), 3.0)


def test_latency_cost_and_uptime_are_right(clickhouse: ClickHouse) -> None:
    [latency] = ask(clickhouse, "How long it takes")
    assert (latency["executions"], latency["started_after_ms_p99"], latency["took_s_p50"]) == (2, 41, 2.0)
    [cost] = ask(clickhouse, "What a firing costs")
    assert (cost["executions"], cost["usd"], cost["cached_input_pct"]) == (2, Decimal("0.0492"), 50.0)
    [uptime] = ask(clickhouse, "How much of the last day")
    assert uptime["usable_pct"] == pytest.approx(75.0, abs=0.1)
    assert uptime["losses"] == 1


def test_the_largest_trade_is_first_and_measured_by_its_minute(clickhouse: ClickHouse) -> None:
    largest = ask(clickhouse, "The largest recorded trades")[0]
    assert (largest["size"], largest["from_vwap_bp"]) == (12.0, pytest.approx(1e4 * (104 / 103 - 1), abs=0.01))


def test_the_hole_and_the_news_are_found(clickhouse: ClickHouse) -> None:
    [hole] = ask(clickhouse, "Holes")
    assert hole["minutes"] == 10
    [news] = ask(clickhouse, "News around")
    assert (news["headline"], news["minutes_after"]) == ("It rose", -5.0)
