"""What the rules provider reads instead of prose: the typed facts of the step at work."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from core.pipeline.state import BiasSignal, MarketData, PipelineState
from engine.condition import Timeframe


@dataclass(frozen=True, slots=True)
class BiasFacts:
    market: MarketData
    timeframes: tuple[Timeframe, ...]


@dataclass(frozen=True, slots=True)
class StrategyFacts:
    market: MarketData
    bias: BiasSignal
    timeframe: Timeframe


@dataclass(frozen=True, slots=True)
class ReportFacts:
    state: PipelineState


Facts = BiasFacts | StrategyFacts | ReportFacts

FACTS: ContextVar[Facts] = ContextVar("FACTS")
