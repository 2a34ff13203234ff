"""Our orders as Alpaca wants them asked for. Numbers go as text, exact. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from core.numbers import plain
from core.store.orders import Order


def body(order: Order, leg: Order | None) -> Mapping[str, object]:
    """Return the request that makes an order: an entry with its stop (OTO), a target with its stop (OCO), or alone.

    All of it stands until cancelled: legs take the time in force of their parent, and a stop has to stand the next
    morning. An entry that does not fill is cancelled by our own deadline.
    """
    made: dict[str, object] = {
        "symbol": order.symbol,
        "qty": plain(order.quantity),
        "side": order.side,
        "type": order.order_type,
        "time_in_force": "day" if order.leg == "exit" else "gtc",
        "client_order_id": order.client_order_id,
    }
    if leg is not None and order.leg == "entry":
        made |= _price("limit_price", order.limit_price)
        return made | {"order_class": "oto", "stop_loss": _price("stop_price", leg.stop_price)}
    if leg is not None:
        target, stop = _price("limit_price", order.limit_price), _price("stop_price", leg.stop_price)
        return made | {"order_class": "oco", "take_profit": target, "stop_loss": stop}
    return made | _price("limit_price", order.limit_price) | _price("stop_price", order.stop_price)


def _price(name: str, price: Decimal | None) -> dict[str, object]:
    return {} if price is None else {name: plain(price)}
