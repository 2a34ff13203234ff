"""The arithmetic of a position: average price, realised profit, cash. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.store.orders import Position, Side


@dataclass(frozen=True, slots=True)
class Booking:
    """What a fill does: the position after it, what it realised, what it moved in cash (commission included)."""

    position: Position
    realized_usd: Decimal
    cash_usd: Decimal


def book(held: Position, side: Side, quantity: Decimal, *, price: Decimal, commission: Decimal) -> Booking:
    """Return what a fill makes of a position.

    The average price moves with what is added and stays with what is taken off; a fill through zero closes the
    old position at its average and opens the rest at its own price.
    """
    signed = quantity if side == "buy" else -quantity
    after = held.quantity + signed
    realized = Decimal(0)
    average = held.average_price
    if held.quantity == 0 or (held.quantity > 0) == (signed > 0):
        average = (abs(held.quantity) * held.average_price + quantity * price) / (abs(held.quantity) + quantity)
    else:
        closed = min(quantity, abs(held.quantity))
        direction = 1 if held.quantity > 0 else -1
        realized = direction * closed * (price - held.average_price)
        if after == 0:
            average = Decimal(0)
        elif (after > 0) != (held.quantity > 0):
            average = price
    position = Position(
        symbol=held.symbol,
        quantity=after,
        average_price=average,
        realized_pnl_usd=held.realized_pnl_usd + realized,
    )
    return Booking(position, realized, -signed * price - commission)
