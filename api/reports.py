"""Reports of finished executions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import JsonValue

from api.context import Tx
from api.session import User
from api.types import Cursor, Limit, Model, decode_cursor, encode_cursor
from core.store.listings import reports as listing

router = APIRouter(prefix="/reports", tags=["reports"])


class ReportSummary(Model):
    id: UUID
    execution_id: UUID
    pipeline_id: UUID
    pipeline_name: str
    symbol: str
    report_type: str
    title: str
    summary: str
    provider: str
    """openai | rules"""
    model: str
    created_at: datetime


class Report(ReportSummary):
    trade_id: UUID | None
    full_report: dict[str, JsonValue]


class ReportPage(Model):
    items: list[ReportSummary]
    next_cursor: str | None


@router.get("")
def list_reports(
    user: User, tx: Tx, pipeline_id: UUID | None = None, limit: Limit = 50, cursor: Cursor = None
) -> ReportPage:
    """Return the user's reports, the newest first."""
    found = listing.page(
        tx, user.user_id, pipeline_id=pipeline_id, before=decode_cursor(cursor) if cursor else None, limit=limit
    )
    last = found[-1] if len(found) == limit else None
    return ReportPage(
        items=[ReportSummary.model_validate(report, from_attributes=True) for report in found],
        next_cursor=encode_cursor(last.created_at, last.id) if last else None,
    )


@router.get("/{report_id}")
def get_report(report_id: UUID, user: User, tx: Tx) -> Report:
    """Return one report in full."""
    return Report.model_validate(listing.get(tx, user.user_id, report_id), from_attributes=True)
