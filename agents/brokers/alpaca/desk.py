"""The requests we make of Alpaca, typed. An order is sent under its own id and looked up before it is sent again.

Ids are unique for the account for ever, so that the same order sent twice is refused as known, never made twice.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol
from urllib.parse import quote

from agents.brokers.alpaca.answers import AccountAnswer, OrderAnswer, PositionAnswer, read
from agents.brokers.alpaca.client import KnownOrder, Rejected
from core.errors import NotFound, OutcomeUnknown
from core.numbers import plain
from core.store.orders import Order

_MOST_LISTED = 500
_REPLACED_AT_MOST = 8
_ATTEMPTS = 3


class Requests(Protocol):
    """What we need of the vendor's client; raises as `AlpacaClient` does."""

    def get(self, path: str, data: dict[str, object] | None = None) -> object: ...
    def post(self, path: str, data: dict[str, object] | None = None) -> object: ...
    def patch(self, path: str, data: dict[str, object] | None = None) -> object: ...
    def delete(self, path: str) -> object: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """`pause_s` is between two looks at what is not done yet."""

    client: Requests
    pause_s: float = 0.5

    def account(self) -> AccountAnswer:
        return read(self.client.get("/account"), AccountAnswer)

    def positions(self) -> list[PositionAnswer]:
        return read(self.client.get("/positions"), list[PositionAnswer])

    def orders(self, symbols: Sequence[str] = ()) -> list[OrderAnswer]:
        """Return the newest orders in all states, nested: a list of the open ones leaves active stops out."""
        asked: dict[str, object] = {"status": "all", "nested": True, "limit": _MOST_LISTED}
        if symbols:
            asked["symbols"] = ",".join(symbols)
        return read(self.client.get("/orders", asked), list[OrderAnswer])

    def working(self) -> list[OrderAnswer]:
        """Return every order that has not ended, legs on their own."""
        found = [one for order in self.orders() for one in (order, *(order.legs or []))]
        return [order for order in found if order.is_open]

    def order(self, row: Order) -> OrderAnswer | None:
        """Return an order with its legs, as what replaced it where something did; None where it never arrived."""
        try:
            found = self._by_id(row.broker_order_id or self._by_client_id(row.client_order_id).id)
        except NotFound:
            return None
        return self.latest(found)

    def latest(self, answer: OrderAnswer) -> OrderAnswer:
        """Follow an order to what took its place."""
        for _ in range(_REPLACED_AT_MOST):
            if answer.replaced_by is None:
                break
            answer = self._by_id(answer.replaced_by)
        return answer

    def place(self, row: Order, body: Mapping[str, object]) -> OrderAnswer:
        """Send an order unless it has arrived before, and return it.

        Raises:
            Rejected: it was refused, for good.
            OutcomeUnknown: it was sent, and nobody answers where it is.
            Unavailable: Alpaca cannot be reached; what was sent before may have arrived.
        """
        for attempt in range(_ATTEMPTS):
            if attempt:
                self.wait()
            found = self.order(row)
            if found is not None:
                return found
            try:
                answer = read(self.client.post("/orders", dict(body)), OrderAnswer)
                return self.latest(self._by_id(answer.id))
            except (KnownOrder, OutcomeUnknown):
                continue
        found = self.order(row)
        if found is None:
            raise OutcomeUnknown(f"Alpaca does not say whether order {row.client_order_id} arrived")
        return found

    def cancel(self, broker_order_id: str) -> None:
        """Ask for a cancel. It is done when the order says so, and never where the order has ended before."""
        self._asked(lambda: self.client.delete(f"/orders/{quote(broker_order_id)}"))

    def cancel_all(self) -> None:
        self._asked(lambda: self.client.delete("/orders"))

    def close(self, symbol: str) -> None:
        self._asked(lambda: self.client.delete(f"/positions/{quote(symbol, safe='')}"))

    def move_stop(self, broker_order_id: str, price: Decimal) -> bool:
        """Ask for another price of a stop, and for nothing else; return whether it was taken."""
        return self._asked(lambda: self.client.patch(f"/orders/{quote(broker_order_id)}", {"stop_price": plain(price)}))

    def wait(self) -> None:
        threading.Event().wait(self.pause_s)

    def _asked(self, request: _Request) -> bool:
        """Make a request whose outcome the next look shows anyway."""
        try:
            request()
        except (Rejected, NotFound, OutcomeUnknown):
            return False
        return True

    def _by_id(self, broker_order_id: str) -> OrderAnswer:
        return read(self.client.get(f"/orders/{quote(broker_order_id)}", {"nested": True}), OrderAnswer)

    def _by_client_id(self, client_order_id: str) -> OrderAnswer:
        asked: dict[str, object] = {"client_order_id": client_order_id}
        return read(self.client.get("/orders:by_client_order_id", asked), OrderAnswer)


class _Request(Protocol):
    def __call__(self) -> object: ...
