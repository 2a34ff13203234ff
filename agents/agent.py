"""What an agent is: metadata from the catalog, typed settings, one call that turns a step into a result.

An agent changes nothing but what it returns: the runner merges the output into the state, records the step and
makes the effects of `commit`, all in one transaction. What an agent does outside (an order) it must be able to
do again without doing it twice, for a killed step is run again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

import redis

from agents.llm.provider import Providers
from core.catalog import AGENTS, AgentMetadata, AgentSettings
from core.clock import Clock
from core.pipeline import PipelineConfig
from core.pipeline.state import AgentOutput, PipelineState
from core.settings import Settings
from core.store.blobs import Blobs
from core.store.clickhouse.client import ClickHouse
from core.store.postgres import Connection, Engine
from engine.firing import Firing

S = TypeVar("S", bound=AgentSettings, covariant=True)
Event = tuple[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Services:
    """The neighbours of a worker, each safe to share between threads."""

    settings: Settings
    clock: Clock
    engine: Engine
    redis: redis.Redis
    clickhouse: ClickHouse
    blobs: Blobs
    providers: Providers


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt at one node."""

    node_id: str
    execution_id: UUID
    user_id: UUID
    pipeline_id: UUID
    config: PipelineConfig
    firing: Firing
    state: PipelineState
    services: Services


@dataclass(frozen=True, slots=True)
class Result:
    """What a step came to.

    output     goes into the state; its type says where
    summary    one sentence for the page
    events     told to the user besides `agent_completed`
    commit     written in the transaction that records the step
    api_calls  calls of other services than models
    """

    output: AgentOutput
    summary: str
    events: tuple[Event, ...] = ()
    commit: Callable[[Connection], None] | None = None
    api_calls: Mapping[str, int] = field(default_factory=dict[str, int])


class Agent(ABC, Generic[S]):
    """Base of all agents. An instance is made for each attempt and holds nothing but its settings."""

    agent_type: ClassVar[str]

    def __init__(self, settings: S) -> None:
        self._settings = settings

    @property
    def settings(self) -> S:
        return self._settings

    @classmethod
    def metadata(cls) -> AgentMetadata:
        return AGENTS[cls.agent_type]

    def skip_reason(self, state: PipelineState) -> str | None:
        """Return why there is nothing to do for this agent, None to run it."""
        del state
        return None

    @abstractmethod
    def run(self, step: Step) -> Result:
        """Do the work.

        Raises:
            Unavailable, OutcomeUnknown: try again later.
            TapewatchError: any other: the step fails with its text.
        """
