"""Logins, as families of refresh tokens: each token is good for one use, and a used one betrays a thief."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from core.store.rows import columns, read_first
from core.store.tables import refresh_tokens

_c = refresh_tokens.c


class RefreshToken(msgspec.Struct, frozen=True):
    id: UUID
    user_id: UUID
    family_id: UUID
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def add(
    tx: Connection,
    *,
    token_id: UUID,
    user_id: UUID,
    family_id: UUID,
    token_hash: bytes,
    expires_at: datetime,
    address: str,
    user_agent: str,
) -> None:
    tx.execute(
        insert(refresh_tokens).values(
            id=token_id,
            user_id=user_id,
            family_id=family_id,
            token_hash=token_hash,
            expires_at=expires_at,
            address=address,
            user_agent=user_agent[:300],
        )
    )


def lock_by_hash(tx: Connection, token_hash: bytes) -> RefreshToken | None:
    """Return the token of a hash, held until the transaction ends: of two who bring it, one is first."""
    query = select(*columns(refresh_tokens, RefreshToken)).where(_c.token_hash == token_hash).with_for_update()
    return read_first(tx, query, RefreshToken)


def mark_used(tx: Connection, token_id: UUID, at: datetime) -> None:
    tx.execute(update(refresh_tokens).where(_c.id == token_id).values(used_at=at))


def revoke_family(tx: Connection, family_id: UUID, at: datetime) -> None:
    """End a login: none of its tokens is good any more."""
    tx.execute(update(refresh_tokens).where(_c.family_id == family_id, _c.revoked_at.is_(None)).values(revoked_at=at))


def forget_expired(tx: Connection, before: datetime) -> int:
    """Delete tokens that expired before a time; return how many."""
    return tx.execute(delete(refresh_tokens).where(_c.expires_at < before)).rowcount
