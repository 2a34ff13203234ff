"""What the dispatcher did not run, newest first. What the engine withheld is in ClickHouse."""

from __future__ import annotations

from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Connection, Double, String, cast, select, tuple_

from core.store.rows import columns, read_all
from core.store.tables import suppressions

_c = suppressions.c
_DECIDED = cast(_c.firing["decided_ms"].astext, BigInteger)
_ID = cast(_c.firing_id, String)


class ListedSuppression(msgspec.Struct, frozen=True, kw_only=True):
    firing_id: UUID
    pipeline_id: UUID
    trigger_id: str
    symbol: str
    ts_ms: int
    decided_ms: int
    price: float | None
    kind: str
    reason: str
    detail: str


def page(
    tx: Connection,
    user_id: UUID,
    *,
    pipeline_id: UUID | None = None,
    symbol: str | None = None,
    since_ms: int = 0,
    before: tuple[int, str],
    limit: int = 50,
) -> list[ListedSuppression]:
    """Return suppressions decided before a (decided_ms, firing_id)."""
    query = select(
        *columns(suppressions, ListedSuppression),
        cast(_c.firing["ts_ms"].astext, BigInteger).label("ts_ms"),
        _DECIDED.label("decided_ms"),
        cast(_c.firing["price"].astext, Double).label("price"),
        _c.firing["kind"].astext.label("kind"),
    ).where(_c.user_id == user_id, since_ms <= _DECIDED, tuple_(_DECIDED, _ID) < before)
    if pipeline_id is not None:
        query = query.where(_c.pipeline_id == pipeline_id)
    if symbol is not None:
        query = query.where(_c.symbol == symbol)
    return read_all(tx, query.order_by(_DECIDED.desc(), _ID.desc()).limit(limit), ListedSuppression)
