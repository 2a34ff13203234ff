"""What was spent: by day, agent, model or pipeline, and what of the budget is left today."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from api.context import Ctx, Tx
from api.session import User
from api.types import Model, Money
from core.catalog import AGENTS
from core.clock import to_datetime
from core.store import pipelines, users
from core.store.clickhouse import costs as history
from core.store.listings import costs as ledger
from core.store.listings import executions

router = APIRouter(prefix="/billing", tags=["billing"])

CostGroup = Literal["day", "agent", "model", "pipeline"]


class CostLine(Model):
    key: str
    """The day (2025-03-10), agent type, model, or pipeline id."""
    label: str
    amount_usd: Money
    calls: int
    input_tokens: int
    output_tokens: int


class BudgetStatus(Model):
    daily_limit_usd: Money
    spent_today_usd: Money
    left_today_usd: Money


class Costs(Model):
    by: CostGroup
    from_at: datetime
    to_at: datetime
    total_usd: Money
    items: list[CostLine]
    budget: BudgetStatus


class CostEntry(Model):
    id: UUID
    execution_id: UUID | None
    pipeline_id: UUID | None
    node_id: str
    agent_type: str
    cost_type: str
    provider: str
    model: str
    quantity: Money
    input_tokens: int
    output_tokens: int
    amount_usd: Money
    at: datetime


class CostEntryList(Model):
    items: list[CostEntry]


@router.get("/costs")
def list_costs(
    user: User,
    tx: Tx,
    ctx: Ctx,
    by: CostGroup = "day",
    days: Annotated[int, Query(ge=1, le=366, description="Whole UTC days, today included.")] = 30,
) -> Costs:
    """Return the user's costs, grouped."""
    now = to_datetime(ctx.clock.now_ms())
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=days - 1)
    groups = history.grouped(
        ctx.clickhouse,
        str(user.user_id),
        by=by,
        first_day=first.date().isoformat(),
        last_day=today.date().isoformat(),
    )
    labels = _pipeline_labels(tx, user.user_id) if by == "pipeline" else {}
    spent = ledger.spent_since(tx, user.user_id, today)
    limit = users.limit_of(tx, user.user_id, "daily")
    limit = ctx.settings.budget_daily_usd if limit is None else limit
    return Costs(
        by=by,
        from_at=first,
        to_at=now,
        total_usd=sum((group.amount_usd for group in groups), Decimal(0)),
        items=[_line(group, labels) for group in groups],
        budget=BudgetStatus(
            daily_limit_usd=limit, spent_today_usd=spent, left_today_usd=max(limit - spent, Decimal(0))
        ),
    )


@router.get("/entries")
def list_cost_entries(user: User, tx: Tx, execution_id: UUID) -> CostEntryList:
    """Return the ledger lines of one execution."""
    executions.get(tx, user.user_id, execution_id)
    found = ledger.of_execution(tx, user.user_id, execution_id)
    return CostEntryList(items=[CostEntry.model_validate(line, from_attributes=True) for line in found])


def _line(group: history.GroupedCost, labels: dict[str, str]) -> CostLine:
    agent = AGENTS.get(group.key)
    return CostLine(
        key=group.key,
        label=labels.get(group.key) or (agent.name if agent else group.key) or "no model",
        amount_usd=group.amount_usd,
        calls=group.calls,
        input_tokens=group.input_tokens,
        output_tokens=group.output_tokens,
    )


def _pipeline_labels(tx: Connection, user_id: UUID) -> dict[str, str]:
    return {str(pipeline_id): name for pipeline_id, name in pipelines.names(tx, user_id).items()}
