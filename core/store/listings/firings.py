"""Firings the dispatcher has taken, run or not, newest first: there at once, also while ClickHouse is away."""

from __future__ import annotations

from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Select,
    String,
    Table,
    Text,
    cast,
    select,
    tuple_,
    type_coerce,
    union_all,
)

from core.store.rows import read_all
from core.store.tables import pipeline_executions, suppressions
from core.store.tables.columns import ID
from engine.firing import Firing

JsonObject = dict[str, object]
Value = Column[UUID] | Column[str] | None


class TakenFiring(msgspec.Struct, frozen=True):
    """`execution_id` is None where it was suppressed."""

    firing: Firing
    execution_id: UUID | None
    status: str | None


def page(
    tx: Connection,
    user_id: UUID,
    *,
    pipeline_id: UUID | None = None,
    symbol: str | None = None,
    since_ms: int = 0,
    before: tuple[int, str],
    limit: int = 50,
) -> list[TakenFiring]:
    """Return firings decided before a (decided_ms, firing_id)."""

    def part(table: Table, execution_id: Value, status: Value) -> Select[JsonObject, UUID, str, int, str]:
        decided = cast(table.c.firing["decided_ms"].astext, BigInteger)
        firing_id = cast(table.c.firing_id, String)
        query = select(
            table.c.firing,
            type_coerce(execution_id, ID).label("execution_id"),
            type_coerce(status, Text).label("status"),
            decided.label("decided_ms"),
            firing_id.label("firing_id"),
        ).where(table.c.user_id == user_id, decided >= since_ms, tuple_(decided, firing_id) < before)
        if pipeline_id is not None:
            query = query.where(table.c.pipeline_id == pipeline_id)
        if symbol is not None:
            query = query.where(table.c.symbol == symbol)
        return query.order_by(decided.desc(), firing_id.desc()).limit(limit)

    e = pipeline_executions.c
    both = union_all(part(pipeline_executions, e.id, e.status), part(suppressions, None, None)).subquery()
    newest = select(both.c.firing, both.c.execution_id, both.c.status).order_by(
        both.c.decided_ms.desc(), both.c.firing_id.desc()
    )
    return read_all(tx, newest.limit(limit), TakenFiring)
