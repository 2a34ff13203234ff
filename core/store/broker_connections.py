"""The brokers a user has connected. What they log in with is sealed; who is about to call the broker opens it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from core.errors import NotFound
from core.sealing.envelope import MasterKeys, Sealed, reseal, seal, unseal
from core.store.rows import columns, read_all, read_first
from core.store.tables import broker_connections

_c = broker_connections.c


class BrokerConnection(msgspec.Struct, frozen=True, kw_only=True):
    """A connection without its secrets. A live account trades only where `is_live_enabled` was switched on for it."""

    id: UUID
    user_id: UUID
    name: str
    broker_name: str
    account_type: Literal["paper", "live"]
    master_key_id: str
    is_live_enabled: bool
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)


class _SealedRow(msgspec.Struct, frozen=True):
    id: UUID
    api_key_encrypted: bytes
    api_secret_encrypted: bytes
    data_key_encrypted: bytes
    master_key_id: str


_COLUMNS = columns(broker_connections, BrokerConnection)
_SEALED = columns(broker_connections, _SealedRow)


def add(
    tx: Connection,
    keys: MasterKeys,
    credentials: Credentials,
    *,
    connection_id: UUID,
    user_id: UUID,
    name: str,
    broker_name: str,
    account_type: Literal["paper", "live"] = "paper",
) -> None:
    """Connect a broker; a live account does not trade before it is allowed to.

    Raises:
        IntegrityError: the user has a connection of this name.
        Unavailable: the keeper of the master keys does not answer.
    """
    secrets = {"api_key": credentials.api_key, "api_secret": credentials.api_secret}
    sealed = seal(keys, _record(connection_id, user_id), secrets)
    tx.execute(
        insert(broker_connections).values(
            id=connection_id,
            user_id=user_id,
            name=name,
            broker_name=broker_name,
            account_type=account_type,
            **{f"{field}_encrypted": text for field, text in sealed.ciphertexts.items()},
            data_key_encrypted=sealed.data_key,
            master_key_id=sealed.master_key_id,
        )
    )


def of_user(tx: Connection, user_id: UUID) -> Sequence[BrokerConnection]:
    return read_all(tx, select(*_COLUMNS).where(_c.user_id == user_id).order_by(_c.name), BrokerConnection)


def credentials(tx: Connection, keys: MasterKeys, *, connection_id: UUID, user_id: UUID) -> Credentials:
    """Open what a connection logs in with.

    Raises:
        NotFound: the user has no such connection.
        CannotOpen: the master key is missing, or the row is not what was stored.
        Unavailable: the keeper of the master keys does not answer.
    """
    query = select(*_SEALED).where(_c.id == connection_id, _c.user_id == user_id)
    row = read_first(tx, query, _SealedRow)
    if row is None:
        raise NotFound("no such broker connection")
    return Credentials(**unseal(keys, _record(connection_id, user_id), _sealed(row)))


def sealed_under(tx: Connection) -> dict[str, int]:
    """Return how many connections are sealed under each master key, by its id."""
    rows = tx.execute(select(_c.master_key_id, func.count()).group_by(_c.master_key_id))
    return {row[0]: row[1] for row in rows}


def sealed_under_another(tx: Connection, master_key_id: str) -> Sequence[UUID]:
    """Return the connections that another master key than this one seals."""
    return tx.execute(select(_c.id).where(_c.master_key_id != master_key_id).order_by(_c.id)).scalars().all()


def move_to_current_key(tx: Connection, keys: MasterKeys, connection_id: UUID) -> None:
    """Seal a connection under the current master key; one that is gone meanwhile is none to move.

    Raises:
        CannotOpen: the key it was sealed under is missing, or the row is not what was stored.
        Unavailable: the keeper of the master keys does not answer.
    """
    query = select(*_SEALED, _c.user_id).where(_c.id == connection_id).with_for_update()
    row = tx.execute(query).mappings().first()
    if row is None:
        return
    before = _sealed(msgspec.convert({str(name): value for name, value in row.items()}, _SealedRow))
    sealed = reseal(keys, _record(connection_id, row["user_id"]), before)
    changed = {"data_key_encrypted": sealed.data_key, "master_key_id": sealed.master_key_id}
    tx.execute(update(broker_connections).where(_c.id == connection_id).values(changed))


def _sealed(row: _SealedRow) -> Sealed:
    ciphertexts = {"api_key": row.api_key_encrypted, "api_secret": row.api_secret_encrypted}
    return Sealed(ciphertexts, row.data_key_encrypted, row.master_key_id)


def _record(connection_id: UUID, user_id: UUID) -> str:
    """Name a row for its seal: one that is moved to another user does not open."""
    return f"users/{user_id}/broker_connections/{connection_id}"
