"""What watches the paper orders that wait for a price: stops, targets, limit entries."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from agents.brokers.paper import PaperBroker, is_due
from core.store import orders
from core.store.orders import PAPER, Order


@dataclass(frozen=True, slots=True)
class PaperMonitor:
    broker: PaperBroker

    def tick(self) -> list[Order]:
        """Fill every waiting order whose price has come, stops before targets; return what was filled.

        Raises:
            Unavailable: Postgres or Redis does not answer; nothing is half-filled.
        """
        with self.broker.engine.connect() as tx:
            waiting = orders.working(tx, PAPER)
        if not waiting:
            return []
        prices = self.broker.prices(sorted({order.symbol for order in waiting}))
        filled: list[Order] = []
        for order in sorted(waiting, key=lambda o: o.order_type != "stop"):
            done = self._fill(order, prices.get(order.symbol))
            if done is not None:
                filled.append(done)
        return filled

    def _fill(self, order: Order, price: Decimal | None) -> Order | None:
        if price is None or not is_due(order, price):
            return None
        with self.broker.engine.begin() as tx:
            return self.broker.fill(tx, order.client_order_id, price)
