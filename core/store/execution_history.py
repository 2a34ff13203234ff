"""Executions as the history keeps them: one row each, sums of their steps beside."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Connection, Integer, cast, func, select

from core.store.rows import columns, read_all
from core.store.tables import pipeline_executions, step_executions

_e = pipeline_executions.c
_s = step_executions.c


class ExecutionRow(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is the firing's. `steps` counts those begun."""

    id: UUID
    firing_id: UUID
    pipeline_id: UUID
    user_id: UUID
    symbol: str
    kind: str
    status: str
    reason: str
    error: str
    pipeline_version: int
    trigger_version: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    total_cost: Decimal
    steps: int
    llm_calls: int
    input_tokens: int
    output_tokens: int


def rows_of(tx: Connection, execution_ids: Collection[UUID]) -> list[ExecutionRow]:
    """Return these executions as they stand now; ids of none are left out."""
    sums = (
        select(
            _s.execution_id,
            cast(func.count(), Integer).label("steps"),
            cast(func.coalesce(func.sum(_s.llm_calls), 0), BigInteger).label("llm_calls"),
            cast(func.coalesce(func.sum(_s.input_tokens), 0), BigInteger).label("input_tokens"),
            cast(func.coalesce(func.sum(_s.output_tokens), 0), BigInteger).label("output_tokens"),
        )
        .where(_s.execution_id.in_(execution_ids), _s.status != "pending")
        .group_by(_s.execution_id)
        .subquery()
    )
    query = (
        select(
            *columns(pipeline_executions, ExecutionRow),
            func.coalesce(_e.firing["kind"].as_string(), "").label("kind"),
            func.coalesce(sums.c.steps, 0).label("steps"),
            func.coalesce(sums.c.llm_calls, 0).label("llm_calls"),
            func.coalesce(sums.c.input_tokens, 0).label("input_tokens"),
            func.coalesce(sums.c.output_tokens, 0).label("output_tokens"),
        )
        .outerjoin(sums, sums.c.execution_id == _e.id)
        .where(_e.id.in_(execution_ids))
    )
    return read_all(tx, query, ExecutionRow)
