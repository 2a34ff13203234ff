"""What Alpaca says of our orders, in our tables: states, fills once each, and what they make of the trade."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from agents.brokers.alpaca.answers import OrderAnswer
from agents.brokers.alpaca.protection import ENDED, held_of, is_open
from core.errors import Unavailable
from core.store import orders
from core.store.orders import Fill, Order, Trade
from core.store.postgres import Connection

_FRACTION = Decimal("0.000001")
_NONE = Decimal(0)


def book_order(tx: Connection, row: Order, answer: OrderAnswer, at: datetime) -> bool:
    """Book an order as the broker knows it; return whether anything was new.

    A fill is known by the order's cumulative quantity, so that it is booked once however often it is told. What an
    older answer says of an order that has filled further or ended changes nothing.

    Raises:
        Unavailable: it is filled at no price.
    """
    found = orders.by_client_order_id(tx, row.client_order_id, hold=True)
    if found is None:
        return False
    is_filled_further = answer.filled_qty > found.filled_quantity
    if is_filled_further:
        _add_fill(tx, found, answer, at)
    state = found.state if found.state in ENDED and answer.state != "filled" else answer.state
    if answer.filled_qty < found.filled_quantity:
        state = found.state
    stop = answer.stop_price if found.order_type == "stop" and answer.stop_price is not None else found.stop_price
    if not is_filled_further and (state, answer.id, stop) == (found.state, found.broker_order_id, found.stop_price):
        return False
    filled = answer if is_filled_further else None
    orders.change_order(
        tx,
        found.id,
        at,
        state=state,
        broker_order_id=answer.id,
        stop_price=stop,
        filled_quantity=filled.filled_qty if filled else found.filled_quantity,
        filled_price=filled.filled_avg_price if filled else found.filled_price,
    )
    return True


def _add_fill(tx: Connection, row: Order, answer: OrderAnswer, at: datetime) -> None:
    average = answer.filled_avg_price
    if average is None:
        raise Unavailable(f"Alpaca says that {row.client_order_id} filled, and not at which price")
    quantity = answer.filled_qty - row.filled_quantity
    before = row.filled_quantity * (row.filled_price or _NONE)
    price = ((answer.filled_qty * average - before) / quantity).quantize(_FRACTION)
    orders.add_fill(
        tx,
        row,
        Fill(
            order_id=row.id,
            number=int(answer.filled_qty / _FRACTION),
            quantity=quantity,
            price=price,
            commission_usd=_NONE,
            realized_pnl_usd=_realized(tx, row, quantity, price),
        ),
        at,
    )


def _realized(tx: Connection, row: Order, quantity: Decimal, price: Decimal) -> Decimal:
    """Return what a fill earned against the mean price of the trade's entry, USD; 0 for the entry."""
    trade = orders.trade(tx, row.trade_id) if row.trade_id and row.leg != "entry" else None
    if trade is None or trade.filled_price is None:
        return _NONE
    return (1 if trade.action == "BUY" else -1) * quantity * (price - trade.filled_price)


def book_trade(tx: Connection, trade: Trade, rows: Sequence[Order], at: datetime) -> None:
    """Bring a trade in line with its orders. Writes the same however often it runs."""
    entry = next((row for row in rows if row.leg == "entry"), None)
    if entry is None or entry.state == "created":
        return
    exits = [row for row in rows if row.leg != "entry"]
    paid, values = entry.filled_price, dict[str, object]()
    if paid is None or entry.filled_quantity == 0:
        if not is_open(entry):
            values["status"] = "rejected" if entry.state == "rejected" else "cancelled"
    else:
        sign = 1 if trade.action == "BUY" else -1
        out = [row for row in exits if row.filled_price is not None]
        is_over = not is_open(entry) and held_of(entry, exits) <= 0 and not any(is_open(row) for row in exits)
        values |= {
            "status": "closed" if is_over else "open",
            "filled_price": paid,
            "filled_quantity": entry.filled_quantity,
            "slippage": sign * (paid - (trade.entry_price or paid)),
            "broker_order_id": entry.broker_order_id,
        }
        if out:
            earned = (sign * row.filled_quantity * ((row.filled_price or _NONE) - paid) for row in out)
            values["pnl"] = sum(earned, _NONE)
        if trade.status == "pending":
            values["filled_at"] = at
    status = values.get("status", trade.status)
    if status in ("closed", "cancelled") and trade.status != status:
        values["closed_at"] = at
    if values:
        orders.change_trade(tx, trade.id, **values)
