"""The logged-in user."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from api.context import Tx
from api.session import User
from api.types import Model, Money

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
    raise NotImplementedError
