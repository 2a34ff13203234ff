"""The ledger as the page reads it: lines of one execution, and what a user spent since a moment."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, select

from core.store.rows import columns, read_all
from core.store.tables import cost_tracking

_c = cost_tracking.c


class ListedCost(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    execution_id: UUID | None
    pipeline_id: UUID | None
    node_id: str
    agent_type: str
    cost_type: str
    provider: str
    model: str
    quantity: Decimal
    input_tokens: int
    output_tokens: int
    amount_usd: Decimal
    at: datetime


def of_execution(tx: Connection, user_id: UUID, execution_id: UUID) -> list[ListedCost]:
    query = select(*columns(cost_tracking, ListedCost)).where(_c.user_id == user_id, _c.execution_id == execution_id)
    return read_all(tx, query.order_by(_c.at, _c.id), ListedCost)


def spent_since(tx: Connection, user_id: UUID, since: datetime) -> Decimal:
    """Return USD."""
    query = select(func.coalesce(func.sum(_c.amount_usd), Decimal(0))).where(_c.user_id == user_id, _c.at >= since)
    return tx.execute(query).scalar_one()
