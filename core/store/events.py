"""The event log: what happened in a user's executions and pipelines, numbered.

Written here first, then produced to topic `events`; who missed the topic reads on from its last `seq`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Select, func, insert, select, text

from core.store.rows import columns, read_all
from core.store.tables import execution_events
from core.wire.records import EventRecord

# Class of the advisory locks that put a user's events in commit order.
_LOCK_CLASS = 7_261_002
_c = execution_events.c


class _EventRow(msgspec.Struct, frozen=True):
    seq: int
    user_id: UUID
    execution_id: UUID | None
    pipeline_id: UUID | None
    event: str
    payload: dict[str, object]
    at: datetime


_COLUMNS = columns(execution_events, _EventRow)


def append(
    tx: Connection,
    event: str,
    *,
    user_id: UUID,
    at: datetime,
    execution_id: UUID | None = None,
    pipeline_id: UUID | None = None,
    payload: Mapping[str, object] | None = None,
) -> EventRecord:
    """Add an event and return it as it goes to the topic once the transaction is committed.

    Holds the user's event lock until the transaction ends, so that numbers are given in commit order and a
    reader that asks for what came after its last number can never miss a smaller one. Append last, therefore:
    after this, lock no row that another transaction may hold while it waits to append.
    """
    tx.execute(
        text("SELECT pg_advisory_xact_lock(:class, hashtext(:user))"), {"class": _LOCK_CLASS, "user": str(user_id)}
    )
    seq = tx.execute(
        insert(execution_events)
        .values(
            user_id=user_id,
            execution_id=execution_id,
            pipeline_id=pipeline_id,
            event=event,
            payload=dict(payload or {}),
            at=at,
        )
        .returning(_c.seq)
    ).scalar_one()
    return EventRecord(
        seq=seq,
        event=event,
        execution_id=str(execution_id) if execution_id else None,
        pipeline_id=str(pipeline_id) if pipeline_id else None,
        user_id=str(user_id),
        at=iso(at),
        payload=dict(payload or {}),
    )


def after(tx: Connection, user_id: UUID, seq: int, *, limit: int = 500) -> list[EventRecord]:
    """Return the user's events after a number, oldest first."""
    query = select(*_COLUMNS).where(_c.user_id == user_id, _c.seq > seq)
    return _records(tx, query.order_by(_c.seq).limit(limit))


def of_execution(
    tx: Connection, user_id: UUID, execution_id: UUID, *, after_seq: int = 0, limit: int = 500
) -> list[EventRecord]:
    """Return the events of one execution after a number, oldest first; none where it is another user's."""
    query = select(*_COLUMNS).where(_c.user_id == user_id, _c.execution_id == execution_id, _c.seq > after_seq)
    return _records(tx, query.order_by(_c.seq).limit(limit))


def after_for_users(tx: Connection, user_ids: list[UUID], seq: int, *, limit: int = 1000) -> list[EventRecord]:
    """Return events of several users after a number, oldest first."""
    query = select(*_COLUMNS).where(_c.user_id.in_(user_ids), _c.seq > seq)
    return _records(tx, query.order_by(_c.seq).limit(limit))


def last_seq(tx: Connection, user_id: UUID) -> int:
    """Return the number of the user's newest event, 0 where there is none."""
    return tx.execute(select(func.coalesce(func.max(_c.seq), 0)).where(_c.user_id == user_id)).scalar_one()


def last_seq_of_execution(tx: Connection, execution_id: UUID) -> int:
    """Return the number of the execution's newest event, 0 where there is none."""
    query = select(func.coalesce(func.max(_c.seq), 0)).where(_c.execution_id == execution_id)
    return tx.execute(query).scalar_one()


def iso(at: datetime) -> str:
    """Return an aware datetime as ISO 8601 with milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _records(tx: Connection, query: Select[*tuple[object, ...]]) -> list[EventRecord]:
    return [
        EventRecord(
            seq=row.seq,
            event=row.event,
            execution_id=str(row.execution_id) if row.execution_id else None,
            pipeline_id=str(row.pipeline_id) if row.pipeline_id else None,
            user_id=str(row.user_id),
            at=iso(row.at),
            payload=row.payload,
        )
        for row in read_all(tx, query, _EventRow)
    ]
