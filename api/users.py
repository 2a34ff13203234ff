"""The logged-in user."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Connection

from api.context import Tx
from api.problems import NotLoggedIn
from api.session import User
from api.types import Model, Money
from core.store import users

router = APIRouter(prefix="/users", tags=["users"])


class Me(Model):
    id: UUID
    email: str
    full_name: str
    subscription_tier: str
    budget_daily_usd: Money | None
    budget_monthly_usd: Money | None
    created_at: datetime
    last_login_at: datetime | None


@router.get("/me")
def get_me(user: User, tx: Tx) -> Me:
    """Return the logged-in user."""
    return me_of(tx, user.user_id)


def me_of(tx: Connection, user_id: UUID) -> Me:
    """Return what a user may know of themselves.

    Raises:
        NotLoggedIn: the account is gone.
    """
    found = users.by_id(tx, user_id)
    if found is None:
        raise NotLoggedIn("the session has ended; log in again")
    return Me(
        id=found.id,
        email=found.email,
        full_name=found.full_name,
        subscription_tier=found.subscription_tier,
        budget_daily_usd=users.limit_of(tx, user_id, "daily"),
        budget_monthly_usd=users.limit_of(tx, user_id, "monthly"),
        created_at=found.created_at,
        last_login_at=found.last_login_at,
    )
