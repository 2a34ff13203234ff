"""Closed candles of the history, with the indicator values they were stored with."""

from __future__ import annotations

import msgspec

from core.store.clickhouse.client import ClickHouse
from engine.condition import Session, Timeframe
from engine.sessions import TIMEFRAME_MS

FAR_FUTURE_MS = 253_402_300_799_000


class StoredCandle(msgspec.Struct, frozen=True, kw_only=True):
    """`indicators` maps the canonical column to its value, NaN while warming up.

    source   stream, backfill, or the name of an imported history
    seam_ms  where its source ended and another took over, 0 for the stream
    """

    symbol: str
    session: str
    timeframe: str
    ts_ms: int
    end_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float
    trades: int
    partial: bool
    feed: str
    source: str
    seam_ms: int
    indicators: dict[str, float]


_COLUMNS = ", ".join(StoredCandle.__struct_fields__)
_SERIES = """symbol = {symbol:String} AND session = {session:String} AND timeframe = {timeframe:String}
      AND ts_ms < {before:Int64} AND ts_ms >= least({before:Int64}, toUnixTimestamp64Milli(now64(3))) - {span:Int64}"""
_OF_NEWEST = f"(SELECT argMax(feed, ts_ms) FROM candles WHERE {_SERIES})"
_LATEST = f"""
SELECT {_COLUMNS} FROM (
    SELECT {_COLUMNS} FROM candles FINAL
    WHERE {_SERIES}
      AND feed = %s
    ORDER BY ts_ms DESC LIMIT {{limit:UInt32}}
) ORDER BY ts_ms"""
_BETWEEN = f"""
SELECT {_COLUMNS} FROM candles FINAL
WHERE symbol = {{symbol:String}} AND session = {{session:String}} AND timeframe = {{timeframe:String}}
  AND feed = {{feed:String}} AND ts_ms >= {{first:Int64}} AND ts_ms <= {{last:Int64}} AND NOT partial
ORDER BY ts_ms"""
_SPARSE = 8
"""A market that is open for a quarter of a day, five days a week, has a candle in every sixth of its minutes."""


def latest(
    clickhouse: ClickHouse,
    symbol: str,
    timeframe: Timeframe,
    *,
    session: Session = "regular",
    limit: int = 300,
    before_ms: int = FAR_FUTURE_MS,
    feed: str = "",
) -> list[StoredCandle]:
    """Return the last `limit` closed candles of one feed that start before a time, oldest first.

    Args:
        feed: Empty: the feed that has the newest one. Prices of two feeds are never mixed.

    Raises:
        Unavailable: ClickHouse does not answer.
    """
    query = _LATEST % ("{feed:String}" if feed else _OF_NEWEST)
    # Years of minutes need not be merged to see the last of them: mostly those of the last days are enough.
    for span in (_SPARSE * limit * TIMEFRAME_MS[timeframe], FAR_FUTURE_MS):
        parameters = {
            "symbol": symbol, "session": session, "timeframe": timeframe, "before": before_ms, "limit": limit,
            "feed": feed, "span": span,
        }  # fmt: skip
        found = clickhouse.rows(query, parameters, StoredCandle)
        if len(found) == limit:
            break
    return found


def between(
    clickhouse: ClickHouse,
    symbol: str,
    timeframe: Timeframe,
    *,
    session: Session,
    feed: str,
    first_ms: int,
    last_ms: int,
) -> list[StoredCandle]:
    """Return a feed's candles that were seen whole and start from `first_ms` to `last_ms`, oldest first.

    Raises:
        Unavailable: ClickHouse does not answer.
    """
    parameters = {
        "symbol": symbol, "session": session, "timeframe": timeframe, "feed": feed, "first": first_ms, "last": last_ms,
    }  # fmt: skip
    return clickhouse.rows(_BETWEEN, parameters, StoredCandle)
