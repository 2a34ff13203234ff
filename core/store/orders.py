"""Placed trades, their orders and fills, and the books of the paper account.

An order is written before it is sent, under an id that derives from execution and leg: whoever tries again finds
it. What moves a paper account holds its row first, so that cash, position and orders change together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql

from core.store.rows import columns, read_all, read_first
from core.store.tables import fills, orders, paper_accounts, paper_positions, trades

_NAMESPACE = UUID("a4a4d7c7-6d0e-5d7f-9b37-0d3d8f1f2e90")

Side = Literal["buy", "sell"]
Leg = Literal["entry", "stop", "target_1", "target_2", "exit"]
OrderType = Literal["market", "limit", "stop"]
OrderState = Literal[
    "created", "sent", "held", "working", "partially_filled", "filled", "cancelled", "rejected", "expired", "unknown"
]
TradeStatus = Literal["pending", "open", "closed", "rejected", "cancelled"]
PAPER = "paper"
_o, _t, _p, _a = orders.c, trades.c, paper_positions.c, paper_accounts.c


class Account(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    user_id: UUID
    start_cash_usd: Decimal
    cash_usd: Decimal


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """`quantity` below zero is short."""

    symbol: str
    quantity: Decimal
    average_price: Decimal
    realized_pnl_usd: Decimal = Decimal(0)


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """What an execution bought or sold."""

    id: UUID
    execution_id: UUID
    pipeline_id: UUID
    user_id: UUID
    account_id: UUID | None
    symbol: str
    action: Literal["BUY", "SELL"]
    quantity: Decimal
    entry_price: Decimal | None
    stop_loss: Decimal | None
    target_1: Decimal | None
    target_2: Decimal | None
    account_type: str = "paper"
    filled_price: Decimal | None = None
    filled_quantity: Decimal = Decimal(0)
    slippage: Decimal | None = None
    commission: Decimal = Decimal(0)
    broker_order_id: str = ""
    status: TradeStatus = "pending"
    pnl: Decimal | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    client_order_id: str
    execution_id: UUID
    trade_id: UUID | None
    user_id: UUID
    account_id: UUID | None
    broker: str
    leg: Leg
    oco_group: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: str = "gtc"
    state: OrderState = "created"
    broker_order_id: str = ""
    filled_quantity: Decimal = Decimal(0)
    filled_price: Decimal | None = None
    error: str = ""
    detail: dict[str, object] = {}


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID
    number: int
    quantity: Decimal
    price: Decimal
    commission_usd: Decimal
    realized_pnl_usd: Decimal


def trade_id_of(execution_id: UUID) -> UUID:
    return uuid5(_NAMESPACE, f"trade/{execution_id}")


def order_id_of(client_order_id: str) -> UUID:
    return uuid5(_NAMESPACE, f"order/{client_order_id}")


def client_order_id(execution_id: UUID, part: str) -> str:
    """Return the id of one order of an execution: under 48 characters, unique for the account for ever."""
    return f"tw-{execution_id.hex}-{part}"


# ---- trades and orders ----------------------------------------------------------------------------------------


def add_trade(tx: Connection, trade: Trade, at: datetime) -> None:
    """Insert a trade; one that is there stays."""
    row = postgresql.insert(trades).values(**msgspec.structs.asdict(trade), created_at=at)
    tx.execute(row.on_conflict_do_nothing())


def add_order(tx: Connection, order: Order, at: datetime) -> Order:
    """Insert an order, and return it as it stands: the earlier one where there was one of this id."""
    row = postgresql.insert(orders).values(**msgspec.structs.asdict(order), created_at=at, updated_at=at)
    tx.execute(row.on_conflict_do_nothing())
    found = by_client_order_id(tx, order.client_order_id)
    return found or order


def by_client_order_id(tx: Connection, client_order_id: str, *, hold: bool = False) -> Order | None:
    """Return an order; with `hold` nobody else changes it until the transaction ends."""
    query = select(*columns(orders, Order)).where(_o.client_order_id == client_order_id)
    return read_first(tx, query.with_for_update() if hold else query, Order)


def trade(tx: Connection, trade_id: UUID) -> Trade | None:
    return read_first(tx, select(*columns(trades, Trade)).where(_t.id == trade_id), Trade)


def orders_of(tx: Connection, trade_id: UUID) -> list[Order]:
    """Return a trade's orders in the order they were made."""
    query = select(*columns(orders, Order)).where(_o.trade_id == trade_id)
    return read_all(tx, query.order_by(_o.created_at, _o.client_order_id), Order)


def working(tx: Connection, broker: str) -> list[Order]:
    """Return the orders at a broker that wait for a price, the oldest first."""
    query = select(*columns(orders, Order)).where(_o.broker == broker, _o.state == "working")
    return read_all(tx, query.order_by(_o.created_at, _o.client_order_id), Order)


def live_trades(tx: Connection, account_id: UUID) -> list[UUID]:
    """Return the trades of an account that are not over, the oldest first."""
    query = select(_t.id).where(_t.account_id == account_id, _t.status.in_(("pending", "open")))
    return list(tx.execute(query.order_by(_t.created_at)).scalars())


def change_order(tx: Connection, order_id: UUID, at: datetime, **values: object) -> None:
    tx.execute(update(orders).where(_o.id == order_id).values(updated_at=at, **values))


def change_trade(tx: Connection, trade_id: UUID, **values: object) -> None:
    tx.execute(update(trades).where(_t.id == trade_id).values(**values))


def cancel_group(tx: Connection, trade_id: UUID, oco_group: str, at: datetime) -> None:
    """Cancel what still waits in a group of orders that exclude one another."""
    tx.execute(
        update(orders)
        .where(_o.trade_id == trade_id, _o.oco_group == oco_group, _o.state.in_(("working", "held", "created")))
        .values(state="cancelled", updated_at=at)
    )


def add_fill(tx: Connection, order: Order, fill: Fill, at: datetime) -> bool:
    """Record a fill; False where it was known."""
    row = postgresql.insert(fills).values(
        id=uuid5(_NAMESPACE, f"fill/{order.id}/{fill.number}"),
        order_id=order.id,
        user_id=order.user_id,
        account_id=order.account_id,
        symbol=order.symbol,
        side=order.side,
        quantity=fill.quantity,
        price=fill.price,
        commission_usd=fill.commission_usd,
        realized_pnl_usd=fill.realized_pnl_usd,
        at=at,
    )
    return tx.execute(row.on_conflict_do_nothing().returning(fills.c.id)).first() is not None


# ---- the paper account ----------------------------------------------------------------------------------------


def paper_account(tx: Connection, user_id: UUID, *, start_cash_usd: Decimal, at: datetime) -> Account:
    """Return the user's paper account, opened with this cash where there was none; held until the transaction ends."""
    row = postgresql.insert(paper_accounts).values(
        id=uuid5(_NAMESPACE, f"paper/{user_id}"),
        user_id=user_id,
        name="paper",
        start_cash_usd=start_cash_usd,
        cash_usd=start_cash_usd,
        created_at=at,
        updated_at=at,
    )
    tx.execute(row.on_conflict_do_nothing())
    query = select(*columns(paper_accounts, Account)).where(_a.user_id == user_id, _a.name == "paper")
    found = read_first(tx, query.with_for_update(), Account)
    if found is None:
        raise LookupError(f"the paper account of {user_id} vanished")
    return found


def add_cash(tx: Connection, account_id: UUID, amount_usd: Decimal, at: datetime) -> None:
    tx.execute(
        update(paper_accounts).where(_a.id == account_id).values(cash_usd=_a.cash_usd + amount_usd, updated_at=at)
    )


def positions(tx: Connection, account_id: UUID) -> list[Position]:
    """Return the open positions of a paper account, by symbol."""
    query = select(*columns(paper_positions, Position)).where(_p.account_id == account_id, _p.quantity != 0)
    return read_all(tx, query.order_by(_p.symbol), Position)


def position(tx: Connection, account_id: UUID, symbol: str) -> Position:
    """Return a position, an empty one where there was none."""
    query = select(*columns(paper_positions, Position)).where(_p.account_id == account_id, _p.symbol == symbol)
    found = read_first(tx, query, Position)
    return found or Position(symbol=symbol, quantity=Decimal(0), average_price=Decimal(0))


def save_position(tx: Connection, account_id: UUID, held: Position, at: datetime) -> None:
    values = {"account_id": account_id, "updated_at": at, **msgspec.structs.asdict(held)}
    row = postgresql.insert(paper_positions).values(**values)
    tx.execute(row.on_conflict_do_update(index_elements=["account_id", "symbol"], set_=values))


def realized_since(tx: Connection, account_id: UUID, since: datetime) -> Decimal:
    """Return what fills earned since a moment, commissions taken off, USD."""
    earned = func.coalesce(func.sum(fills.c.realized_pnl_usd - fills.c.commission_usd), 0)
    query = select(earned).where(fills.c.account_id == account_id, fills.c.at >= since)
    return Decimal(tx.execute(query).scalar_one())


def peak_earned(tx: Connection, account_id: UUID) -> Decimal:
    """Return the most that an account's fills had earned at any moment, commissions taken off; never below 0, USD."""
    after_each = func.sum(fills.c.realized_pnl_usd - fills.c.commission_usd).over(order_by=(fills.c.at, fills.c.id))
    running = select(after_each.label("earned")).where(fills.c.account_id == account_id).subquery()
    return max(Decimal(0), Decimal(tx.execute(select(func.coalesce(func.max(running.c.earned), 0))).scalar_one()))


def open_trades(tx: Connection, user_id: UUID) -> Sequence[Trade]:
    query = select(*columns(trades, Trade)).where(_t.user_id == user_id, _t.status == "open")
    return read_all(tx, query.order_by(_t.created_at), Trade)
