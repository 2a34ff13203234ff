"""Executions, their steps, their events, what was suppressed, and the reports."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Named,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

from core.store.tables.columns import EMPTY_OBJECT, ID, JSON_OBJECT, MONEY, NOW, PRICE, TIMESTAMP, metadata


class PipelineExecutionColumns(TypedColumns):
    """One going-through of a pipeline. The unique `firing_id` is the commit point of a firing (T26).

    The config it goes by is `pipeline_versions(pipeline_id, pipeline_version)`.
    """

    id: Named[UUID] = Column(ID, primary_key=True)
    firing_id: Named[UUID] = Column(ID, nullable=False, unique=True)
    pipeline_id: Named[UUID] = Column(ID, ForeignKey("pipelines.id", ondelete="CASCADE"), nullable=False)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    pipeline_version: Named[int] = Column(Integer, nullable=False)
    trigger_id: Named[str] = Column(Text, nullable=False)
    trigger_version: Named[int] = Column(Integer, nullable=False)
    symbol: Named[str] = Column(Text, nullable=False)
    firing: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False)
    """The firing as on the topic, with its evidence."""
    status: Named[str] = Column(Text, nullable=False, server_default="queued")
    """queued | running | waiting_approval | completed | failed | cancelled | suppressed"""
    reason: Named[str] = Column(Text, nullable=False, server_default="")
    """Of a suppressed or cancelled one: overlap, superseded, ttl, budget, ..."""
    current_step: Named[str] = Column(Text, nullable=False, server_default="")
    """Node id of the step at work."""
    state: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False, server_default=EMPTY_OBJECT)
    """Checkpoint of the pipeline's state after the last finished step."""
    attempt: Named[int] = Column(Integer, nullable=False, server_default="0")
    lease_owner: Named[str] = Column(Text, nullable=False, server_default="")
    lease_until: Named[datetime | None] = Column(TIMESTAMP)
    pick_up_by: Named[datetime | None] = Column(TIMESTAMP)
    """End of the signal's time to live (T28): not started by then, it is not run."""
    error: Named[str] = Column(Text, nullable=False, server_default="")
    total_cost: Named[Decimal] = Column(MONEY, nullable=False, server_default="0")
    """USD."""
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    started_at: Named[datetime | None] = Column(TIMESTAMP)
    finished_at: Named[datetime | None] = Column(TIMESTAMP)
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


pipeline_executions = Table("pipeline_executions", metadata, PipelineExecutionColumns)
_e = pipeline_executions.c
Index("ix_pipeline_executions_user_id_created_at", _e.user_id, _e.created_at.desc(), _e.id.desc())
Index("ix_pipeline_executions_pipeline_id_created_at", _e.pipeline_id, _e.created_at.desc())
Index(
    "ix_pipeline_executions_user_id_decided_ms",
    _e.user_id,
    text("((firing ->> 'decided_ms')::bigint) DESC"),
    text("(firing_id::text) DESC"),
)
Index(
    "ix_pipeline_executions_unfinished",
    _e.pipeline_id,
    _e.symbol,
    _e.status,
    postgresql_where=text("status IN ('queued', 'running', 'waiting_approval')"),
)


class StepExecutionColumns(TypedColumns):
    execution_id: Named[UUID] = Column(ID, ForeignKey("pipeline_executions.id", ondelete="CASCADE"))
    node_id: Named[str] = Column(Text)
    position: Named[int] = Column(Integer, nullable=False, server_default="0")
    """Order in the pipeline, from 0; parallel branches in the order of their nodes."""
    agent_type: Named[str] = Column(Text, nullable=False)
    status: Named[str] = Column(Text, nullable=False, server_default="pending")
    """pending | running | completed | failed | skipped"""
    attempt: Named[int] = Column(Integer, nullable=False, server_default="0")
    output: Named[dict[str, object] | None] = Column(JSON_OBJECT)
    summary: Named[str] = Column(Text, nullable=False, server_default="")
    error: Named[str] = Column(Text, nullable=False, server_default="")
    started_at: Named[datetime | None] = Column(TIMESTAMP)
    finished_at: Named[datetime | None] = Column(TIMESTAMP)
    runtime_ms: Named[int] = Column(Integer, nullable=False, server_default="0")
    input_tokens: Named[int] = Column(Integer, nullable=False, server_default="0")
    """Cached ones included."""
    output_tokens: Named[int] = Column(Integer, nullable=False, server_default="0")
    llm_calls: Named[int] = Column(Integer, nullable=False, server_default="0")
    api_calls: Named[int] = Column(Integer, nullable=False, server_default="0")
    provider: Named[str] = Column(Text, nullable=False, server_default="")
    model: Named[str] = Column(Text, nullable=False, server_default="")
    cost_usd: Named[Decimal] = Column(MONEY, nullable=False, server_default="0")


step_executions = Table(
    "step_executions", metadata, StepExecutionColumns, PrimaryKeyConstraint("execution_id", "node_id")
)


class ExecutionEventColumns(TypedColumns):
    """The event log. Within a user, `seq` grows in commit order (see `core.store.events.append`)."""

    seq: Named[int] = Column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    execution_id: Named[UUID | None] = Column(ID)
    pipeline_id: Named[UUID | None] = Column(ID)
    event: Named[str] = Column(Text, nullable=False)
    payload: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False, server_default=EMPTY_OBJECT)
    at: Named[datetime] = Column(TIMESTAMP, nullable=False)


execution_events = Table("execution_events", metadata, ExecutionEventColumns)
Index("ix_execution_events_execution_id_seq", execution_events.c.execution_id, execution_events.c.seq)
Index("ix_execution_events_user_id_seq", execution_events.c.user_id, execution_events.c.seq)


class SuppressionColumns(TypedColumns):
    """A firing the dispatcher did not run, with the reason (T29). The engine's own are in ClickHouse."""

    firing_id: Named[UUID] = Column(ID, primary_key=True)
    pipeline_id: Named[UUID] = Column(ID, nullable=False)
    user_id: Named[UUID | None] = Column(ID)
    """None where the pipeline is unknown."""
    trigger_id: Named[str] = Column(Text, nullable=False)
    symbol: Named[str] = Column(Text, nullable=False)
    reason: Named[str] = Column(Text, nullable=False)
    detail: Named[str] = Column(Text, nullable=False, server_default="")
    firing: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False)
    at: Named[datetime] = Column(TIMESTAMP, nullable=False)


suppressions = Table("suppressions", metadata, SuppressionColumns)
Index(
    "ix_suppressions_user_id_decided_ms",
    suppressions.c.user_id,
    text("((firing ->> 'decided_ms')::bigint) DESC"),
    text("(firing_id::text) DESC"),
)
Index("ix_suppressions_user_id_at", suppressions.c.user_id, suppressions.c.at.desc())
Index("ix_suppressions_pipeline_id_at", suppressions.c.pipeline_id, suppressions.c.at.desc())


class ReportColumns(TypedColumns):
    id: Named[UUID] = Column(ID, primary_key=True)
    execution_id: Named[UUID] = Column(ID, ForeignKey("pipeline_executions.id", ondelete="CASCADE"), nullable=False)
    trade_id: Named[UUID | None] = Column(ID, ForeignKey("trades.id", ondelete="SET NULL"))
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    pipeline_id: Named[UUID] = Column(ID, ForeignKey("pipelines.id", ondelete="CASCADE"), nullable=False)
    symbol: Named[str] = Column(Text, nullable=False)
    report_type: Named[str] = Column(Text, nullable=False, server_default="trade_execution")
    title: Named[str] = Column(Text, nullable=False, server_default="")
    summary: Named[str] = Column(Text, nullable=False, server_default="")
    full_report: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False)
    blob_key: Named[str] = Column(Text, nullable=False, server_default="")
    """Where the long form lies in the blob store; empty = nowhere."""
    provider: Named[str] = Column(Text, nullable=False, server_default="")
    """openai | rules"""
    model: Named[str] = Column(Text, nullable=False, server_default="")
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


reports = Table("reports", metadata, ReportColumns, UniqueConstraint("execution_id", "report_type"))
Index("ix_reports_user_id_created_at", reports.c.user_id, reports.c.created_at.desc(), reports.c.id.desc())


class ApprovalColumns(TypedColumns):
    id: Named[UUID] = Column(ID, primary_key=True)
    execution_id: Named[UUID] = Column(ID, ForeignKey("pipeline_executions.id", ondelete="CASCADE"), nullable=False)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    node_id: Named[str] = Column(Text, nullable=False)
    status: Named[str] = Column(Text, nullable=False, server_default="waiting")
    """waiting | approved | refused | expired"""
    proposal: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False)
    price: Named[Decimal | None] = Column(PRICE)
    max_drift_pct: Named[Decimal | None] = Column(Numeric(10, 4))
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    expires_at: Named[datetime] = Column(TIMESTAMP, nullable=False)
    decided_at: Named[datetime | None] = Column(TIMESTAMP)
    decided_by: Named[UUID | None] = Column(ID)


approvals = Table("approvals", metadata, ApprovalColumns, UniqueConstraint("execution_id", "node_id"))
Index("ix_approvals_user_id_status", approvals.c.user_id, approvals.c.status)
