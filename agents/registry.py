"""Agent types by name. Settings come from the catalog; the class comes from here."""

from __future__ import annotations

from collections.abc import Mapping

import pydantic

from agents.agent import Agent
from agents.builtin.bias import BiasAgent
from agents.builtin.market_data import MarketDataAgent
from agents.builtin.news_trigger import NewsTrigger
from agents.builtin.price_trigger import PriceTrigger
from agents.builtin.reporting import ReportingAgent
from agents.builtin.risk_manager import RiskManagerAgent
from agents.builtin.strategy import StrategyAgent
from agents.builtin.technical_trigger import TechnicalTrigger
from agents.builtin.time_trigger import TimeTrigger
from agents.builtin.trade_manager import TradeManagerAgent
from core.catalog import AGENTS, AgentSettings
from core.catalog.analysis import ModelSettings
from core.errors import InvalidInput, Problem
from core.pipeline import Node
from core.pipeline.invalid import problems_of

AnyAgent = Agent[AgentSettings]

_ALL = (
    TimeTrigger,
    TechnicalTrigger,
    PriceTrigger,
    NewsTrigger,
    MarketDataAgent,
    BiasAgent,
    StrategyAgent,
    RiskManagerAgent,
    TradeManagerAgent,
    ReportingAgent,
)
AGENT_TYPES: Mapping[str, type[AnyAgent]] = {agent.agent_type: agent for agent in _ALL}


def make_agent(node: Node) -> AnyAgent:
    """Return the agent of a node.

    Raises:
        InvalidInput: unknown type or invalid settings; neither passes the check a pipeline is saved with.
    """
    kind = AGENT_TYPES.get(node.agent_type)
    if kind is None:
        raise InvalidInput([Problem("agent_type", repr(node.agent_type), "one of " + ", ".join(AGENT_TYPES))])
    metadata = AGENTS[node.agent_type]
    if metadata.is_trigger:
        # Triggers were judged by the engine's grammar, which allows more than the form's model shows.
        return kind(AgentSettings())
    try:
        return kind(metadata.config_model.model_validate(node.config))
    except pydantic.ValidationError as error:
        raise InvalidInput(problems_of(error, f"{node.id}.config")) from None


def with_fallback_model(agent: AnyAgent) -> AnyAgent | None:
    """Return the agent that asks its fallback model instead; None where it has no other."""
    settings = agent.settings
    if not isinstance(settings, ModelSettings) or settings.fallback_model in (None, "", settings.model):
        return None
    return type(agent)(settings.model_copy(update={"model": settings.fallback_model}))
