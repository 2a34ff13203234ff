"""Pipelines: written as JSON, checked before they are saved, armed through the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query
from pydantic import Field, JsonValue

from api.context import Ctx, Tx
from api.problems import FieldProblem
from api.session import User
from api.types import Cursor, Input, Limit, Model

router = APIRouter(prefix="/pipelines", tags=["pipelines"])

PipelineState = Literal["draft", "active", "paused", "archived"]


class TriggerStatus(Model):
    """Where the trigger stands for one symbol, as the market flow last said."""

    symbol: str
    state: str
    """draft | warming | armed | pending | fired | cooldown | paused | completed | expired | unknown"""
    health: str
    """ok | unknown | closed"""
    detail: str
    """A sentence: which candles are missing, until when it cools down."""
    missing_candles: int
    last_fired_ms: int | None


class LastExecution(Model):
    id: UUID
    status: str
    created_at: datetime


class PipelineSummary(Model):
    id: UUID
    name: str
    description: str
    symbols: list[str]
    primary_timeframe: str
    state: PipelineState
    version: int
    trigger_version: int
    trigger_type: str
    trigger_words: str
    """The trigger as a sentence."""
    agent_types: list[str]
    """Of its steps, in order."""
    triggers: list[TriggerStatus]
    """One for each symbol; empty while the market flow has said nothing."""
    last_execution: LastExecution | None
    executions: int
    """All so far."""
    created_at: datetime
    updated_at: datetime


class Pipeline(PipelineSummary):
    config: dict[str, JsonValue]
    """The pipeline's JSON: id, name, symbols, primary_timeframe, nodes, edges, settings."""
    lint: list[FieldProblem]
    """What is allowed but probably not meant."""


class PipelinePage(Model):
    items: list[PipelineSummary]
    next_cursor: str | None


class PipelineWrite(Input):
    config: dict[str, JsonValue]
    state: Literal["draft", "active"] | None = Field(
        default=None, description="active arms it at once; left out: draft when new, unchanged when it exists"
    )


class ManualFire(Input):
    symbol: str | None = Field(default=None, max_length=40, description="One of its symbols; the first if left out.")


class FireAccepted(Model):
    """`execution_id` is known before the execution is: it appears when the dispatcher has taken the firing."""

    firing_id: UUID
    execution_id: UUID
    symbol: str


class PipelineCheck(Model):
    is_valid: bool
    problems: list[FieldProblem]
    lint: list[FieldProblem]
    trigger_words: str
    """The trigger as a sentence; empty while it is not valid."""


Version = Annotated[int | None, Query(ge=1, description="The version that was read; another one since then is a 409.")]
RequestId = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=100, description="A repeat with the same key fires once.")
]


@router.get("")
def list_pipelines(
    user: User, tx: Tx, ctx: Ctx, state: PipelineState | None = None, limit: Limit = 50, cursor: Cursor = None
) -> PipelinePage:
    """Return the user's pipelines, the last changed first."""
    raise NotImplementedError


@router.post("", status_code=201)
def create_pipeline(write: PipelineWrite, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Check and save a new pipeline. Everything that is wrong with it is named, with its path."""
    raise NotImplementedError


@router.post("/check")
def check_pipeline(write: PipelineWrite, user: User) -> PipelineCheck:
    """Say what is wrong with a pipeline, and save nothing."""
    raise NotImplementedError


@router.get("/{pipeline_id}")
def get_pipeline(pipeline_id: UUID, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Return one pipeline with its JSON."""
    raise NotImplementedError


@router.put("/{pipeline_id}")
def update_pipeline(
    pipeline_id: UUID, write: PipelineWrite, user: User, tx: Tx, ctx: Ctx, version: Version = None
) -> Pipeline:
    """Save a new version. The trigger is armed anew only where what it means has changed."""
    raise NotImplementedError


@router.post("/{pipeline_id}/pause")
def pause_pipeline(pipeline_id: UUID, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Disarm its trigger. Executions at work go on."""
    raise NotImplementedError


@router.post("/{pipeline_id}/resume")
def resume_pipeline(pipeline_id: UUID, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Arm its trigger, from now: what became true meanwhile does not fire."""
    raise NotImplementedError


@router.post("/{pipeline_id}/archive")
def archive_pipeline(pipeline_id: UUID, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Take its trigger away for good; its executions stay readable."""
    raise NotImplementedError


@router.post("/{pipeline_id}/fire", status_code=202)
def fire_pipeline(
    pipeline_id: UUID, fire: ManualFire, user: User, tx: Tx, ctx: Ctx, request_id: RequestId = None
) -> FireAccepted:
    """Fire its trigger by hand, once."""
    raise NotImplementedError
