"""Trades that a trade manager has written and not sent, for tests of brokers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import insert

from agents.brokers.broker import Lot, OrderPlan
from agents.brokers.lots import lots_detail
from core.clock import to_datetime
from core.store import orders
from core.store.orders import Order, OrderType, Side, Trade
from core.store.tables import pipeline_executions
from tests.kit.agents_world import World

D = Decimal
AT = to_datetime(1_800_000_000_000)


@dataclass(frozen=True, slots=True)
class Intents:
    """Entry at 100, stop at 98, targets at 103 and 106; mirrored for a short."""

    world: World
    pipeline_id: UUID

    def write(
        self,
        quantity: int = 10,
        *,
        side: Side = "buy",
        kind: OrderType = "market",
        symbol: str = "AAPL",
        broker: str = "alpaca",
    ) -> OrderPlan:
        """Write trade and entry, and return what a broker is asked for."""
        execution_id = uuid4()
        sign = 1 if side == "buy" else -1
        levels = [D(100) + sign * step for step in (D(-2), D(3), D(6))]
        first = quantity // 2
        lots = (
            (Lot(D(first), levels[1]), Lot(D(quantity - first), levels[2])) if first else (Lot(D(quantity), levels[1]),)
        )
        own = orders.client_order_id(execution_id, "entry")
        plan = OrderPlan(
            execution_id=execution_id, pipeline_id=self.pipeline_id, user_id=self.world.user_id, client_order_id=own,
            symbol=symbol, side=side, quantity=D(quantity), order_type=kind, entry_price=D(100), stop=levels[0],
            lots=lots, time_in_force="day",
        )  # fmt: skip
        trade = Trade(
            id=orders.trade_id_of(execution_id), execution_id=execution_id, pipeline_id=self.pipeline_id,
            user_id=self.world.user_id, account_id=None, symbol=symbol, action="BUY" if side == "buy" else "SELL",
            quantity=plan.quantity, entry_price=D(100), stop_loss=levels[0], target_1=levels[1], target_2=levels[2],
        )  # fmt: skip
        entry = Order(
            id=orders.order_id_of(own), client_order_id=own, execution_id=execution_id, trade_id=trade.id,
            user_id=self.world.user_id, account_id=None, broker=broker, leg="entry", oco_group="", symbol=symbol,
            side=side, order_type=kind, quantity=plan.quantity, limit_price=D(100) if kind == "limit" else None,
            time_in_force="day", detail=lots_detail(lots),
        )  # fmt: skip
        with self.world.engine.begin() as tx:
            tx.execute(insert(pipeline_executions).values(
                id=execution_id, firing_id=uuid4(), pipeline_id=self.pipeline_id, user_id=self.world.user_id,
                pipeline_version=1, trigger_id="t", trigger_version=1, symbol=symbol, firing={}, status="running",
                created_at=AT, updated_at=AT,
            ))  # fmt: skip
            orders.add_trade(tx, trade, AT)
            orders.add_order(tx, entry, AT)
        return plan
