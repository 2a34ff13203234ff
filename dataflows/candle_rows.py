"""Closed candles as rows of the history."""

from __future__ import annotations

from collections.abc import Sequence

from engine.firing import ClosedCandle

COLUMNS = (
    "symbol", "session", "timeframe", "feed", "ts_ms", "end_ms", "open", "high", "low", "close",
    "volume", "vwap", "trades", "partial", "source", "seam_ms", "indicators", "version",
)  # fmt: skip
PARTIAL, HISTORY, LIVE = 0, 1, 2
"""Of two rows of one candle the one that knows more stays (the schema's `version`)."""
_STREAM = "stream"

Row = tuple[object, ...]


def candle_rows(candles: Sequence[ClosedCandle], feed: str) -> list[Row]:
    """Return a row each."""
    return [_row(candle, feed) for candle in candles]


def _row(candle: ClosedCandle, feed: str) -> Row:
    version = PARTIAL if candle.partial else LIVE if candle.source == _STREAM else HISTORY
    return (
        candle.symbol, candle.session, candle.timeframe, feed, candle.ts_ms, candle.end_ms, candle.open, candle.high,
        candle.low, candle.close, candle.volume, candle.vwap, candle.trades, candle.partial, candle.source,
        candle.seam_ms, candle.values, version,
    )  # fmt: skip
