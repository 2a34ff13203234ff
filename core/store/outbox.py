"""Messages written in the transaction that causes them, and published afterwards by the relay.

The order of `id` is the order of publishing. Two messages of one key stay in order where the transactions that
write them hold a lock on the same row first, as `core.store.pipelines` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql

from core.store.rows import columns, read_all
from core.store.tables import outbox, relay_state

_RELAY_LOCK = 7_261_003


class Message(msgspec.Struct, frozen=True):
    """`payload` None is a tombstone; `topic` is the name without the settings' prefix."""

    id: int
    topic: str
    key: str
    payload: bytes | None


def add(tx: Connection, topic: str, key: str, payload: bytes | None) -> None:
    tx.execute(insert(outbox).values(topic=topic, key=key, payload=payload))


def hold_relay(tx: Connection) -> bool:
    """Take the relay's lock for this transaction; False where another process relays now."""
    return bool(tx.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _RELAY_LOCK}).scalar_one())


def unpublished(tx: Connection, *, limit: int = 500) -> list[Message]:
    query = select(*columns(outbox, Message)).where(outbox.c.published_at.is_(None))
    return read_all(tx, query.order_by(outbox.c.id).limit(limit), Message)


def mark_published(tx: Connection, ids: Sequence[int], at: datetime) -> None:
    tx.execute(update(outbox).where(outbox.c.id.in_(ids)).values(published_at=at))


def forget_published(tx: Connection, before: datetime) -> int:
    """Delete what was published before a time; return how many."""
    result = tx.execute(delete(outbox).where(outbox.c.published_at < before))
    return result.rowcount


def waiting(tx: Connection) -> int:
    """Return how many messages are not published yet."""
    return tx.execute(select(func.count()).select_from(outbox).where(outbox.c.published_at.is_(None))).scalar_one()


def remembered(tx: Connection, name: str) -> str:
    """Return what the relay last remembered under a name, empty where nothing."""
    return tx.execute(select(relay_state.c.value).where(relay_state.c.name == name)).scalar_one_or_none() or ""


def remember(tx: Connection, name: str, value: str) -> None:
    row = postgresql.insert(relay_state).values(name=name, value=value)
    tx.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value, "updated_at": func.now()}))
