"""A candle as the oracle sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candle:
    """One candle of `[ts_ms, end_ms)`; prices are positive and finite, `vwap` is NaN without volume."""

    ts_ms: int
    end_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float
    trades: int
    session_open_ms: int = 0
    """When the session it belongs to opened: where what counts by the session starts anew."""
