"""What watches the paper orders that wait for a price: stops, targets, limit entries."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from agents.brokers.paper import PaperBroker, is_due
from agents.teller import Teller
from core.clock import Clock, to_datetime
from core.numbers import plain
from core.observability import logger
from core.store import events, notifications, orders
from core.store.orders import PAPER, Order
from core.store.postgres import Connection
from core.wire.records import EventRecord

_log = logger(__name__)
_WORDS = {"stop": "stopped out", "target_1": "first target reached", "target_2": "second target reached"}


@dataclass(frozen=True, slots=True)
class PaperMonitor:
    broker: PaperBroker
    teller: Teller
    clock: Clock

    def tick(self) -> int:
        """Fill every waiting order whose price has come, stops before targets; return how many.

        Raises:
            Unavailable: Postgres or Redis does not answer; nothing is half-filled.
        """
        with self.broker.engine.connect() as tx:
            waiting = orders.working(tx, PAPER)
        if not waiting:
            return 0
        prices = self.broker.prices(sorted({order.symbol for order in waiting}))
        in_order = sorted(waiting, key=lambda order: order.order_type != "stop")
        return sum(self._fill(order, prices.get(order.symbol)) for order in in_order)

    def _fill(self, order: Order, price: Decimal | None) -> bool:
        if price is None or not is_due(order, price):
            return False
        with self.broker.engine.begin() as tx:
            done = self.broker.fill(tx, order.client_order_id, price)
            told = self._tell(tx, done) if done is not None else None
        if done is None or told is None:
            return False
        self.teller.events([told])
        _log.info("paper order filled", execution=str(done.execution_id), symbol=done.symbol, leg=done.leg)
        return True

    def _tell(self, tx: Connection, order: Order) -> EventRecord:
        at = to_datetime(self.clock.now_ms())
        trade = orders.trade(tx, order.trade_id) if order.trade_id else None
        word = _WORDS.get(order.leg, "filled")
        price = plain(order.filled_price or Decimal(0))
        text = f"{order.side} {plain(order.filled_quantity)} {order.symbol} at {price}: {word}"
        if order.leg != "entry":
            notifications.notify(
                tx,
                order.client_order_id,
                user_id=order.user_id,
                kind="trade",
                title=f"{order.symbol}: {word}",
                body=text,
                payload={"execution_id": str(order.execution_id), "trade_id": str(order.trade_id)},
                at=at,
            )
        return events.append(
            tx,
            "trade_executed",
            user_id=order.user_id,
            at=at,
            execution_id=order.execution_id,
            pipeline_id=trade.pipeline_id if trade else None,
            payload={
                "leg": order.leg,
                "trade": {
                    "symbol": order.symbol,
                    "action": order.side.upper(),
                    "quantity": str(order.filled_quantity),
                    "price": str(order.filled_price),
                    "account": "paper",
                },
            },
        )
