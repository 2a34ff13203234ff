"""The table of agent types."""

from __future__ import annotations

import json
from typing import cast

import pytest
from pydantic import JsonValue, ValidationError

from core.catalog import AGENTS, AgentMetadata
from core.catalog.analysis import BiasSettings, MarketDataSettings, StrategySettings
from core.pipeline.state import FIELD_OF


def nodes_of(schema: JsonValue) -> list[dict[str, JsonValue]]:
    """Every object inside a JSON Schema, itself first."""
    if isinstance(schema, list):
        return [node for item in schema for node in nodes_of(item)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(node for item in schema.values() for node in nodes_of(item))]


def properties_of(schema: JsonValue) -> list[tuple[str, dict[str, JsonValue]]]:
    return [
        (name, cast("dict[str, JsonValue]", field))
        for node in nodes_of(schema)
        if node.get("type") == "object" and isinstance(node.get("properties"), dict)
        for name, field in cast("dict[str, JsonValue]", node["properties"]).items()
    ]


def test_there_are_the_ten_types_of_the_design() -> None:
    assert list(AGENTS) == [
        "time_trigger",
        "technical_trigger",
        "price_trigger",
        "news_trigger",
        "market_data_agent",
        "bias_agent",
        "strategy_agent",
        "risk_manager_agent",
        "trade_manager_agent",
        "reporting_agent",
    ]


@pytest.mark.parametrize("agent_type", AGENTS)
def test_inputs_and_outputs_are_fields_of_the_state(agent_type: str) -> None:
    agent = AGENTS[agent_type]
    assert set(agent.consumes) | set(agent.produces) <= set(FIELD_OF.values())
    assert agent.produces


@pytest.mark.parametrize("agent_type", AGENTS)
def test_every_setting_has_a_title_for_the_form(agent_type: str) -> None:
    schema = AGENTS[agent_type].config_schema
    json.dumps(schema)
    assert not str(schema["title"]).endswith("Settings")
    untitled = [name for name, field in properties_of(schema) if "title" not in field and name != "type"]
    assert untitled == []


@pytest.mark.parametrize("agent_type", AGENTS)
def test_no_union_has_a_default(agent_type: str) -> None:
    for name, field in properties_of(AGENTS[agent_type].config_schema):
        options = cast("list[dict[str, JsonValue]]", field.get("anyOf", field.get("oneOf", [])))
        real = [option for option in options if option.get("type") != "null"]
        if len(real) > 1:
            assert "default" not in field, name


def test_only_the_time_trigger_is_free() -> None:
    assert [agent.agent_type for agent in AGENTS.values() if agent.is_free] == ["time_trigger"]
    assert all(agent.pricing_rate >= 0 for agent in AGENTS.values())


def test_triggers_are_the_four_that_start_executions() -> None:
    triggers: list[AgentMetadata] = [agent for agent in AGENTS.values() if agent.is_trigger]
    assert len(triggers) == 4
    assert {agent.produces for agent in triggers} == {("trigger",)}


def test_an_agent_names_the_timeframes_it_needs() -> None:
    assert BiasSettings(analysis_timeframes=["1h", "1d"]).required_timeframes() == ("1h", "1d")
    assert StrategySettings().required_timeframes() == ("5m",)
    assert MarketDataSettings(timeframes=["5m"]).required_timeframes() == ()


@pytest.mark.parametrize(
    ("agent_type", "settings"),
    [
        ("market_data_agent", {}),
        ("market_data_agent", {"timeframes": []}),
        ("market_data_agent", {"timeframes": ["2m"]}),
        ("strategy_agent", {"risk_reward_min": 0.5}),
        ("risk_manager_agent", {"risk_per_trade_pct": 50}),
        ("trade_manager_agent", {"broker": "casino"}),
        ("reporting_agent", {"colour": "red"}),
    ],
)
def test_settings_out_of_bounds_are_refused(agent_type: str, settings: dict[str, JsonValue]) -> None:
    with pytest.raises(ValidationError):
        AGENTS[agent_type].config_model.model_validate(settings)
