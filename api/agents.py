"""The agent types a pipeline can be made of, with the JSON Schema of their settings."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import JsonValue

from api.session import User
from api.types import Model, Money
from core.catalog import AGENTS
from core.catalog.metadata import AgentMetadata, Category

router = APIRouter(prefix="/agents", tags=["agents"])


class Agent(Model):
    """One agent type. `consumes` and `produces` are fields of the pipeline's state."""

    agent_type: str
    name: str
    description: str
    category: Category
    icon: str
    version: str
    is_trigger: bool
    is_free: bool
    uses_llm: bool
    pricing_rate_usd_hour: Money
    consumes: list[str]
    produces: list[str]
    config_schema: dict[str, JsonValue]


class AgentList(Model):
    items: list[Agent]


@router.get("")
def list_agents(_user: User) -> AgentList:
    """Return every agent type."""
    return AgentList(items=[_agent(a) for a in AGENTS.values()])


def _agent(found: AgentMetadata) -> Agent:
    return Agent(
        agent_type=found.agent_type,
        name=found.name,
        description=found.description,
        category=found.category,
        icon=found.icon,
        version=found.version,
        is_trigger=found.is_trigger,
        is_free=found.is_free,
        uses_llm=found.uses_llm,
        pricing_rate_usd_hour=found.pricing_rate,
        consumes=list(found.consumes),
        produces=list(found.produces),
        config_schema=found.config_schema,
    )
