"""The JSON of a pipeline: nodes, edges, settings. Unknown keys are errors.

A PipelineConfig has the right shape; whether it makes sense is for `core.pipeline.check`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from engine.condition import Timeframe

ID_PATTERN = r"^[a-z0-9-]+$"
"""Ids stand in topic keys, flow declarations and paths: nothing that any of them would interpret."""

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=64)]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9:._/-]*$", max_length=40)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Position(_Part):
    """Where the builder draws the node, in its own pixels. No part of any meaning."""

    x: float = 0
    y: float = 0


class Node(_Part):
    id: Id
    agent_type: str = Field(max_length=64)
    position: Position = Position()
    config: dict[str, JsonValue] = {}


class Edge(_Part):
    source: str = Field(alias="from", max_length=64)
    target: str = Field(alias="to", max_length=64)


class PipelineSettings(_Part):
    """How executions of the pipeline are run (T28) and what they may spend."""

    model_config = ConfigDict(title="Pipeline settings")

    max_retries: int = Field(default=3, ge=0, le=10, title="Retries", description="Of a failed step.")
    retry_delay: float = Field(
        default=60, ge=0, le=3600, title="Retry delay (seconds)", description="Before the first retry."
    )
    overlap: Literal["skip", "queue", "parallel"] = Field(
        default="skip", title="Overlap", description="When a firing comes while an execution is at work."
    )
    max_parallel: int = Field(default=1, ge=1, le=10, title="Most in parallel", description="With parallel.")
    signal_ttl_seconds: float = Field(
        default=60, gt=0, le=86_400, title="Signal time to live (seconds)", description="Older is not run."
    )
    autonomy: Literal["notify", "approve", "automatic"] = Field(
        default="automatic",
        title="Autonomy",
        description="notify: no order. approve: after your yes. automatic: as risk allows.",
    )
    budget_execution_usd: Decimal | None = Field(
        default=None, gt=0, title="Budget an execution (USD)", description="Empty: the platform's."
    )
    budget_daily_usd: Decimal | None = Field(
        default=None, gt=0, title="Budget a day (USD)", description="Empty: only the user's."
    )
    on_low_budget: Literal["notify", "cheaper_model", "stop"] = Field(
        default="notify",
        title="When money runs low",
        description="notify: go on to the limit. cheaper_model: ask the platform's cheap one. stop: spend no more.",
    )
    low_budget_pct: Decimal = Field(
        default=Decimal(80), gt=0, le=100, title="Low from (% of a limit)", description="Of any limit that binds it."
    )


class PipelineConfig(_Part):
    id: Id
    """A UUID where the pipeline is stored; it is part of the trigger's id, and so of every firing's."""
    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2000)
    version: int = Field(default=1, ge=1)
    """Of the file, for replay; a stored pipeline's version is counted by the store."""
    symbol: Symbol | None = None
    symbols: tuple[Symbol, ...] = Field(default=(), max_length=100)
    primary_timeframe: Timeframe = "5m"
    nodes: tuple[Node, ...] = Field(max_length=50)
    edges: tuple[Edge, ...] = Field(default=(), max_length=200)
    settings: PipelineSettings = PipelineSettings()

    @property
    def all_symbols(self) -> tuple[str, ...]:
        """Return the symbols, whichever way they are written; `check` sees that it is one way."""
        return self.symbols or ((self.symbol,) if self.symbol else ())

    def node(self, node_id: str) -> Node:
        """Return a node by its id.

        Raises:
            KeyError: there is none.
        """
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the JSON object, with `from` and `to`, without what is left at its default."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
