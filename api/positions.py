"""Open positions of the paper account, valued at the last price."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter

from api.context import Ctx, Tx
from api.session import User
from api.types import Amount, Model, Money

router = APIRouter(prefix="/positions", tags=["positions"])


class Position(Model):
    symbol: str
    quantity: Amount
    """Negative = short."""
    average_price: Amount
    last_price: Amount | None
    """None where no price is known now."""
    value_usd: Money | None
    unrealized_pnl_usd: Money | None
    realized_pnl_usd: Money
    updated_at: datetime


class Account(Model):
    name: str
    account_type: str
    """paper | live"""
    cash_usd: Money
    start_cash_usd: Money
    equity_usd: Money
    """Cash and positions; positions without a price count at their average price."""
    pnl_usd: Money
    """Equity less start."""


class Positions(Model):
    account: Account | None
    """None before the first trade."""
    items: list[Position]


@router.get("")
def list_positions(user: User, tx: Tx, ctx: Ctx) -> Positions:
    """Return the account and its open positions."""
    raise NotImplementedError
