"""Executions, their steps, and the events of one after a number."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import JsonValue

from api.context import Tx
from api.session import User
from api.types import Cursor, Limit, Model, Money, decode_cursor, encode_cursor
from core.catalog import AGENTS
from core.store import events
from core.store.listings import executions as listing
from engine.firing import Firing as FiringFact

router = APIRouter(prefix="/executions", tags=["executions"])

ExecutionStatus = Literal["queued", "running", "waiting_approval", "completed", "failed", "cancelled", "suppressed"]
StepStatus = Literal["pending", "running", "completed", "failed", "skipped"]


class ExecutionSummary(Model):
    id: UUID
    firing_id: UUID
    pipeline_id: UUID
    pipeline_name: str
    pipeline_version: int
    trigger_version: int
    symbol: str
    kind: str
    """Of the firing: tick, candle_close, hold, time, news, manual."""
    fired_ms: int
    price: float | None
    """At the firing."""
    status: ExecutionStatus
    reason: str
    """Why a suppressed or cancelled one did not go on."""
    current_step: str
    error: str
    attempt: int
    steps_done: int
    steps_total: int
    total_cost_usd: Money
    report_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class StepExecution(Model):
    node_id: str
    position: int
    agent_type: str
    agent_name: str
    status: StepStatus
    attempt: int
    summary: str
    output: dict[str, JsonValue] | None
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    runtime_ms: int
    input_tokens: int
    """Cached ones included."""
    output_tokens: int
    llm_calls: int
    api_calls: int
    provider: str
    """openai | rules | empty where no model was asked."""
    model: str
    cost_usd: Money


class Execution(ExecutionSummary):
    firing: FiringFact
    """With its evidence: each condition, before and now."""
    steps: list[StepExecution]
    last_seq: int
    """Of its newest event: what `/executions/{id}/events?after=` goes on from."""


class ExecutionPage(Model):
    items: list[ExecutionSummary]
    next_cursor: str | None


class Event(Model):
    """Something that happened. `seq` grows; one not above the last that was seen can be dropped."""

    seq: int
    event: str
    """execution_queued | execution_started | agent_started | agent_completed | trade_executed |
    execution_completed | execution_suppressed | report_ready | pipeline_changed | error"""
    execution_id: UUID | None
    pipeline_id: UUID | None
    at: str
    payload: dict[str, JsonValue]


class EventList(Model):
    items: list[Event]
    last_seq: int
    """Ask for what came after this next."""


After = Annotated[int, Query(ge=0, description="`seq` of the last event that was seen.")]


@router.get("")
def list_executions(
    user: User,
    tx: Tx,
    pipeline_id: UUID | None = None,
    status: ExecutionStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ExecutionPage:
    """Return the user's executions, the newest first."""
    found = listing.page(
        tx,
        user.user_id,
        pipeline_id=pipeline_id,
        status=status,
        before=decode_cursor(cursor) if cursor else None,
        limit=limit,
    )
    last = found[-1] if len(found) == limit else None
    return ExecutionPage(
        items=[ExecutionSummary.model_validate(_summary(execution)) for execution in found],
        next_cursor=encode_cursor(last.created_at, last.id) if last else None,
    )


@router.get("/{execution_id}")
def get_execution(execution_id: UUID, user: User, tx: Tx) -> Execution:
    """Return one execution with its firing and its steps."""
    found = listing.get(tx, user.user_id, execution_id)
    return Execution.model_validate(
        {
            **_summary(found),
            "firing": listing.firing(tx, user.user_id, execution_id),
            "steps": [_step(step) for step in listing.steps(tx, execution_id)],
            "last_seq": events.last_seq_of_execution(tx, execution_id),
        }
    )


@router.get("/{execution_id}/events")
def list_execution_events(
    execution_id: UUID,
    user: User,
    tx: Tx,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> EventList:
    """Return the events of one execution after a number: what `/ws` sends, for who cannot hold a socket."""
    listing.get(tx, user.user_id, execution_id)
    found = events.of_execution(tx, user.user_id, execution_id, after_seq=after, limit=limit)
    return EventList(
        items=[Event.model_validate(event, from_attributes=True) for event in found],
        last_seq=found[-1].seq if found else after,
    )


def _summary(found: listing.ListedExecution) -> dict[str, object]:
    fields = msgspec.structs.asdict(found)
    return {
        **fields,
        "kind": found.kind or "",
        "fired_ms": found.fired_ms or 0,
        "total_cost_usd": found.total_cost,
    }


def _step(step: listing.Step) -> dict[str, object]:
    agent = AGENTS.get(step.agent_type)
    return {**msgspec.structs.asdict(step), "agent_name": agent.name if agent else step.agent_type}
