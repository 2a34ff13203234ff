"""The first tables: candles, firings, suppressions, costs, executions, feed health, and costs by day."""

from __future__ import annotations

from core.store.clickhouse.client import ClickHouse

SETTINGS = "SETTINGS non_replicated_deduplication_window = 1000"
MONTH_OF = "PARTITION BY toYYYYMM(fromUnixTimestamp64Milli({column}, 'UTC'))"

CANDLES = f"""
CREATE TABLE IF NOT EXISTS candles (
    symbol LowCardinality(String),
    session LowCardinality(String),
    timeframe LowCardinality(String),
    ts_ms Int64 COMMENT 'start',
    end_ms Int64,
    open Float64, high Float64, low Float64, close Float64,
    volume Float64, vwap Float64, trades UInt32,
    partial Bool COMMENT 'the subscription began within it',
    feed LowCardinality(String),
    source LowCardinality(String) COMMENT 'live, or where the history came from',
    indicators Map(LowCardinality(String), Float64) COMMENT 'by canonical column; NaN while warming up',
    version UInt8 COMMENT 'of equal keys the highest stays: 0 partial, 1 history, 2 closed live'
) ENGINE = ReplacingMergeTree(version)
{MONTH_OF.format(column="ts_ms")}
ORDER BY (symbol, session, timeframe, ts_ms)
{SETTINGS}"""

FIRINGS = f"""
CREATE TABLE IF NOT EXISTS firings (
    firing_id String,
    pipeline_id String,
    trigger_id String,
    trigger_version UInt32,
    symbol LowCardinality(String),
    ts_ms Int64 COMMENT 'of the firing trade',
    decided_ms Int64,
    price Nullable(Float64),
    kind LowCardinality(String),
    feed LowCardinality(String),
    health LowCardinality(String),
    flags Array(LowCardinality(String)),
    evidence String COMMENT 'JSON',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree(inserted_at)
{MONTH_OF.format(column="decided_ms")}
ORDER BY (pipeline_id, decided_ms, firing_id)
{SETTINGS}"""

SUPPRESSIONS = f"""
CREATE TABLE IF NOT EXISTS suppressions (
    firing_id String,
    pipeline_id String,
    trigger_id String,
    trigger_version UInt32,
    symbol LowCardinality(String),
    ts_ms Int64,
    decided_ms Int64,
    price Nullable(Float64),
    kind LowCardinality(String),
    reason LowCardinality(String),
    source LowCardinality(String) COMMENT 'engine or dispatcher',
    feed LowCardinality(String),
    health LowCardinality(String),
    flags Array(LowCardinality(String)),
    evidence String COMMENT 'JSON',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree(inserted_at)
{MONTH_OF.format(column="decided_ms")}
ORDER BY (pipeline_id, decided_ms, firing_id, reason)
TTL toDateTime(fromUnixTimestamp64Milli(decided_ms, 'UTC')) + INTERVAL 180 DAY
{SETTINGS}"""

COSTS = f"""
CREATE TABLE IF NOT EXISTS costs (
    cost_id String,
    user_id String,
    execution_id String,
    pipeline_id String,
    node_id String,
    agent_type LowCardinality(String),
    cost_type LowCardinality(String),
    at_ms Int64,
    provider LowCardinality(String),
    model LowCardinality(String),
    status UInt16,
    quantity Decimal(20, 6),
    input_tokens UInt32, output_tokens UInt32, cache_read_tokens UInt32,
    unit_cost_usd Decimal(28, 14),
    amount_usd Decimal(20, 10)
) ENGINE = ReplacingMergeTree
{MONTH_OF.format(column="at_ms")}
ORDER BY (user_id, at_ms, cost_id)
{SETTINGS}"""

COSTS_BY_DAY = """
CREATE VIEW IF NOT EXISTS costs_by_day AS
SELECT
    user_id,
    toDate(fromUnixTimestamp64Milli(at_ms, 'UTC')) AS day,
    agent_type, provider, model, pipeline_id, cost_type,
    sum(amount_usd) AS amount_usd,
    countIf(cost_type = 'llm_tokens') AS calls,
    sum(costs.input_tokens) AS input_tokens,
    sum(costs.output_tokens) AS output_tokens
FROM costs FINAL
GROUP BY user_id, day, agent_type, provider, model, pipeline_id, cost_type"""

EXECUTIONS = f"""
CREATE TABLE IF NOT EXISTS executions (
    execution_id String,
    firing_id String,
    pipeline_id String,
    user_id String,
    symbol LowCardinality(String),
    kind LowCardinality(String),
    status LowCardinality(String),
    reason LowCardinality(String),
    error String,
    pipeline_version UInt32,
    trigger_version UInt32,
    created_ms Int64,
    started_ms Nullable(Int64),
    finished_ms Nullable(Int64),
    steps UInt16,
    llm_calls UInt32,
    input_tokens UInt64, output_tokens UInt64,
    total_cost_usd Decimal(20, 10),
    updated_ms Int64 COMMENT 'of equal keys the last stays'
) ENGINE = ReplacingMergeTree(updated_ms)
{MONTH_OF.format(column="created_ms")}
ORDER BY (user_id, created_ms, execution_id)
{SETTINGS}"""

FEED_HEALTH = f"""
CREATE TABLE IF NOT EXISTS feed_health (
    feed LowCardinality(String),
    symbol LowCardinality(String) COMMENT 'empty: the feed as a whole',
    at_ms Int64,
    health LowCardinality(String),
    gap_ms Int64,
    detail String
) ENGINE = ReplacingMergeTree
{MONTH_OF.format(column="at_ms")}
ORDER BY (feed, symbol, at_ms)
TTL toDateTime(fromUnixTimestamp64Milli(at_ms, 'UTC')) + INTERVAL 400 DAY
{SETTINGS}"""


def apply(clickhouse: ClickHouse) -> None:
    for statement in (CANDLES, FIRINGS, SUPPRESSIONS, COSTS, EXECUTIONS, FEED_HEALTH, COSTS_BY_DAY):
        clickhouse.command(statement)
