"""The tables of Postgres, one module a subject. Schema changes go through `core/store/migrations`."""

from core.store.tables.accounts import audit_log, broker_connections, refresh_tokens, users
from core.store.tables.columns import metadata
from core.store.tables.executions import (
    approvals,
    execution_events,
    pipeline_executions,
    reports,
    step_executions,
    suppressions,
)
from core.store.tables.money import agent_registry, budgets, cost_tracking, reservations
from core.store.tables.notifications import notification_channels, notification_deliveries, notifications
from core.store.tables.outbox import outbox, relay_state
from core.store.tables.pipelines import pipeline_versions, pipelines
from core.store.tables.trading import fills, orders, paper_accounts, paper_positions, trades

__all__ = [
    "agent_registry",
    "approvals",
    "audit_log",
    "broker_connections",
    "budgets",
    "cost_tracking",
    "execution_events",
    "fills",
    "metadata",
    "notification_channels",
    "notification_deliveries",
    "notifications",
    "orders",
    "outbox",
    "paper_accounts",
    "paper_positions",
    "pipeline_executions",
    "pipeline_versions",
    "pipelines",
    "refresh_tokens",
    "relay_state",
    "reports",
    "reservations",
    "step_executions",
    "suppressions",
    "trades",
    "users",
]
