"""Firings with their evidence, and the suppressed ones with the reason."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from sqlalchemy import Connection

from api.context import Ctx, Tx
from api.session import User
from api.types import Cursor, Limit, Model, decode_key, encode_key
from core.errors import InvalidInput, Problem, Unavailable
from core.store import pipelines
from core.store.clickhouse import firings as history
from core.store.listings import firings as dispatched
from core.store.listings import suppressions
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
    names = _own(tx, user.user_id, pipeline_id)
    before = _before(cursor)
    taken = dispatched.page(
        tx,
        user.user_id,
        pipeline_id=pipeline_id,
        symbol=symbol,
        since_ms=since_ms or 0,
        before=before,
        limit=limit,
    )
    try:
        stored = history.page_of_firings(
            ctx.clickhouse,
            [str(own) for own in names],
            symbol=symbol or "",
            since_ms=since_ms or 0,
            before=before,
            limit=limit,
        )
    except Unavailable:
        stored = []  # those that the dispatcher has taken are here all the same
    items = {f.firing_id: _stored(f, names) for f in stored} | {f.firing.firing_id: _taken(f, names) for f in taken}
    newest = sorted(items.values(), key=lambda item: (item.decided_ms, str(item.firing_id)), reverse=True)[:limit]
    last = newest[-1] if len(newest) == limit else None
    return FiringPage(items=newest, next_cursor=encode_key(str(last.decided_ms), str(last.firing_id)) if last else None)


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
    names = _own(tx, user.user_id, pipeline_id)
    before = _before(cursor)
    stored = history.page_of_suppressions(
        ctx.clickhouse,
        [str(own) for own in names],
        symbol=symbol or "",
        since_ms=since_ms or 0,
        before=before,
        limit=limit,
    )
    withheld = suppressions.page(
        tx,
        user.user_id,
        pipeline_id=pipeline_id,
        symbol=symbol,
        since_ms=since_ms or 0,
        before=before,
        limit=limit,
    )
    items = [*(_of_engine(s, names) for s in stored), *(_of_dispatcher(s, names) for s in withheld)]
    # The dispatcher's may stand in both places: a firing that was not run has one suppression.
    unique = {item.firing_id: item for item in items}.values()
    newest = sorted(unique, key=lambda item: (item.decided_ms, str(item.firing_id)), reverse=True)[:limit]
    last = newest[-1] if len(newest) == limit else None
    return SuppressionPage(
        items=newest, next_cursor=encode_key(str(last.decided_ms), str(last.firing_id)) if last else None
    )


def _own(tx: Connection, user_id: UUID, pipeline_id: UUID | None) -> dict[UUID, str]:
    """Return the names of the user's pipelines, or of the one asked for.

    Raises:
        NotFound: the one asked for is not there, or another's.
    """
    if pipeline_id is None:
        return pipelines.names(tx, user_id)
    return {pipeline_id: pipelines.get(tx, user_id, pipeline_id).name}


def _before(cursor: str | None) -> tuple[int, str]:
    if cursor is None:
        return history.NEWEST
    decided_ms, firing_id = decode_key(cursor)
    if not decided_ms.isdecimal() or len(decided_ms) > 15:
        raise InvalidInput([Problem("query.cursor", repr(cursor[:40]), "give the `next_cursor` of a page, unchanged")])
    return int(decided_ms), firing_id


def _stored(found: history.StoredFiring, names: dict[UUID, str]) -> ListedFiring:
    """Return a firing that no dispatcher has taken yet."""
    return ListedFiring.model_validate(
        {
            **msgspec.structs.asdict(found),
            "pipeline_name": names.get(UUID(found.pipeline_id), ""),
            "evidence": msgspec.json.decode(found.evidence, type=Evidence),
            "execution_id": None,
            "execution_status": None,
        }
    )


def _taken(found: dispatched.TakenFiring, names: dict[UUID, str]) -> ListedFiring:
    firing = found.firing
    return ListedFiring(
        firing_id=UUID(firing.firing_id),
        pipeline_id=UUID(firing.pipeline_id),
        pipeline_name=names.get(UUID(firing.pipeline_id), ""),
        trigger_id=firing.trigger_id,
        trigger_version=firing.trigger_version,
        symbol=firing.symbol,
        ts_ms=firing.ts_ms,
        decided_ms=firing.decided_ms,
        price=firing.price,
        kind=firing.kind,
        evidence=firing.evidence,
        execution_id=found.execution_id,
        execution_status=found.status,
    )


def _of_engine(stored: history.StoredSuppression, names: dict[UUID, str]) -> Suppression:
    fields = msgspec.structs.asdict(stored)
    return Suppression.model_validate(
        {
            **fields,
            "pipeline_name": names.get(UUID(stored.pipeline_id), ""),
            "reason_words": REASONS.get(stored.reason, stored.reason),
        }
    )


def _of_dispatcher(found: suppressions.ListedSuppression, names: dict[UUID, str]) -> Suppression:
    fields = msgspec.structs.asdict(found)
    return Suppression.model_validate(
        {
            **fields,
            "pipeline_name": names.get(found.pipeline_id, ""),
            "reason_words": found.detail or REASONS.get(found.reason, found.reason),
            "source": "dispatcher",
        }
    )


REASONS = {
    "baseline": "it was true already when it was armed: the first evaluation only sets its state",
    "hold": "it did not stay true for as long as it must",
    "expired": "its time was over",
    "completed": "it has fired as often as it may",
    "once_per_candle": "it had fired in this candle already",
    "rearm": "it was not armed again since it fired",
    "cooldown": "it had fired a moment before",
    "cap": "it had fired as often as a session allows",
    "overlap": "an execution of this pipeline and symbol was still at work",
    "superseded": "a newer firing took its place in the queue",
    "ttl": "the signal was too old when it could be run",
    "budget": "the budget was spent",
    "storm": "it fired too often in a short time, so it was paused",
    "paused": "its pipeline was paused",
    "missed": "its moment had passed before it could be judged",
    "old_news": "the news was too old",
}
"""What each reason means, for people."""
