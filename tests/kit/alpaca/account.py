"""A broker of ours at a made-up Alpaca, and what may be asked of both: do they agree, is the position covered."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from typing_extensions import override

from agents.brokers.alpaca.broker import AlpacaBroker
from agents.brokers.alpaca.client import AlpacaClient
from core.clock import ManualClock, to_ms
from core.store import orders
from core.store.broker_connections import Credentials
from core.store.orders import Order
from tests.kit.alpaca.server import KEY, SECRET, AlpacaServer, alpaca
from tests.kit.intents import AT, Intents


class Killed(BaseException):
    """The process is gone: nothing of ours catches it."""


class Client(AlpacaClient):
    """Calls `before` and `after` around each request; what they raise is what a kill there does."""

    before: Callable[[str], None] | None = None
    after: Callable[[str], None] | None = None

    @override
    def _one_request(self, method: str, url: str, opts: dict[str, Any], retry: int) -> Any:
        if self.before is not None:
            self.before(method)
        answer = super()._one_request(method, url, opts, retry)
        if self.after is not None:
            self.after(method)
        return answer


@dataclass(frozen=True, slots=True)
class AlpacaAccount:
    server: AlpacaServer
    client: Client
    broker: AlpacaBroker
    intents: Intents

    def trade(self, price: str, symbol: str = "AAPL") -> None:
        self.server.trade(symbol, price)

    def held(self, symbol: str = "AAPL") -> Decimal:
        return self.server.book.held(symbol)

    def legs(self, execution_id: UUID) -> dict[str, Order]:
        """Return our orders of an execution by what their ids end with."""
        found = self.broker.legs(orders.trade_id_of(execution_id))
        return {row.client_order_id.split("-", 2)[2]: row for row in found}

    def faults(self, execution_id: UUID) -> list[str]:
        """Return what is not as it must be, as sentences: coverage, our tables against the book's orders."""
        naked = [f"{c.symbol}: {c.held} held, {c.stopped} stopped" for c in self.broker.coverages() if not c.is_kept]
        mine = {row.broker_order_id: row for row in self.legs(execution_id).values() if row.broker_order_id}
        book = self.server.book
        found = [
            *naked,
            *(f"{row.client_order_id} is not in the book" for key, row in mine.items() if key not in book.orders),
        ]
        for key, row in mine.items():
            order = book.orders.get(key)
            if order is not None and order.filled_qty != row.filled_quantity:
                found.append(f"{row.client_order_id}: {row.filled_quantity} booked, {order.filled_qty} filled")
        strangers = [o for o in book.orders.values() if o.id not in mine and o.replaced_by is None]
        return [*found, *(f"{o.type} {o.status} {o.client_order_id} is not in our tables" for o in strangers)]


@contextlib.contextmanager
def account(intents: Intents, *, cash: str = "100000") -> Generator[AlpacaAccount]:
    with alpaca(cash=cash) as server:
        client = Client(Credentials(KEY, SECRET), is_live=False, url=server.url, again_s=0.01)
        broker = AlpacaBroker(client, intents.world.engine, ManualClock(to_ms(AT)), uuid4(), pause_s=0.0)
        yield AlpacaAccount(server, client, broker, intents)
