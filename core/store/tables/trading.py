"""Placed trades, their orders and fills, and the built-in paper broker's books."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Named, Table, Text, TypedColumns, UniqueConstraint

from core.store.tables.columns import EMPTY_OBJECT, ID, JSON_OBJECT, MONEY, NOW, PRICE, QUANTITY, TIMESTAMP, metadata


class PlacedTradeColumns(TypedColumns):
    """What a pipeline bought or sold: the position it meant, its levels, and what came of it."""

    id: Named[UUID] = Column(ID, primary_key=True)
    execution_id: Named[UUID] = Column(ID, ForeignKey("pipeline_executions.id", ondelete="CASCADE"), nullable=False)
    pipeline_id: Named[UUID] = Column(ID, ForeignKey("pipelines.id", ondelete="CASCADE"), nullable=False)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    account_id: Named[UUID | None] = Column(ID)
    account_type: Named[str] = Column(Text, nullable=False, server_default="paper")
    """paper | live"""
    symbol: Named[str] = Column(Text, nullable=False)
    action: Named[str] = Column(Text, nullable=False)
    """BUY | SELL"""
    quantity: Named[Decimal] = Column(QUANTITY, nullable=False)
    entry_price: Named[Decimal | None] = Column(PRICE)
    stop_loss: Named[Decimal | None] = Column(PRICE)
    target_1: Named[Decimal | None] = Column(PRICE)
    target_2: Named[Decimal | None] = Column(PRICE)
    filled_price: Named[Decimal | None] = Column(PRICE)
    """Mean price of the entry's fills."""
    filled_quantity: Named[Decimal] = Column(QUANTITY, nullable=False, server_default="0")
    slippage: Named[Decimal | None] = Column(PRICE)
    commission: Named[Decimal] = Column(MONEY, nullable=False, server_default="0")
    broker_order_id: Named[str] = Column(Text, nullable=False, server_default="")
    status: Named[str] = Column(Text, nullable=False, server_default="pending")
    """pending | open | closed | rejected | cancelled"""
    pnl: Named[Decimal | None] = Column(MONEY)
    """Realised, USD, once closed."""
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    filled_at: Named[datetime | None] = Column(TIMESTAMP)
    closed_at: Named[datetime | None] = Column(TIMESTAMP)


trades = Table("trades", metadata, PlacedTradeColumns)
Index("ix_trades_user_id_created_at", trades.c.user_id, trades.c.created_at.desc(), trades.c.id.desc())
Index("ix_trades_execution_id", trades.c.execution_id)


class PaperAccountColumns(TypedColumns):
    id: Named[UUID] = Column(ID, primary_key=True)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    name: Named[str] = Column(Text, nullable=False, server_default="paper")
    start_cash_usd: Named[Decimal] = Column(MONEY, nullable=False)
    cash_usd: Named[Decimal] = Column(MONEY, nullable=False)
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


paper_accounts = Table("paper_accounts", metadata, PaperAccountColumns, UniqueConstraint("user_id", "name"))


class PaperPositionColumns(TypedColumns):
    account_id: Named[UUID] = Column(ID, ForeignKey("paper_accounts.id", ondelete="CASCADE"), primary_key=True)
    symbol: Named[str] = Column(Text, primary_key=True)
    quantity: Named[Decimal] = Column(QUANTITY, nullable=False)
    """Negative = short."""
    average_price: Named[Decimal] = Column(PRICE, nullable=False)
    realized_pnl_usd: Named[Decimal] = Column(MONEY, nullable=False, server_default="0")
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


paper_positions = Table("paper_positions", metadata, PaperPositionColumns)


class OrderColumns(TypedColumns):
    """Written before it is sent. `client_order_id` derives from execution and leg: looked up before sent again."""

    id: Named[UUID] = Column(ID, primary_key=True)
    client_order_id: Named[str] = Column(Text, nullable=False, unique=True)
    execution_id: Named[UUID] = Column(ID, ForeignKey("pipeline_executions.id", ondelete="CASCADE"), nullable=False)
    trade_id: Named[UUID | None] = Column(ID, ForeignKey("trades.id", ondelete="CASCADE"))
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    account_id: Named[UUID | None] = Column(ID)
    broker: Named[str] = Column(Text, nullable=False, server_default="paper")
    leg: Named[str] = Column(Text, nullable=False)
    """entry | stop | target_1 | target_2 | exit"""
    oco_group: Named[str] = Column(Text, nullable=False, server_default="")
    """Orders of one group cancel one another; empty = alone."""
    symbol: Named[str] = Column(Text, nullable=False)
    side: Named[str] = Column(Text, nullable=False)
    """buy | sell"""
    order_type: Named[str] = Column(Text, nullable=False)
    """market | limit | stop | stop_limit"""
    quantity: Named[Decimal] = Column(QUANTITY, nullable=False)
    limit_price: Named[Decimal | None] = Column(PRICE)
    stop_price: Named[Decimal | None] = Column(PRICE)
    time_in_force: Named[str] = Column(Text, nullable=False, server_default="gtc")
    state: Named[str] = Column(Text, nullable=False, server_default="created")
    """created | sent | held | working | partially_filled | filled | cancelled | rejected | expired | unknown"""
    broker_order_id: Named[str] = Column(Text, nullable=False, server_default="")
    filled_quantity: Named[Decimal] = Column(QUANTITY, nullable=False, server_default="0")
    filled_price: Named[Decimal | None] = Column(PRICE)
    error: Named[str] = Column(Text, nullable=False, server_default="")
    detail: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False, server_default=EMPTY_OBJECT)
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    sent_at: Named[datetime | None] = Column(TIMESTAMP)
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


orders = Table("orders", metadata, OrderColumns)
Index("ix_orders_execution_id", orders.c.execution_id)
Index("ix_orders_trade_id", orders.c.trade_id)
Index("ix_orders_state_symbol", orders.c.state, orders.c.symbol)


class FillColumns(TypedColumns):
    id: Named[UUID] = Column(ID, primary_key=True)
    """Deterministic, from the order and its fill number, so that a repeat changes nothing."""
    order_id: Named[UUID] = Column(ID, ForeignKey("orders.id", ondelete="CASCADE"), nullable=False)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    account_id: Named[UUID | None] = Column(ID)
    symbol: Named[str] = Column(Text, nullable=False)
    side: Named[str] = Column(Text, nullable=False)
    quantity: Named[Decimal] = Column(QUANTITY, nullable=False)
    price: Named[Decimal] = Column(PRICE, nullable=False)
    commission_usd: Named[Decimal] = Column(MONEY, nullable=False, server_default="0")
    realized_pnl_usd: Named[Decimal] = Column(MONEY, nullable=False, server_default="0")
    at: Named[datetime] = Column(TIMESTAMP, nullable=False)


fills = Table("fills", metadata, FillColumns)
Index("ix_fills_order_id", fills.c.order_id)
Index("ix_fills_user_id_at", fills.c.user_id, fills.c.at.desc())
