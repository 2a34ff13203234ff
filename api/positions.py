"""Open positions of the paper account, valued at the last price."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from fastapi import APIRouter

from api.context import Context, Ctx, Tx
from api.session import User
from api.types import Amount, Model, Money
from core.errors import Unavailable
from core.store import redis as redis_store
from core.store.listings import trades

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
    account = trades.paper_account(tx, user.user_id)
    if account is None:
        return Positions(account=None, items=[])
    stored = trades.positions(tx, account.id)
    prices = _prices(ctx, [position.symbol for position in stored])
    items = [_position(position, prices.get(position.symbol)) for position in stored]
    held = sum((p.value_usd if p.value_usd is not None else p.quantity * p.average_price for p in items), Decimal(0))
    equity = account.cash_usd + held
    return Positions(
        account=Account(
            name=account.name,
            account_type="paper",
            cash_usd=account.cash_usd,
            start_cash_usd=account.start_cash_usd,
            equity_usd=equity,
            pnl_usd=equity - account.start_cash_usd,
        ),
        items=[item for item in items if item.quantity != 0],
    )


def _position(stored: trades.PaperPosition, price: Decimal | None) -> Position:
    return Position(
        symbol=stored.symbol,
        quantity=stored.quantity,
        average_price=stored.average_price,
        last_price=price,
        value_usd=None if price is None else stored.quantity * price,
        unrealized_pnl_usd=None if price is None else stored.quantity * (price - stored.average_price),
        realized_pnl_usd=stored.realized_pnl_usd,
        updated_at=stored.updated_at,
    )


def _prices(ctx: Context, symbols: list[str]) -> dict[str, Decimal]:
    """Return the last prices that are known; none while Redis is away, and the page says so by their absence."""
    try:
        found = redis_store.snapshots(ctx.redis, symbols)
    except Unavailable:
        return {}
    return {snapshot.symbol: Decimal(str(snapshot.price)) for snapshot in found if snapshot.price is not None}
