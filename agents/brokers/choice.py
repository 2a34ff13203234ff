"""Which broker a pipeline trades at."""

from __future__ import annotations

from typing import cast

from agents.agent import Services, Step
from agents.brokers.broker import Broker
from agents.brokers.paper import PaperBroker
from core.catalog.trading import TradeManagerSettings
from core.errors import ConfigError


def broker_of(step: Step) -> Broker:
    """Return the broker of the pipeline's trade manager; paper where it has none.

    Raises:
        ConfigError: the pipeline names a broker that is not connected.
    """
    for node in step.config.nodes:
        if node.agent_type == "trade_manager_agent":
            return make_broker(TradeManagerSettings.model_validate(node.config).broker, step.services)
    return make_broker("paper", step.services)


def make_broker(name: str, services: Services) -> Broker:
    if name == "paper":
        made = PaperBroker(services.settings, services.engine, services.redis, services.clock)
        return cast("Broker", made)
    raise ConfigError(f"broker {name!r} is not connected; choose paper in the trade manager's settings")
