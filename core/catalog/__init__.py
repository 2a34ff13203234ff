"""The ten agent types: what they are called, need, give, cost, and how they are set up."""

from core.catalog.agents import AGENTS
from core.catalog.metadata import AgentMetadata, AgentSettings

__all__ = ["AGENTS", "AgentMetadata", "AgentSettings"]
