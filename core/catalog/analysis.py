"""Settings of the agents that look: market data, bias, strategy."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from core.catalog.metadata import AgentSettings
from engine.condition import Timeframe


class MarketDataSettings(AgentSettings):
    model_config = ConfigDict(title="Market data")

    timeframes: list[Timeframe] = Field(
        min_length=1,
        max_length=6,
        title="Timeframes",
        description="All that later steps need.",
        json_schema_extra={"uniqueItems": True},
    )
    indicators: list[str] = Field(
        default=["SMA_20", "SMA_50", "RSI", "MACD", "ATR"],
        max_length=32,
        title="Indicators",
        description="Computed on each timeframe, e.g. SMA_20, RSI, MACD.",
        examples=[["SMA_20", "SMA_50", "RSI", "MACD"]],
    )
    candles: int = Field(
        default=100, ge=2, le=500, title="Candles", description="Closed candles to fetch for each timeframe."
    )
    headlines: int = Field(
        default=5, ge=0, le=20, title="Headlines", description="The newest of the symbol, for the mood; 0: none."
    )
    headlines_hours: int = Field(
        default=24, ge=1, le=168, title="Headlines of (hours)", description="Older ones are left out."
    )


class ModelSettings(AgentSettings):
    """Common to the agents that ask a language model."""

    model: str | None = Field(
        default=None,
        max_length=100,
        title="Model",
        description="Empty: the platform's. `rules` answers without a model.",
    )
    fallback_model: str | None = Field(
        default=None,
        max_length=100,
        title="Fallback model",
        description="Asked where the model does not exist, fails or limits us to the last retry. Empty: none.",
    )


class BiasSettings(ModelSettings):
    model_config = ConfigDict(title="Bias")

    analysis_timeframes: list[Timeframe] = Field(
        default=["1h", "4h", "1d"],
        min_length=1,
        max_length=6,
        title="Analysis timeframes",
        description="What the direction is read from.",
        json_schema_extra={"uniqueItems": True},
    )
    confidence_threshold: float = Field(
        default=60,
        ge=0,
        le=100,
        title="Confidence threshold (%)",
        description="Less confidence than this counts as neutral.",
    )
    creativity: float = Field(
        default=0.2, ge=0, le=1, title="Creativity (temperature)", description="Higher is less repeatable."
    )

    def required_timeframes(self) -> tuple[Timeframe, ...]:
        return tuple(self.analysis_timeframes)


class StrategySettings(ModelSettings):
    model_config = ConfigDict(title="Strategy")

    timeframe: Timeframe = Field(
        default="5m", title="Execution timeframe", description="Entry, stop and targets are read from it."
    )
    risk_reward_min: float = Field(
        default=1.5, ge=1, le=5, title="Minimum risk/reward", description="A plan with less is not proposed."
    )
    stop: Literal["atr", "level"] = Field(
        default="atr", title="Stop", description="atr: a multiple of ATR_14. level: beyond the last swing."
    )
    atr_multiple: float = Field(
        default=1.5, ge=0.25, le=10, title="ATR multiple", description="Distance of the stop from the entry."
    )
    creativity: float = Field(
        default=0.7, ge=0, le=1, title="Creativity (temperature)", description="Higher is less repeatable."
    )

    def required_timeframes(self) -> tuple[Timeframe, ...]:
        return (self.timeframe,)
