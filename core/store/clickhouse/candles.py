"""Closed candles of the history, with the indicator values they were stored with."""

from __future__ import annotations

import msgspec

from core.store.clickhouse.client import ClickHouse
from engine.condition import Session, Timeframe

FAR_FUTURE_MS = 253_402_300_799_000


class StoredCandle(msgspec.Struct, frozen=True, kw_only=True):
    """`indicators` maps the canonical column to its value, NaN while warming up."""

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
    indicators: dict[str, float]


_COLUMNS = ", ".join(StoredCandle.__struct_fields__)
_LATEST = f"""
SELECT {_COLUMNS} FROM (
    SELECT {_COLUMNS} FROM candles FINAL
    WHERE symbol = {{symbol:String}} AND session = {{session:String}} AND timeframe = {{timeframe:String}}
      AND ts_ms < {{before:Int64}}
    ORDER BY ts_ms DESC LIMIT {{limit:UInt32}}
) ORDER BY ts_ms"""


def latest(
    clickhouse: ClickHouse,
    symbol: str,
    timeframe: Timeframe,
    *,
    session: Session = "regular",
    limit: int = 300,
    before_ms: int = FAR_FUTURE_MS,
) -> list[StoredCandle]:
    """Return the last `limit` closed candles that start before a time, oldest first.

    Raises:
        Unavailable: ClickHouse does not answer.
    """
    parameters = {"symbol": symbol, "session": session, "timeframe": timeframe, "before": before_ms, "limit": limit}
    return clickhouse.rows(_LATEST, parameters, StoredCandle)
