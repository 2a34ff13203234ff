"""Go once through what the first execution would otherwise wait for: kernels, a small flow, a crew on rules."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from agents import flow
from agents.builtin.indicator_columns import columns_of
from agents.crew import Role, run_crew
from agents.llm.facts import FACTS, BiasFacts
from agents.llm.meter import METER, NoMeter
from agents.llm.rules import RulesProvider
from agents.llm.views import BiasView
from agents.prompt import load
from core.pipeline import Edge, Node, PipelineConfig
from core.pipeline.state import MarketData, Ohlcv, TimeframeData
from engine.indicators.series import Series, closed_values


def warm() -> None:
    prices, starts = np.linspace(100.0, 101.0, 64), np.arange(64) * 60_000
    for name in ("SMA_20", "RSI", "MACD", "ATR"):
        for _, column in columns_of(name):
            closed_values(column, Series(starts, prices, prices, prices, prices, prices, prices))
    nodes = (Node(id="a", agent_type="time_trigger"), Node(id="b", agent_type="reporting_agent"))
    edge = Edge.model_validate({"from": "a", "to": "b"})
    config = PipelineConfig(id="warm", name="warm", symbol="WARM", nodes=nodes, edges=(edge,))
    flow.run(config, lambda _node_id: _ask_once())


def _ask_once() -> None:
    one = Decimal(1)
    at = datetime(2025, 1, 1, tzinfo=UTC)
    candle = Ohlcv(started_at=at, open=one, high=one, low=one, close=one, volume=one)
    market = MarketData(
        symbol="WARM",
        current_price=one,
        volume=one,
        timeframes={"5m": TimeframeData(timeframe="5m", ohlcv=candle)},
        observed_at=at,
    )
    METER.set(NoMeter())
    FACTS.set(BiasFacts(market, ("5m",)))
    run_crew((Role(load("bias/synthesizer"), BiasView),), "{}", RulesProvider(), temperature=0)
