"""What things cost, what they may cost, and the agents' prices."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Named,
    Numeric,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

from core.store.tables.columns import EMPTY_OBJECT, ID, JSON_OBJECT, MONEY, NOW, TIMESTAMP, metadata


class CostTrackingColumns(TypedColumns):
    """The ledger: one line for every call, failed ones too; never changed."""

    id: Named[UUID] = Column(ID, primary_key=True)
    idempotency_key: Named[str] = Column(Text, nullable=False, unique=True)
    """Execution, node, attempt and number of the call: a repeat adds nothing."""
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    execution_id: Named[UUID | None] = Column(ID, ForeignKey("pipeline_executions.id", ondelete="SET NULL"))
    pipeline_id: Named[UUID | None] = Column(ID)
    node_id: Named[str] = Column(Text, nullable=False, server_default="")
    agent_type: Named[str] = Column(Text, nullable=False)
    cost_type: Named[str] = Column(Text, nullable=False)
    """llm_tokens | api_call | agent_rental"""
    provider: Named[str] = Column(Text, nullable=False, server_default="")
    model: Named[str] = Column(Text, nullable=False, server_default="")
    status: Named[int] = Column(Integer, nullable=False, server_default="200")
    quantity: Named[Decimal] = Column(Numeric(20, 6), nullable=False)
    """Tokens, calls or seconds, by `cost_type`."""
    input_tokens: Named[int] = Column(Integer, nullable=False, server_default="0")
    output_tokens: Named[int] = Column(Integer, nullable=False, server_default="0")
    cache_read_tokens: Named[int] = Column(Integer, nullable=False, server_default="0")
    unit_cost_usd: Named[Decimal] = Column(Numeric(24, 14), nullable=False, server_default="0")
    amount_usd: Named[Decimal] = Column(MONEY, nullable=False)
    detail: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False, server_default=EMPTY_OBJECT)
    at: Named[datetime] = Column(TIMESTAMP, nullable=False)


cost_tracking = Table("cost_tracking", metadata, CostTrackingColumns)
Index("ix_cost_tracking_user_id_at", cost_tracking.c.user_id, cost_tracking.c.at.desc())
Index("ix_cost_tracking_execution_id", cost_tracking.c.execution_id)


class BudgetColumns(TypedColumns):
    id: Named[UUID] = Column(ID, primary_key=True)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    pipeline_id: Named[UUID | None] = Column(ID, ForeignKey("pipelines.id", ondelete="CASCADE"))
    """None: all pipelines of the user together."""
    period: Named[str] = Column(Text, nullable=False)
    """execution | daily | monthly"""
    limit_usd: Named[Decimal] = Column(MONEY, nullable=False)
    is_hard: Named[bool] = Column(Boolean, nullable=False, server_default=text("true"))
    """A soft one only warns."""
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


budgets = Table(
    "budgets",
    metadata,
    BudgetColumns,
    UniqueConstraint("user_id", "pipeline_id", "period", postgresql_nulls_not_distinct=True),
    CheckConstraint("limit_usd >= 0", name="limit_not_negative"),
)


class ReservationColumns(TypedColumns):
    """Set aside before a call, settled after it: two calls at once can never spend the same money."""

    id: Named[UUID] = Column(ID, primary_key=True)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    execution_id: Named[UUID] = Column(ID, ForeignKey("pipeline_executions.id", ondelete="CASCADE"), nullable=False)
    pipeline_id: Named[UUID] = Column(ID, nullable=False)
    node_id: Named[str] = Column(Text, nullable=False, server_default="")
    amount_usd: Named[Decimal] = Column(MONEY, nullable=False)
    settled_usd: Named[Decimal | None] = Column(MONEY)
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    settled_at: Named[datetime | None] = Column(TIMESTAMP)
    expires_at: Named[datetime] = Column(TIMESTAMP, nullable=False)


reservations = Table("reservations", metadata, ReservationColumns)
Index("ix_reservations_open", reservations.c.user_id, postgresql_where=text("settled_at IS NULL"))
Index("ix_reservations_execution_id", reservations.c.execution_id)


class AgentRegistryColumns(TypedColumns):
    agent_type: Named[str] = Column(Text, primary_key=True)
    name: Named[str] = Column(Text, nullable=False)
    description: Named[str] = Column(Text, nullable=False, server_default="")
    category: Named[str] = Column(Text, nullable=False)
    version: Named[str] = Column(Text, nullable=False, server_default="1.0.0")
    config_schema: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False)
    pricing_rate: Named[Decimal | None] = Column(MONEY)
    """USD an hour; None for a free agent."""
    is_active: Named[bool] = Column(Boolean, nullable=False, server_default=text("true"))
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


agent_registry = Table("agent_registry", metadata, AgentRegistryColumns)
