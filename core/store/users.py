"""Users. An email address is one account whatever its case."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from core.store.rows import columns, read_first
from core.store.tables import budgets, users


class User(msgspec.Struct, frozen=True):
    id: UUID
    email: str
    full_name: str
    password_hash: str
    subscription_tier: str
    status: str
    created_at: datetime
    last_login_at: datetime | None


class Budget(msgspec.Struct, frozen=True):
    """`pipeline_id` None: all pipelines of the user together. `period`: execution, daily, monthly."""

    pipeline_id: UUID | None
    period: str
    limit_usd: Decimal
    is_hard: bool


_COLUMNS = columns(users, User)


def create(tx: Connection, *, user_id: UUID, email: str, password_hash: str, full_name: str = "") -> None:
    """Add a user.

    Raises:
        IntegrityError: the address is taken.
    """
    tx.execute(insert(users).values(id=user_id, email=email, password_hash=password_hash, full_name=full_name))


def by_email(tx: Connection, email: str) -> User | None:
    return read_first(tx, select(*_COLUMNS).where(func.lower(users.c.email) == email.strip().lower()), User)


def by_id(tx: Connection, user_id: UUID) -> User | None:
    return read_first(tx, select(*_COLUMNS).where(users.c.id == user_id), User)


def set_password_hash(tx: Connection, user_id: UUID, password_hash: str) -> None:
    tx.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash, updated_at=func.now()))


def record_login(tx: Connection, user_id: UUID, at: datetime) -> None:
    tx.execute(update(users).where(users.c.id == user_id).values(last_login_at=at))


def limit_of(tx: Connection, user_id: UUID, period: str) -> Decimal | None:
    """Return the user's limit over all pipelines for a period, None where none is set."""
    query = select(budgets.c.limit_usd).where(
        budgets.c.user_id == user_id, budgets.c.pipeline_id.is_(None), budgets.c.period == period
    )
    return tx.execute(query).scalar_one_or_none()
