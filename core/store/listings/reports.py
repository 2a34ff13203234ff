"""Reports of finished executions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select, tuple_

from core.errors import NotFound
from core.store.rows import columns, read_all, read_first
from core.store.tables import pipelines, reports

_c = reports.c


class ListedReport(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    execution_id: UUID
    pipeline_id: UUID
    pipeline_name: str
    symbol: str
    report_type: str
    title: str
    summary: str
    provider: str
    model: str
    created_at: datetime


class StoredReport(ListedReport, frozen=True, kw_only=True):
    trade_id: UUID | None
    full_report: dict[str, object]


def page(
    tx: Connection,
    user_id: UUID,
    *,
    pipeline_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[ListedReport]:
    query = (
        select(*columns(reports, ListedReport), pipelines.c.name.label("pipeline_name"))
        .join(pipelines, pipelines.c.id == _c.pipeline_id)
        .where(_c.user_id == user_id)
    )
    if pipeline_id is not None:
        query = query.where(_c.pipeline_id == pipeline_id)
    if before is not None:
        query = query.where(tuple_(_c.created_at, _c.id) < before)
    return read_all(tx, query.order_by(_c.created_at.desc(), _c.id.desc()).limit(limit), ListedReport)


def get(tx: Connection, user_id: UUID, report_id: UUID) -> StoredReport:
    """Return one report in full.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    query = (
        select(*columns(reports, StoredReport), pipelines.c.name.label("pipeline_name"))
        .join(pipelines, pipelines.c.id == _c.pipeline_id)
        .where(_c.user_id == user_id, _c.id == report_id)
    )
    found = read_first(tx, query, StoredReport)
    if found is None:
        raise NotFound(f"no report {str(report_id)!r}")
    return found
