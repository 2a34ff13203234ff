"""What was spent: by day, agent, model or pipeline, and what of the budget is left today."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from api.context import Ctx, Tx
from api.session import User
from api.types import Model, Money

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
    raise NotImplementedError


@router.get("/entries")
def list_cost_entries(user: User, tx: Tx, execution_id: UUID) -> CostEntryList:
    """Return the ledger lines of one execution."""
    raise NotImplementedError
