"""Go once through what the first execution would otherwise wait for: kernels and a small flow."""

from __future__ import annotations

import numpy as np

from agents import flow
from agents.builtin.indicator_columns import columns_of
from core.pipeline import Edge, Node, PipelineConfig
from engine.indicators.series import closed_values


def warm() -> None:
    prices = np.linspace(100.0, 101.0, 64)
    for name in ("SMA_20", "RSI", "MACD", "ATR"):
        for _, column in columns_of(name):
            closed_values(column, prices, prices, prices)
    nodes = (Node(id="a", agent_type="time_trigger"), Node(id="b", agent_type="reporting_agent"))
    edge = Edge.model_validate({"from": "a", "to": "b"})
    config = PipelineConfig(id="warm", name="warm", symbol="WARM", nodes=nodes, edges=(edge,))
    flow.run(config, lambda _node_id: None)
