"""Placed trades with their orders, and the paper account with its positions."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select, tuple_

from core.store.rows import columns, read_all, read_first
from core.store.tables import orders, paper_accounts, paper_positions, pipelines, trades

_t = trades.c


class ListedTrade(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    execution_id: UUID
    pipeline_id: UUID
    pipeline_name: str
    account_type: str
    symbol: str
    action: str
    quantity: Decimal
    entry_price: Decimal | None
    stop_loss: Decimal | None
    target_1: Decimal | None
    target_2: Decimal | None
    filled_price: Decimal | None
    filled_quantity: Decimal
    slippage: Decimal | None
    commission: Decimal
    status: str
    pnl: Decimal | None
    created_at: datetime
    filled_at: datetime | None
    closed_at: datetime | None


class ListedOrder(msgspec.Struct, frozen=True, kw_only=True):
    trade_id: UUID | None
    client_order_id: str
    leg: str
    side: str
    order_type: str
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    state: str
    filled_quantity: Decimal
    filled_price: Decimal | None
    error: str
    created_at: datetime
    updated_at: datetime


class PaperAccount(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    start_cash_usd: Decimal
    cash_usd: Decimal


class PaperPosition(msgspec.Struct, frozen=True, kw_only=True):
    """`quantity` below zero is short."""

    symbol: str
    quantity: Decimal
    average_price: Decimal
    realized_pnl_usd: Decimal
    updated_at: datetime


def page(
    tx: Connection,
    user_id: UUID,
    *,
    symbol: str | None = None,
    execution_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[ListedTrade]:
    query = (
        select(*columns(trades, ListedTrade), pipelines.c.name.label("pipeline_name"))
        .join(pipelines, pipelines.c.id == _t.pipeline_id)
        .where(_t.user_id == user_id)
    )
    if symbol is not None:
        query = query.where(_t.symbol == symbol)
    if execution_id is not None:
        query = query.where(_t.execution_id == execution_id)
    if before is not None:
        query = query.where(tuple_(_t.created_at, _t.id) < before)
    return read_all(tx, query.order_by(_t.created_at.desc(), _t.id.desc()).limit(limit), ListedTrade)


def orders_of(tx: Connection, trade_ids: list[UUID]) -> dict[UUID, list[ListedOrder]]:
    """Return the orders of trades, in the order they were made."""
    query = select(*columns(orders, ListedOrder)).where(orders.c.trade_id.in_(trade_ids))
    found: dict[UUID, list[ListedOrder]] = {}
    for order in read_all(tx, query.order_by(orders.c.created_at, orders.c.client_order_id), ListedOrder):
        if order.trade_id is not None:
            found.setdefault(order.trade_id, []).append(order)
    return found


def paper_account(tx: Connection, user_id: UUID) -> PaperAccount | None:
    """Return the user's first paper account, None before there is one."""
    query = select(*columns(paper_accounts, PaperAccount)).where(paper_accounts.c.user_id == user_id)
    return read_first(tx, query.order_by(paper_accounts.c.created_at).limit(1), PaperAccount)


def positions(tx: Connection, account_id: UUID) -> list[PaperPosition]:
    """Return the positions of an account, closed ones too: what they earned is in them."""
    query = select(*columns(paper_positions, PaperPosition)).where(paper_positions.c.account_id == account_id)
    return read_all(tx, query.order_by(paper_positions.c.symbol), PaperPosition)
