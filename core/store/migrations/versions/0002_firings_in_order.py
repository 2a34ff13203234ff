"""Firings of a user in the order they were decided."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ORDER = (text("((firing ->> 'decided_ms')::bigint) DESC"), text("(firing_id::text) DESC"))


def upgrade() -> None:
    for table in ("pipeline_executions", "suppressions"):
        op.create_index(f"ix_{table}_user_id_decided_ms", table, ["user_id", *_ORDER])
