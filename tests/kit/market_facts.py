"""Market data for agents, made by hand: one timeframe after another on a straight line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.pipeline.state import BiasSignal, BiasType, MarketData, Ohlcv, TimeframeData
from engine.condition import Timeframe

AT = datetime(2025, 3, 10, 14, 30, tzinfo=UTC)


def market(
    *, price: float = 100.0, slope: float = 0.1, timeframes: tuple[Timeframe, ...] = ("5m", "15m", "1h")
) -> MarketData:
    """Return a market that rises by `slope` USD a candle and stands at the price."""
    frames: dict[Timeframe, TimeframeData] = {tf: _frame(tf, price, slope) for tf in timeframes}
    return MarketData(
        symbol="AAPL",
        current_price=_decimal(price),
        volume=Decimal(1000),
        timeframes=frames,
        feed="simulator",
        feed_health="live",
        observed_at=AT,
    )


def bias(kind: BiasType = BiasType.BULLISH, confidence: float = 80) -> BiasSignal:
    return BiasSignal(bias=kind, confidence=confidence, reasoning="as made", decided_at=AT, provider="rules/v1")


def _frame(timeframe: Timeframe, price: float, slope: float) -> TimeframeData:
    closes = [price - slope * (40 - i) for i in range(1, 41)]
    candles = tuple(
        Ohlcv(
            started_at=AT + timedelta(minutes=5 * i),
            open=_decimal(close - slope),
            high=_decimal(close + 0.5),
            low=_decimal(close - 0.5),
            close=_decimal(close),
            volume=Decimal(100),
        )
        for i, close in enumerate(closes)
    )
    indicators = {
        "SMA_20": sum(closes[-20:]) / 20,
        "RSI_14": 62.0 if slope > 0 else 38.0 if slope < 0 else 50.0,
        "MACD_12_26_9.histogram": slope,
        "ATR_14": 1.2,
    }
    return TimeframeData(timeframe=timeframe, ohlcv=candles[-1], indicators=indicators, candles=candles)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 4)))
