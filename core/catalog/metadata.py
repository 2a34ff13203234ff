"""What the platform tells about an agent type: to the builder, the validator, the ledger and the page."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, JsonValue

from engine.condition import Timeframe
from engine.grammar.schema import trigger_schema

Category = Literal["trigger", "data", "analysis", "risk", "execution", "reporting"]


class AgentSettings(BaseModel):
    """Base of the settings of a step: frozen, and an unknown key is an error.

    Fields carry title, description and bounds, because the web form is made of the JSON Schema. No field
    that is a union has a default: a form that loses a branch must be refused, not filled in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def required_timeframes(self) -> tuple[Timeframe, ...]:
        """Return the timeframes that a market data agent upstream must fetch for this step."""
        return ()


@dataclass(frozen=True, slots=True)
class AgentMetadata:
    """One agent type.

    consumes, produces  fields of PipelineState that must be there before, and are there after
    pricing_rate        USD an hour of runtime
    uses_llm            whether it asks a model, and so costs tokens
    """

    agent_type: str
    name: str
    description: str
    category: Category
    icon: str
    pricing_rate: Decimal
    config_model: type[AgentSettings]
    consumes: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    uses_llm: bool = False
    version: str = "1.0.0"

    @property
    def is_free(self) -> bool:
        return self.pricing_rate == 0

    @property
    def is_trigger(self) -> bool:
        """Return whether it starts executions. Its settings are described and judged by `engine.grammar`, and
        `config_model` says nothing of them."""
        return self.category == "trigger"

    @property
    def config_schema(self) -> dict[str, JsonValue]:
        """Return the JSON Schema of the settings."""
        if self.is_trigger:
            return cast("dict[str, JsonValue]", trigger_schema(self.agent_type))
        return self.config_model.model_json_schema()
