"""What the tests of the grammar share: a pipeline around a config, and its problems."""

from __future__ import annotations

from engine.condition import TriggerSpec
from engine.grammar import InvalidTrigger, parse_trigger

Json = dict[str, object]


def parse(agent_type: object, config: object, *, version: int = 1, primary_timeframe: str | None = "5m") -> TriggerSpec:
    return parse_trigger(
        agent_type,
        config,
        pipeline_id="3f0f6c2e-0c0b-4f9e-9d7b-6a8a0d6a3c11",
        node_id="node-1",
        version=version,
        symbols=["AAPL"],
        primary_timeframe=primary_timeframe,
    )


def problems_of(agent_type: object, config: object) -> dict[str, str]:
    """Path → what would be right; empty when the config is valid."""
    try:
        parse(agent_type, config)
    except InvalidTrigger as invalid:
        return {problem.path: problem.expected for problem in invalid.problems}
    return {}


def technical(*leaves: object, **others: object) -> dict[str, str]:
    return problems_of("technical_trigger", {"conditions": list(leaves), **others})


def price(**fields: object) -> dict[str, str]:
    return problems_of("price_trigger", {"operator": ">", "value": 100, **fields})


def timed(**schedule: object) -> dict[str, str]:
    return problems_of("time_trigger", {"schedule": schedule})


RSI: Json = {"indicator": "RSI", "operator": ">", "value": 70}
