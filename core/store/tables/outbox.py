"""Messages that leave with the transaction that caused them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Named, Table, Text, TypedColumns, text

from core.store.tables.columns import NOW, TIMESTAMP, metadata


class OutboxColumns(TypedColumns):
    """One message to publish. The relay of the API publishes them in order of `id`."""

    id: Named[int] = Column(BigInteger, Identity(always=True), primary_key=True)
    topic: Named[str] = Column(Text, nullable=False)
    """Name without the prefix of the settings: triggers, events, costs."""
    key: Named[str] = Column(Text, nullable=False)
    payload: Named[bytes | None] = Column(LargeBinary)
    """None is a tombstone."""
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    published_at: Named[datetime | None] = Column(TIMESTAMP)


outbox = Table("outbox", metadata, OutboxColumns)
Index("ix_outbox_unpublished", outbox.c.id, postgresql_where=text("published_at IS NULL"))


class RelayStateColumns(TypedColumns):
    """What the relay must remember between starts, such as the id of the Kafka cluster it published to."""

    name: Named[str] = Column(Text, primary_key=True)
    value: Named[str] = Column(Text, nullable=False)
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


relay_state = Table("relay_state", metadata, RelayStateColumns)
