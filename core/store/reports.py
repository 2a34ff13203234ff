"""Reports, written by the reporting step."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from core.store.tables import reports

_NAMESPACE = UUID("7c0e4a52-9a4b-5f6e-8b0b-5d0c7a6f4c1d")


class NewReport(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    execution_id: UUID
    trade_id: UUID | None
    user_id: UUID
    pipeline_id: UUID
    symbol: str
    title: str
    summary: str
    full_report: dict[str, object]
    blob_key: str
    provider: str
    model: str


def id_of(execution_id: UUID) -> UUID:
    return uuid5(_NAMESPACE, f"report/{execution_id}")


def add(tx: Connection, report: NewReport, at: datetime) -> None:
    """Insert a report; one that is there stays."""
    row = postgresql.insert(reports).values(**msgspec.structs.asdict(report), created_at=at)
    tx.execute(row.on_conflict_do_nothing())
