"""Executions as the page lists them, and one with its steps."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Connection, Double, Select, cast, func, select, tuple_

from core.errors import NotFound
from core.store.rows import columns, read_all, read_first
from core.store.tables import pipeline_executions, pipeline_versions, pipelines, reports, step_executions
from engine.firing import Firing

_e = pipeline_executions.c


class ListedExecution(msgspec.Struct, frozen=True, kw_only=True):
    """`fired_ms`, `kind` and `price` are the firing's; `steps_total` counts the nodes of its version."""

    id: UUID
    firing_id: UUID
    pipeline_id: UUID
    pipeline_name: str
    pipeline_version: int
    trigger_version: int
    symbol: str
    kind: str | None
    fired_ms: int | None
    price: float | None
    status: str
    reason: str
    current_step: str
    error: str
    attempt: int
    total_cost: Decimal
    steps_done: int
    steps_total: int
    report_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    node_id: str
    position: int
    agent_type: str
    status: str
    attempt: int
    summary: str
    output: dict[str, object] | None
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    runtime_ms: int
    input_tokens: int
    output_tokens: int
    llm_calls: int
    api_calls: int
    provider: str
    model: str
    cost_usd: Decimal


class LatestExecution(msgspec.Struct, frozen=True, kw_only=True):
    """The newest execution of a pipeline, and how many it has had."""

    pipeline_id: UUID
    id: UUID
    status: str
    created_at: datetime
    executions: int


def _listed() -> Select[*tuple[object, ...]]:
    """Name a listed execution's columns; counts are sub-queries, cheap for the rows of one page."""
    done = (
        select(func.count())
        .select_from(step_executions)
        .where(
            step_executions.c.execution_id == _e.id,
            step_executions.c.status.in_(("completed", "failed", "skipped")),
        )
    )
    total = select(func.jsonb_array_length(pipeline_versions.c.config["nodes"])).where(
        pipeline_versions.c.pipeline_id == _e.pipeline_id, pipeline_versions.c.version == _e.pipeline_version
    )
    report = select(reports.c.id).where(reports.c.execution_id == _e.id).order_by(reports.c.created_at).limit(1)
    return select(
        *columns(pipeline_executions, ListedExecution),
        pipelines.c.name.label("pipeline_name"),
        _e.firing["kind"].astext.label("kind"),
        cast(_e.firing["ts_ms"].astext, BigInteger).label("fired_ms"),
        cast(_e.firing["price"].astext, Double).label("price"),
        done.scalar_subquery().label("steps_done"),
        func.coalesce(total.scalar_subquery(), 0).label("steps_total"),
        report.scalar_subquery().label("report_id"),
    ).join(pipelines, pipelines.c.id == _e.pipeline_id)


def page(
    tx: Connection,
    user_id: UUID,
    *,
    pipeline_id: UUID | None = None,
    status: str | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[ListedExecution]:
    query = _listed().where(_e.user_id == user_id)
    if pipeline_id is not None:
        query = query.where(_e.pipeline_id == pipeline_id)
    if status is not None:
        query = query.where(_e.status == status)
    if before is not None:
        query = query.where(tuple_(_e.created_at, _e.id) < before)
    return read_all(tx, query.order_by(_e.created_at.desc(), _e.id.desc()).limit(limit), ListedExecution)


def get(tx: Connection, user_id: UUID, execution_id: UUID) -> ListedExecution:
    """Return one execution.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    query = _listed().where(_e.user_id == user_id, _e.id == execution_id)
    found = read_first(tx, query, ListedExecution)
    if found is None:
        raise NotFound(f"no execution {str(execution_id)!r}")
    return found


def firing(tx: Connection, user_id: UUID, execution_id: UUID) -> Firing:
    """Return the firing that started an execution, with its evidence."""
    data = tx.execute(select(_e.firing).where(_e.user_id == user_id, _e.id == execution_id)).scalar_one()
    return msgspec.convert(data, Firing)


def steps(tx: Connection, execution_id: UUID) -> list[Step]:
    """Return the steps in the order of the pipeline; the caller has asked whose execution it is."""
    query = select(*columns(step_executions, Step)).where(step_executions.c.execution_id == execution_id)
    return read_all(tx, query.order_by(step_executions.c.position, step_executions.c.started_at), Step)


def latest_of_pipelines(tx: Connection, pipeline_ids: list[UUID]) -> dict[UUID, LatestExecution]:
    """Return the newest execution of each pipeline that has had one."""
    newest = (
        select(
            _e.pipeline_id,
            _e.id,
            _e.status,
            _e.created_at,
            func.count().over(partition_by=_e.pipeline_id).label("executions"),
            func.row_number().over(partition_by=_e.pipeline_id, order_by=_e.created_at.desc()).label("rank"),
        )
        .where(_e.pipeline_id.in_(pipeline_ids))
        .subquery()
    )
    query = select(*[newest.c[name] for name in LatestExecution.__struct_fields__]).where(newest.c.rank == 1)
    return {row.pipeline_id: row for row in read_all(tx, query, LatestExecution)}
