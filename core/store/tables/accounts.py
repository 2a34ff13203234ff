"""Who may log in, what they connect, and what was done in their name."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Named,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    func,
    text,
)

from core.store.tables.columns import EMPTY_OBJECT, ID, JSON_OBJECT, NOW, TIMESTAMP, metadata


class UserColumns(TypedColumns):
    id: Named[UUID] = Column(ID, primary_key=True)
    email: Named[str] = Column(Text, nullable=False)
    password_hash: Named[str] = Column(Text, nullable=False)
    full_name: Named[str] = Column(Text, nullable=False, server_default="")
    subscription_tier: Named[str] = Column(Text, nullable=False, server_default="free")
    status: Named[str] = Column(Text, nullable=False, server_default="active")
    """active | disabled"""
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    last_login_at: Named[datetime | None] = Column(TIMESTAMP)


users = Table("users", metadata, UserColumns)
Index("uq_users_email", func.lower(users.c.email), unique=True)


class RefreshTokenColumns(TypedColumns):
    """One token of a login. A family is one login; a used token that comes back revokes its family."""

    id: Named[UUID] = Column(ID, primary_key=True)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    family_id: Named[UUID] = Column(ID, nullable=False)
    token_hash: Named[bytes] = Column(LargeBinary, nullable=False, unique=True)
    """SHA-256 of the token; the token itself is nowhere."""
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    expires_at: Named[datetime] = Column(TIMESTAMP, nullable=False)
    used_at: Named[datetime | None] = Column(TIMESTAMP)
    revoked_at: Named[datetime | None] = Column(TIMESTAMP)
    address: Named[str] = Column(Text, nullable=False, server_default="")
    user_agent: Named[str] = Column(Text, nullable=False, server_default="")


refresh_tokens = Table("refresh_tokens", metadata, RefreshTokenColumns)
Index("ix_refresh_tokens_family_id", refresh_tokens.c.family_id)
Index("ix_refresh_tokens_user_id", refresh_tokens.c.user_id)


class BrokerConnectionColumns(TypedColumns):
    id: Named[UUID] = Column(ID, primary_key=True)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    name: Named[str] = Column(Text, nullable=False)
    broker_name: Named[str] = Column(Text, nullable=False)
    account_type: Named[str] = Column(Text, nullable=False, server_default="paper")
    """paper | live"""
    api_key_encrypted: Named[bytes] = Column(LargeBinary, nullable=False)
    api_secret_encrypted: Named[bytes] = Column(LargeBinary, nullable=False)
    data_key_encrypted: Named[bytes] = Column(LargeBinary, nullable=False)
    master_key_id: Named[str] = Column(Text, nullable=False)
    is_live_enabled: Named[bool] = Column(Boolean, nullable=False, server_default=text("false"))
    is_active: Named[bool] = Column(Boolean, nullable=False, server_default=text("true"))
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


broker_connections = Table("broker_connections", metadata, BrokerConnectionColumns, UniqueConstraint("user_id", "name"))


class AuditLogColumns(TypedColumns):
    """Append-only. `hash` covers the row and `previous_hash`, so a changed row shows."""

    id: Named[int] = Column(BigInteger, Identity(always=True), primary_key=True)
    at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    user_id: Named[UUID | None] = Column(ID)
    action: Named[str] = Column(Text, nullable=False)
    subject: Named[str] = Column(Text, nullable=False, server_default="")
    address: Named[str] = Column(Text, nullable=False, server_default="")
    detail: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False, server_default=EMPTY_OBJECT)
    previous_hash: Named[bytes] = Column(LargeBinary, nullable=False)
    hash: Named[bytes] = Column(LargeBinary, nullable=False)


audit_log = Table("audit_log", metadata, AuditLogColumns)
Index("ix_audit_log_user_id_id", audit_log.c.user_id, audit_log.c.id.desc())
