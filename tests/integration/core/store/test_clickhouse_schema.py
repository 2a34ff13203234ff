"""Migrations of ClickHouse: whatever was there before is there after, also when one stopped half-way."""

from __future__ import annotations

from collections.abc import Generator

import msgspec
import pytest

from core.settings import Settings
from core.store.clickhouse import candles, schema
from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.migrations import m0002

NOON_MS = 1_795_435_200_000
MONTH_MS = 31 * 86_400_000
_OLD_CANDLE = (
    "symbol", "session", "timeframe", "ts_ms", "end_ms", "open", "high", "low", "close", "volume", "vwap",
    "trades", "partial", "feed", "source", "indicators", "version",
)  # fmt: skip
OLD_TABLES = ("candles", "firings", "suppressions", "costs", "executions", "feed_health")


class Count(msgspec.Struct):
    n: int


class Name(msgspec.Struct):
    name: str


@pytest.fixture
def clickhouse(settings: Settings) -> Generator[ClickHouse]:
    made = ClickHouse(settings)
    yield made
    made.command(f"DROP DATABASE IF EXISTS `{made.database}`")
    made.close()


def count(clickhouse: ClickHouse, table: str) -> int:
    return clickhouse.rows(f"SELECT toInt64(count()) AS n FROM {table} FINAL", {}, Count)[0].n


def tables(clickhouse: ClickHouse) -> set[str]:
    query = "SELECT name FROM system.tables WHERE database = {database:String}"
    return {row.name for row in clickhouse.rows(query, {"database": clickhouse.database}, Name)}


def fill_first_version(clickhouse: ClickHouse, *, months: int = 3) -> None:
    """Fill the tables as the first version made them; half of the candles came twice."""
    schema.create(clickhouse, up_to=1)
    rows = [
        ("A", "regular", "1m", ts, ts + 60_000, 1.0, 2.0, 0.5, 1.5, 10.0, 1.2, 3, False, "simulator", "stream",
         {"SMA_20": 1.25}, 2)
        for ts in (NOON_MS - month * MONTH_MS + minute * 60_000 for month in range(months) for minute in range(10))
    ]  # fmt: skip
    clickhouse.insert("candles", _OLD_CANDLE, rows, by_column=False, token="a")
    clickhouse.insert("candles", _OLD_CANDLE, rows[::2], by_column=False, token="b")
    at = f"now64(3), {NOON_MS}"
    for table, columns, values in (
        ("firings", "firing_id, pipeline_id, decided_ms", f"'f1', 'p1', {NOON_MS}"),
        ("suppressions", "inserted_at, decided_ms, firing_id, reason", f"{at}, 's1', 'cooldown'"),
        ("costs", "cost_id, user_id, at_ms, amount_usd", f"'c1', 'u1', {NOON_MS}, 0.25"),
        ("executions", "execution_id, user_id, created_ms", f"'e1', 'u1', {NOON_MS}"),
        ("feed_health", "feed, symbol, at_ms, health", f"'simulator', 'A', {NOON_MS}, 'live'"),
    ):
        clickhouse.command(f"INSERT INTO {table} ({columns}) VALUES ({values})")


def test_upgrading_keeps_every_row_of_every_table(clickhouse: ClickHouse) -> None:
    fill_first_version(clickhouse)
    before = {table: count(clickhouse, table) for table in OLD_TABLES}
    assert before == {"candles": 30} | dict.fromkeys(OLD_TABLES[1:], 1)
    stored = candles_as_stored(clickhouse)
    schema.create(clickhouse)
    assert {table: count(clickhouse, table) for table in OLD_TABLES} == before
    assert candles_as_stored(clickhouse) == stored
    found = candles.latest(clickhouse, "A", "1m", feed="simulator", limit=100)
    assert (len(found), found[0].seam_ms, found[0].indicators) == (30, 0, {"SMA_20": 1.25})
    assert not {name for name in tables(clickhouse) if name.startswith("candles_")}


def candles_as_stored(clickhouse: ClickHouse) -> int:
    """Return a checksum of all candles over all columns there were from the beginning."""
    columns = ", ".join(name for name in _OLD_CANDLE if name != "indicators")
    query = f"SELECT toInt64(groupBitXor(cityHash64({columns})) % 1000000007) AS n FROM candles FINAL"
    return clickhouse.rows(query, {}, Count)[0].n


def test_applying_everything_again_changes_nothing(clickhouse: ClickHouse) -> None:
    fill_first_version(clickhouse)
    schema.create(clickhouse)
    before = {table: count(clickhouse, table) for table in OLD_TABLES}
    clickhouse.command("TRUNCATE TABLE schema_versions")
    schema.create(clickhouse)
    assert {table: count(clickhouse, table) for table in OLD_TABLES} == before
    assert count(clickhouse, "schema_versions") == len(schema.MIGRATIONS)


def test_a_move_that_stopped_in_the_middle_goes_on(clickhouse: ClickHouse) -> None:
    fill_first_version(clickhouse)
    # Killed after the new table took the name, before anything was copied; a writer went on meanwhile.
    clickhouse.command(m0002.CANDLES)
    clickhouse.command("RENAME TABLE candles TO candles_before_feeds, candles_by_feed TO candles")
    prices = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    late: tuple[object, ...] = (
        "B",
        "regular",
        "1m",
        NOON_MS,
        NOON_MS + 60_000,
        *prices,
        1,
        False,
        "simulator",
        "s",
        {},
        2,
    )
    clickhouse.insert("candles", _OLD_CANDLE, [late], by_column=False, token="late")
    schema.create(clickhouse)
    assert count(clickhouse, "candles") == 31
    assert "candles_before_feeds" not in tables(clickhouse)


def test_years_of_candles_are_moved_although_they_lie_in_many_partitions(clickhouse: ClickHouse) -> None:
    schema.create(clickhouse, up_to=1)
    clickhouse.command(
        "INSERT INTO candles (symbol, ts_ms) SELECT 'A', number * 2678400000 FROM numbers(300) "
        "SETTINGS max_partitions_per_insert_block = 0"
    )
    schema.create(clickhouse)
    assert count(clickhouse, "candles") == 300


def test_prices_of_two_feeds_are_two_series(clickhouse: ClickHouse) -> None:
    schema.create(clickhouse)
    for feed, close in (("simulator", 1.0), ("finnhub", 2.0)):
        clickhouse.command(
            "INSERT INTO candles (symbol, session, timeframe, feed, ts_ms, close, version) VALUES "
            f"('A', 'regular', '1m', '{feed}', {NOON_MS}, {close}, 2)"
        )
    clickhouse.command(
        "INSERT INTO candles (symbol, session, timeframe, feed, ts_ms, close, version) VALUES "
        f"('A', 'regular', '1m', 'finnhub', {NOON_MS + 60_000}, 3.0, 2)"
    )
    assert [c.close for c in candles.latest(clickhouse, "A", "1m", feed="simulator")] == [1.0]
    assert [c.close for c in candles.latest(clickhouse, "A", "1m")] == [2.0, 3.0], "the feed of the newest candle"
    assert candles.latest(clickhouse, "A", "1m", feed="nobody") == []


def test_what_happened_long_ago_is_not_forgotten_at_once(clickhouse: ClickHouse) -> None:
    schema.create(clickhouse)
    clickhouse.command("INSERT INTO suppressions (firing_id, decided_ms, reason) VALUES ('s', 1000, 'cooldown')")
    clickhouse.command("INSERT INTO feed_health (feed, at_ms, health) VALUES ('f', 1000, 'live')")
    for table in ("suppressions", "feed_health"):
        clickhouse.command(f"OPTIMIZE TABLE {table} FINAL")
        assert count(clickhouse, table) == 1
