"""The coverage invariant: the quantity under working stops is the quantity held.

Orders have to be listed nested and in all states: an active stop next to its target says `held`, and the list of
open orders leaves it out. A leg's `held` before its entry is completely filled is no protection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from agents.brokers.alpaca.answers import STOPS, OrderAnswer, PositionAnswer

_OF_AN_ENTRY = frozenset(("bracket", "oto"))


@dataclass(frozen=True, slots=True)
class Coverage:
    """`held` is signed, `stopped` is not. `naked` is what no stop stands for, `excess` would open the other way."""

    symbol: str
    held: Decimal
    stopped: Decimal

    @property
    def naked(self) -> Decimal:
        return max(Decimal(0), abs(self.held) - self.stopped)

    @property
    def excess(self) -> Decimal:
        return max(Decimal(0), self.stopped - abs(self.held))

    @property
    def is_kept(self) -> bool:
        return self.naked == 0 == self.excess


def coverages(positions: Iterable[PositionAnswer], orders: Iterable[OrderAnswer]) -> list[Coverage]:
    """Return the coverage of each symbol that is held or has a working stop, by name."""
    held = {position.symbol: position.quantity for position in positions}
    stopped: dict[str, Decimal] = {}
    for order in orders:
        for stop in working_stops(order):
            if stop.symbol is not None and stop.side == _exit_side(held.get(stop.symbol, Decimal(0))):
                stopped[stop.symbol] = stopped.get(stop.symbol, Decimal(0)) + stop.open_quantity
    return [Coverage(s, held.get(s, Decimal(0)), stopped.get(s, Decimal(0))) for s in sorted(held | stopped)]


def working_stops(order: OrderAnswer) -> list[OrderAnswer]:
    """Return the stops of an order and its legs that would sell or buy back if their price came now."""
    legs = order.legs or []
    found = [order] if order.type in STOPS and order.state != "held" and order.is_open else []
    if order.order_class in _OF_AN_ENTRY:
        return found + [leg for leg in legs if leg.type in STOPS and leg.is_open and order.state == "filled"]
    # Of an OCO the target is the parent; its stop is as alive as it is.
    return found + [leg for leg in legs if leg.type in STOPS and leg.is_open and order.is_open]


def _exit_side(held: Decimal) -> str:
    return "buy" if held < 0 else "sell"
