"""Closed candles as rows of the history."""

from __future__ import annotations

from engine.firing import ClosedCandle

COLUMNS = (
    "symbol", "session", "timeframe", "ts_ms", "end_ms", "open", "high", "low", "close",
    "volume", "vwap", "trades", "partial", "feed", "source", "indicators", "version",
)  # fmt: skip
_STREAM = "stream"


def candle_row(candle: ClosedCandle, feed: str) -> tuple[object, ...]:
    """Return a row; of two rows of one candle the one that knows more stays (the schema's `version`)."""
    version = 0 if candle.partial else 2 if candle.source == _STREAM else 1
    return (
        candle.symbol, candle.session, candle.timeframe, candle.ts_ms, candle.end_ms, candle.open, candle.high,
        candle.low, candle.close, candle.volume, candle.vwap, candle.trades, candle.partial, feed, candle.source,
        candle.values, version,
    )  # fmt: skip
