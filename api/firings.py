"""Firings with their evidence, and the suppressed ones with the reason."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.context import Ctx, Tx
from api.session import User
from api.types import Cursor, Limit, Model
from engine.firing import Evidence, FiringKind

router = APIRouter(tags=["firings"])


class ListedFiring(Model):
    """A trigger became true: an immutable fact, with everything it was decided on."""

    firing_id: UUID
    pipeline_id: UUID
    pipeline_name: str
    trigger_id: str
    trigger_version: int
    symbol: str
    ts_ms: int
    """Of the trade it is named after."""
    decided_ms: int
    price: float | None
    kind: FiringKind
    evidence: Evidence
    execution_id: UUID | None
    """None where it started nothing (yet)."""
    execution_status: str | None


class Suppression(Model):
    """A firing that started nothing, and why."""

    firing_id: UUID
    pipeline_id: UUID
    pipeline_name: str
    trigger_id: str
    symbol: str
    ts_ms: int
    decided_ms: int
    price: float | None
    kind: FiringKind
    reason: str
    reason_words: str
    source: str
    """engine | dispatcher"""


class FiringPage(Model):
    items: list[ListedFiring]
    next_cursor: str | None


class SuppressionPage(Model):
    items: list[Suppression]
    next_cursor: str | None


Since = Annotated[int | None, Query(ge=0, description="Decided at or after, epoch ms.")]
Symbol = Annotated[str | None, Query(max_length=40)]


@router.get("/firings")
def list_firings(
    user: User,
    tx: Tx,
    ctx: Ctx,
    pipeline_id: UUID | None = None,
    symbol: Symbol = None,
    since_ms: Since = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> FiringPage:
    """Return firings of the user's pipelines, the newest first."""
    raise NotImplementedError


@router.get("/suppressions")
def list_suppressions(
    user: User,
    tx: Tx,
    ctx: Ctx,
    pipeline_id: UUID | None = None,
    symbol: Symbol = None,
    since_ms: Since = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SuppressionPage:
    """Say why triggers of the user's pipelines did not fire, the newest first."""
    raise NotImplementedError
