"""Candles are kept apart by feed, and know the seam of their source.

A key cannot be changed, so the rows move into a new table. The new one takes the name first: whoever writes
meanwhile writes into it, and nothing is lost; until the copy is there, readers see only what is new.
"""

from __future__ import annotations

import msgspec

from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.migrations.m0001 import MONTH_OF, SETTINGS

_OLD, _NEW = "candles_before_feeds", "candles_by_feed"

CANDLES = f"""
CREATE TABLE {_NEW} (
    symbol LowCardinality(String),
    session LowCardinality(String),
    timeframe LowCardinality(String),
    feed LowCardinality(String) COMMENT 'whose prices: two feeds of one symbol are two series',
    ts_ms Int64 COMMENT 'start',
    end_ms Int64,
    open Float64, high Float64, low Float64, close Float64,
    volume Float64, vwap Float64, trades UInt32 COMMENT '0: the source does not say',
    partial Bool COMMENT 'the subscription began within it',
    source LowCardinality(String) COMMENT 'stream, backfill, or the name of an imported history',
    seam_ms Int64 DEFAULT 0 COMMENT 'where its source ended and another took over; 0 for the stream',
    indicators Map(LowCardinality(String), Float64) COMMENT 'by canonical column; NaN while warming up',
    version UInt8 COMMENT 'of equal keys the highest stays: 0 partial, 1 history, 2 closed live'
) ENGINE = ReplacingMergeTree(version)
{MONTH_OF.format(column="ts_ms")}
ORDER BY (symbol, session, timeframe, feed, ts_ms)
{SETTINGS}"""

_COLUMNS = (
    "symbol, session, timeframe, feed, ts_ms, end_ms, open, high, low, close, volume, vwap, trades, partial, source, "
    "indicators, version"
)
_COPY = f"""
INSERT INTO candles ({_COLUMNS}) SELECT {_COLUMNS} FROM {_OLD} FINAL
SETTINGS max_partitions_per_insert_block = 0"""
_KEYS = "SELECT name, sorting_key FROM system.tables WHERE database = {database:String}"


class _Table(msgspec.Struct, frozen=True):
    name: str
    sorting_key: str


def apply(clickhouse: ClickHouse) -> None:
    if "feed" not in _keys(clickhouse)["candles"]:
        clickhouse.command(f"DROP TABLE IF EXISTS {_NEW}")
        clickhouse.command(CANDLES)
        clickhouse.command(f"RENAME TABLE candles TO {_OLD}, {_NEW} TO candles")
    if _OLD in _keys(clickhouse):
        clickhouse.command(_COPY)
        clickhouse.command(f"DROP TABLE {_OLD}")


def _keys(clickhouse: ClickHouse) -> dict[str, list[str]]:
    found = clickhouse.rows(_KEYS, {"database": clickhouse.database}, _Table)
    return {table.name: table.sorting_key.split(", ") for table in found}
