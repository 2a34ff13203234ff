"""What models are asked for: one closed model a role. The descriptions are part of the instruction.

Ranges are checked by code afterwards, not by the schema: not every server takes bounds in a strict schema.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.pipeline.state import BiasType, TradeSide


class View(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TrendView(View):
    trend: BiasType = Field(description="Direction of all timeframes together.")
    strength: float = Field(description="0 to 100: how clear the trend is.")
    observations: list[str] = Field(description="Short phrases, one for each timeframe.")


class SentimentView(View):
    control: Literal["buyers", "sellers", "nobody"] = Field(description="Who is in control.")
    is_stretched: bool = Field(description="Whether the move has gone unusually far from its averages.")
    observations: list[str] = Field(description="Short phrases.")


class BiasView(View):
    bias: BiasType = Field(description="The decision.")
    confidence: float = Field(description="0 to 100.")
    reasoning: str = Field(description="Two to four sentences.")
    factors: list[str] = Field(description="Short phrases, the weightiest first.")


class PatternView(View):
    patterns: list[str] = Field(description="Structures that stand in the candles; may be empty.")
    favours: TradeSide = Field(description="The direction they favour.")


class EntryView(View):
    action: TradeSide = Field(description="buy, sell or hold.")
    entry_price: float | None = Field(description="At the market; null for hold.")
    reasoning: str = Field(description="One or two sentences.")


class InvalidationView(View):
    level: float | None = Field(description="Low or high of a candle in the evidence, copied exactly; or null.")
    reasoning: str = Field(description="One or two sentences.")


class PlanView(View):
    action: TradeSide = Field(description="buy, sell or hold.")
    conviction: float = Field(description="0 to 100.")
    entry_price: float | None = Field(description="At the market; null for hold.")
    invalidation_level: float | None = Field(description="Copied from the evidence; or null.")
    reasoning: str = Field(description="Two to four sentences.")
    technical_factors: list[str] = Field(description="Short phrases.")


class SummaryView(View):
    title: str = Field(description="At most ten words.")
    summary: str = Field(description="At most five sentences.")
