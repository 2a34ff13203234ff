"""News, recorded trades, feed health with its receipt, imports; daily roll-ups; what is forgotten when.

What expires does so by the age of the row, not of what it tells of: a replayed or imported day of long ago is as
new as the day it was written. Candles, firings, costs and executions are kept for good.
"""

from __future__ import annotations

from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.migrations.m0001 import MONTH_OF, SETTINGS

_INSERTED = "inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)"
_EXPIRES = "toDateTime(inserted_at, 'UTC') + INTERVAL {days} DAY"

NEWS = f"""
CREATE TABLE IF NOT EXISTS news (
    news_id String,
    symbols Array(LowCardinality(String)),
    published_ms Int64 COMMENT 'as the feed says',
    recv_ms Int64,
    headline String,
    summary String,
    source LowCardinality(String),
    url String,
    {_INSERTED}
) ENGINE = ReplacingMergeTree(inserted_at)
{MONTH_OF.format(column="published_ms")}
ORDER BY (published_ms, news_id)
TTL {_EXPIRES.format(days=730)}
{SETTINGS}"""

TRADES_TAPE = f"""
CREATE TABLE IF NOT EXISTS trades_tape (
    symbol LowCardinality(String),
    feed LowCardinality(String),
    source LowCardinality(String),
    ts_ms Int64 CODEC(DoubleDelta, ZSTD),
    nth UInt32 COMMENT 'among the trades of this symbol and millisecond, in the order of the tape',
    price Float64, size Float64,
    {_INSERTED}
) ENGINE = ReplacingMergeTree(inserted_at)
{MONTH_OF.format(column="ts_ms")}
ORDER BY (symbol, feed, source, ts_ms, nth)
TTL {_EXPIRES.format(days=30)}
{SETTINGS}"""

HISTORY_IMPORTS = f"""
CREATE TABLE IF NOT EXISTS history_imports (
    import_id String COMMENT 'of the content of the file and how it was read',
    file String,
    kind LowCardinality(String) COMMENT 'candles or trades',
    feed LowCardinality(String),
    source LowCardinality(String),
    session LowCardinality(String),
    rows UInt64 COMMENT 'candles in all',
    done UInt64 COMMENT 'candles written',
    skipped UInt64 COMMENT 'rows of the file that are no candle of the session',
    updated_ms Int64
) ENGINE = ReplacingMergeTree(updated_ms)
ORDER BY import_id
{SETTINGS}"""

_DAY_OF = "toDate(fromUnixTimestamp64Milli({column}, 'UTC'))"

FIRINGS_BY_DAY = f"""
CREATE VIEW IF NOT EXISTS firings_by_day AS
SELECT {_DAY_OF.format(column="decided_ms")} AS day, pipeline_id, trigger_id, symbol, kind, count() AS firings
FROM firings FINAL
GROUP BY day, pipeline_id, trigger_id, symbol, kind"""

SUPPRESSIONS_BY_DAY = f"""
CREATE VIEW IF NOT EXISTS suppressions_by_day AS
SELECT {_DAY_OF.format(column="decided_ms")} AS day, pipeline_id, trigger_id, symbol, reason, source,
    count() AS suppressions
FROM suppressions FINAL
GROUP BY day, pipeline_id, trigger_id, symbol, reason, source"""

EXECUTIONS_BY_DAY = f"""
CREATE VIEW IF NOT EXISTS executions_by_day AS
SELECT {_DAY_OF.format(column="created_ms")} AS day, user_id, pipeline_id, status, count() AS executions,
    sum(e.total_cost_usd) AS total_cost_usd,
    avg(e.finished_ms - e.started_ms) AS mean_ms
FROM executions AS e FINAL
GROUP BY day, user_id, pipeline_id, status"""

VOLUME_BY_DAY = f"""
CREATE VIEW IF NOT EXISTS volume_by_day AS
SELECT {_DAY_OF.format(column="ts_ms")} AS day, feed, symbol, session,
    sum(c.volume) AS volume,
    sum(if(c.volume > 0, c.volume * c.vwap, 0)) AS turnover,
    sum(c.trades) AS trades,
    count() AS candles
FROM candles AS c FINAL
WHERE timeframe = '1m'
GROUP BY day, feed, symbol, session"""

STATEMENTS = (
    NEWS,
    TRADES_TAPE,
    HISTORY_IMPORTS,
    "ALTER TABLE feed_health ADD COLUMN IF NOT EXISTS recv_ms Int64 DEFAULT at_ms AFTER at_ms",
    f"ALTER TABLE feed_health ADD COLUMN IF NOT EXISTS {_INSERTED}",
    f"ALTER TABLE feed_health MODIFY TTL {_EXPIRES.format(days=400)}",
    f"ALTER TABLE suppressions MODIFY TTL {_EXPIRES.format(days=180)}",
    FIRINGS_BY_DAY,
    SUPPRESSIONS_BY_DAY,
    EXECUTIONS_BY_DAY,
    VOLUME_BY_DAY,
)


def apply(clickhouse: ClickHouse) -> None:
    for statement in STATEMENTS:
        clickhouse.command(statement)
