"""What users are told: in the page at once, and by each channel they have, until it is there or past hope.

A notification and its deliveries are written in the transaction that causes them, under an id that derives from
what caused it: told once, whatever is tried again. Deliveries are at least once; a receiver knows a repeat by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import Connection, func, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql

from core.errors import NotFound
from core.sealing.envelope import MasterKeys, Sealed, seal, unseal
from core.store.rows import columns, read_all
from core.store.tables import notification_channels, notification_deliveries, notifications

Kind = Literal["report_ready", "trade", "storm", "failure", "alarm"]
ChannelType = Literal["email", "webhook", "slack", "telegram"]
_NAMESPACE = UUID("7c0e4a52-9a4b-5f6e-8b0b-5d0c7a6f4c1d")
_n, _c, _d = notifications.c, notification_channels.c, notification_deliveries.c


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    user_id: UUID
    kind: str
    title: str
    body: str
    payload: dict[str, object]
    created_at: datetime
    read_at: datetime | None = None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel without its address, which may be a secret. `kinds` empty: it is told everything."""

    id: UUID
    user_id: UUID
    name: str
    channel_type: ChannelType
    kinds: list[str]
    is_active: bool
    created_at: datetime


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that a channel is to be told. `attempts` counts those before this one."""

    notification_id: UUID
    channel_id: UUID
    channel_type: ChannelType
    attempts: int
    user_id: UUID
    kind: str
    title: str
    body: str
    payload: dict[str, object]
    created_at: datetime
    address_encrypted: bytes
    data_key_encrypted: bytes
    master_key_id: str


class DeliveryState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a channel is with a notification; `answer` is what its last attempt met."""

    notification_id: UUID
    channel_id: UUID
    state: Literal["waiting", "delivered", "failed"]
    attempts: int
    next_at: datetime
    answer: str
    delivered_at: datetime | None


def notify(
    tx: Connection,
    key: str,
    *,
    user_id: UUID,
    kind: Kind,
    title: str,
    body: str,
    payload: dict[str, object],
    at: datetime,
) -> UUID:
    """Tell a user something, by every channel that wants it; the same key again tells nothing. Return its id."""
    notification_id = uuid5(_NAMESPACE, f"notification/{key}")
    row = postgresql.insert(notifications).values(
        id=notification_id, user_id=user_id, kind=kind, title=title, body=body, payload=payload, created_at=at
    )
    if tx.execute(row.on_conflict_do_nothing().returning(_n.id)).first() is not None:
        wanted = or_(_c.kinds == literal([], _c.kinds.type), _c.kinds.contains([kind]))
        channels = select(literal(notification_id, _n.id.type), _c.id, literal(at, _n.created_at.type)).where(
            _c.user_id == user_id, _c.is_active, wanted
        )
        tx.execute(insert(notification_deliveries).from_select(["notification_id", "channel_id", "next_at"], channels))
    return notification_id


def page(tx: Connection, user_id: UUID, *, unread_only: bool = False, limit: int = 50) -> Sequence[Notification]:
    """Return what the user was told, the newest first."""
    query = select(*columns(notifications, Notification)).where(_n.user_id == user_id)
    if unread_only:
        query = query.where(_n.read_at.is_(None))
    return read_all(tx, query.order_by(_n.created_at.desc(), _n.id.desc()).limit(limit), Notification)


def mark_read(tx: Connection, user_id: UUID, ids: Sequence[UUID], at: datetime) -> int:
    """Mark notifications of the user as read; return how many were unread."""
    query = update(notifications).where(_n.user_id == user_id, _n.id.in_(ids), _n.read_at.is_(None))
    return tx.execute(query.values(read_at=at)).rowcount


# ---- channels -----------------------------------------------------------------------------------------------------


def add_channel(
    tx: Connection,
    keys: MasterKeys,
    address: str,
    *,
    channel_id: UUID,
    user_id: UUID,
    name: str,
    channel_type: ChannelType,
    kinds: Sequence[Kind] = (),
) -> None:
    """Add a way to tell a user; its address is sealed.

    Raises:
        IntegrityError: the user has a channel of this name.
        Unavailable: the keeper of the master keys does not answer.
    """
    sealed = seal(keys, _record(channel_id, user_id), {"address": address})
    tx.execute(
        insert(notification_channels).values(
            id=channel_id,
            user_id=user_id,
            name=name,
            channel_type=channel_type,
            address_encrypted=sealed.ciphertexts["address"],
            data_key_encrypted=sealed.data_key,
            master_key_id=sealed.master_key_id,
            kinds=list(kinds),
        )
    )


def channels(tx: Connection, user_id: UUID) -> Sequence[Channel]:
    query = select(*columns(notification_channels, Channel)).where(_c.user_id == user_id).order_by(_c.name)
    return read_all(tx, query, Channel)


def remove_channel(tx: Connection, user_id: UUID, channel_id: UUID) -> None:
    """Remove a channel, with what it was not told yet.

    Raises:
        NotFound: the user has no such channel.
    """
    gone = notification_channels.delete().where(_c.id == channel_id, _c.user_id == user_id)
    if not tx.execute(gone).rowcount:
        raise NotFound("no such channel")


# ---- deliveries ---------------------------------------------------------------------------------------------------


def claim(tx: Connection, at: datetime, *, put_off: timedelta, limit: int = 20) -> Sequence[Delivery]:
    """Take deliveries that are due, the oldest first; nobody else gets them before `put_off` is over."""
    due = (
        select(_d.notification_id, _d.channel_id)
        .where(_d.state == "waiting", _d.next_at <= at)
        .order_by(_d.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte()
    )
    taken = (
        update(notification_deliveries)
        .where(_d.notification_id == due.c.notification_id, _d.channel_id == due.c.channel_id)
        .values(next_at=at + put_off, attempts=_d.attempts + 1)
        .returning(_d.notification_id, _d.channel_id, (_d.attempts - 1).label("attempts"))
        .cte()
    )
    query = (
        select(
            taken.c.notification_id, taken.c.channel_id, taken.c.attempts,
            _c.channel_type, _c.address_encrypted, _c.data_key_encrypted, _c.master_key_id,
            _n.user_id, _n.kind, _n.title, _n.body, _n.payload, _n.created_at,
        )
        .join(notifications, _n.id == taken.c.notification_id)
        .join(notification_channels, _c.id == taken.c.channel_id)
    )  # fmt: skip
    rows = tx.execute(query.order_by(_n.created_at)).mappings()
    return [msgspec.convert({str(name): value for name, value in row.items()}, Delivery) for row in rows]


def address_of(keys: MasterKeys, delivery: Delivery) -> str:
    """Open the address of a claimed delivery.

    Raises:
        CannotOpen: the master key is missing, or the row is not what was stored.
        Unavailable: the keeper of the master keys does not answer.
    """
    sealed = Sealed({"address": delivery.address_encrypted}, delivery.data_key_encrypted, delivery.master_key_id)
    return unseal(keys, _record(delivery.channel_id, delivery.user_id), sealed)["address"]


def record_delivered(tx: Connection, delivery: Delivery, *, answer: str, at: datetime) -> None:
    _record_end(tx, delivery, {"state": "delivered", "answer": answer, "delivered_at": at})


def record_failed(tx: Connection, delivery: Delivery, *, answer: str) -> None:
    """Give a delivery up."""
    _record_end(tx, delivery, {"state": "failed", "answer": answer})


def record_put_off(tx: Connection, delivery: Delivery, *, answer: str, next_at: datetime) -> None:
    _record_end(tx, delivery, {"answer": answer, "next_at": next_at})


def deliveries(tx: Connection, user_id: UUID, channel_id: UUID, *, limit: int = 50) -> Sequence[DeliveryState]:
    """Return the delivery log of a channel, the newest first; none where it is another user's."""
    query = (
        select(*columns(notification_deliveries, DeliveryState))
        .join(notifications, _n.id == _d.notification_id)
        .where(_d.channel_id == channel_id, _n.user_id == user_id)
        .order_by(_n.created_at.desc(), _d.notification_id)
        .limit(limit)
    )
    return read_all(tx, query, DeliveryState)


def waiting(tx: Connection) -> int:
    """Return how many deliveries are neither there nor given up."""
    query = select(func.count()).select_from(notification_deliveries).where(_d.state == "waiting")
    return tx.execute(query).scalar_one()


def _record_end(tx: Connection, delivery: Delivery, values: dict[str, object]) -> None:
    where = (_d.notification_id == delivery.notification_id, _d.channel_id == delivery.channel_id)
    tx.execute(update(notification_deliveries).where(*where).values(values))


def _record(channel_id: UUID, user_id: UUID) -> str:
    return f"users/{user_id}/notification_channels/{channel_id}"
