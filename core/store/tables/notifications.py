"""What users are told, where else they want to be told, and whether it got there."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Named,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

from core.store.tables.columns import EMPTY_OBJECT, ID, JSON_OBJECT, JSON_TEXTS, NOW, TIMESTAMP, metadata


class NotificationColumns(TypedColumns):
    id: Named[UUID] = Column(ID, primary_key=True)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    kind: Named[str] = Column(Text, nullable=False)
    title: Named[str] = Column(Text, nullable=False)
    body: Named[str] = Column(Text, nullable=False, server_default="")
    payload: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False, server_default=EMPTY_OBJECT)
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    read_at: Named[datetime | None] = Column(TIMESTAMP)


notifications = Table("notifications", metadata, NotificationColumns)
Index("ix_notifications_user_id_created_at", notifications.c.user_id, notifications.c.created_at.desc())


class NotificationChannelColumns(TypedColumns):
    """A way out of the page. What it is addressed by may be a secret (a Slack hook is), so all of it is sealed."""

    id: Named[UUID] = Column(ID, primary_key=True)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    name: Named[str] = Column(Text, nullable=False)
    channel_type: Named[str] = Column(Text, nullable=False)
    """email | webhook | slack | telegram"""
    address_encrypted: Named[bytes] = Column(LargeBinary, nullable=False)
    data_key_encrypted: Named[bytes] = Column(LargeBinary, nullable=False)
    master_key_id: Named[str] = Column(Text, nullable=False)
    kinds: Named[list[str]] = Column(JSON_TEXTS, nullable=False, server_default=text("'[]'::jsonb"))
    """Kinds of notifications it wants; empty: all."""
    is_active: Named[bool] = Column(Boolean, nullable=False, server_default=text("true"))
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


notification_channels = Table(
    "notification_channels", metadata, NotificationChannelColumns, UniqueConstraint("user_id", "name")
)


class NotificationDeliveryColumns(TypedColumns):
    """One notification by one channel. A taken row is `waiting`, its `next_at` put off: a dead process's comes back."""

    notification_id: Named[UUID] = Column(ID, ForeignKey("notifications.id", ondelete="CASCADE"), nullable=False)
    channel_id: Named[UUID] = Column(ID, ForeignKey("notification_channels.id", ondelete="CASCADE"), nullable=False)
    state: Named[str] = Column(Text, nullable=False, server_default="waiting")
    """waiting | delivered | failed"""
    attempts: Named[int] = Column(Integer, nullable=False, server_default="0")
    next_at: Named[datetime] = Column(TIMESTAMP, nullable=False)
    answer: Named[str] = Column(Text, nullable=False, server_default="")
    """What the last attempt met, without any secret."""
    delivered_at: Named[datetime | None] = Column(TIMESTAMP)


notification_deliveries = Table(
    "notification_deliveries",
    metadata,
    NotificationDeliveryColumns,
    PrimaryKeyConstraint("notification_id", "channel_id"),
)
_d = notification_deliveries.c
Index("ix_notification_deliveries_waiting", _d.next_at, postgresql_where=_d.state == "waiting")
Index("ix_notification_deliveries_channel_id", _d.channel_id)
