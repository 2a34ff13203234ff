"""The pipeline of the design's example, complete, and ways to break it."""

from __future__ import annotations

from pydantic import JsonValue

from core.pipeline import PipelineConfig, parse_config

CHAIN: tuple[tuple[str, dict[str, object]], ...] = (
    ("price_trigger", {"operator": "crosses_above", "value": 190}),
    ("market_data_agent", {"timeframes": ["1h", "4h", "1d", "5m"], "indicators": ["SMA_20", "RSI", "MACD"]}),
    ("bias_agent", {"analysis_timeframes": ["1h", "4h", "1d"], "confidence_threshold": 70}),
    ("strategy_agent", {"timeframe": "5m", "risk_reward_min": 1.5, "creativity": 0.7}),
    ("risk_manager_agent", {}),
    ("trade_manager_agent", {}),
    ("reporting_agent", {}),
)


def make_nodes() -> list[dict[str, object]]:
    return [
        {"id": f"node-{i}", "agent_type": agent_type, "position": {"x": 100 * i, "y": 100}, "config": dict(config)}
        for i, (agent_type, config) in enumerate(CHAIN, 1)
    ]


def make_edges(*pairs: tuple[int, int]) -> list[dict[str, str]]:
    ends = pairs or tuple((i, i + 1) for i in range(1, len(CHAIN)))
    return [{"from": f"node-{a}", "to": f"node-{b}"} for a, b in ends]


def make_data(**changes: object) -> dict[str, object]:
    return {
        "id": "b1f7c0de-0000-4000-8000-000000000001",
        "name": "My Day Trading Bot",
        "symbol": "AAPL",
        "primary_timeframe": "5m",
        "nodes": make_nodes(),
        "edges": make_edges(),
        "settings": {"max_retries": 3, "retry_delay": 60},
        **changes,
    }


def make_config(**changes: object) -> PipelineConfig:
    return parse_config(make_data(**changes))


def with_node_config(number: int, **config: JsonValue) -> PipelineConfig:
    """The pipeline with other settings of one node."""
    nodes = make_nodes()
    nodes[number - 1]["config"] = config
    return make_config(nodes=nodes)
