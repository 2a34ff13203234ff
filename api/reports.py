"""Reports of finished executions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import JsonValue

from api.context import Tx
from api.session import User
from api.types import Cursor, Limit, Model

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
    raise NotImplementedError


@router.get("/{report_id}")
def get_report(report_id: UUID, user: User, tx: Tx) -> Report:
    """Return one report in full."""
    raise NotImplementedError
