"""What the pipelines bought and sold, with the orders of each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query

from api.context import Tx
from api.session import User
from api.types import Amount, Cursor, Limit, Model, Money, decode_cursor, encode_cursor
from core.store.listings import trades as listing

router = APIRouter(prefix="/trades", tags=["trades"])


class Order(Model):
    client_order_id: str
    leg: str
    side: str
    order_type: str
    quantity: Amount
    limit_price: Amount | None
    stop_price: Amount | None
    state: str
    filled_quantity: Amount
    filled_price: Amount | None
    error: str
    created_at: datetime
    updated_at: datetime


class PlacedTrade(Model):
    id: UUID
    execution_id: UUID
    pipeline_id: UUID
    pipeline_name: str
    account_type: str
    """paper | live"""
    symbol: str
    action: str
    """BUY | SELL"""
    quantity: Amount
    entry_price: Amount | None
    stop_loss: Amount | None
    target_1: Amount | None
    target_2: Amount | None
    filled_price: Amount | None
    filled_quantity: Amount
    slippage: Amount | None
    commission: Money
    status: str
    pnl: Money | None
    created_at: datetime
    filled_at: datetime | None
    closed_at: datetime | None
    orders: list[Order]


class PlacedTradePage(Model):
    items: list[PlacedTrade]
    next_cursor: str | None


@router.get("")
def list_trades(
    user: User,
    tx: Tx,
    symbol: Annotated[str | None, Query(max_length=40)] = None,
    execution_id: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PlacedTradePage:
    """Return placed trades, the newest first."""
    found = listing.page(
        tx,
        user.user_id,
        symbol=symbol,
        execution_id=execution_id,
        before=decode_cursor(cursor) if cursor else None,
        limit=limit,
    )
    orders = listing.orders_of(tx, [trade.id for trade in found])
    last = found[-1] if len(found) == limit else None
    return PlacedTradePage(
        items=[_placed(trade, orders.get(trade.id, [])) for trade in found],
        next_cursor=encode_cursor(last.created_at, last.id) if last else None,
    )


def _placed(trade: listing.ListedTrade, orders: list[listing.ListedOrder]) -> PlacedTrade:
    return PlacedTrade.model_validate(
        {**msgspec.structs.asdict(trade), "orders": [msgspec.structs.asdict(order) for order in orders]}
    )
