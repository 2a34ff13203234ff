"""The interface of a broker. Orders go by our own ids: the same id twice is the same order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol
from uuid import UUID

from core.store.orders import Order, OrderType, Side


@dataclass(frozen=True, slots=True)
class Held:
    """A position at its price now. `quantity` below zero is short."""

    symbol: str
    quantity: Decimal
    price: Decimal

    @property
    def value_usd(self) -> Decimal:
        return abs(self.quantity) * self.price


@dataclass(frozen=True, slots=True)
class AccountNow:
    """What risk is judged on, USD. `day_pnl_usd` is what the UTC day has brought, open positions included."""

    equity_usd: Decimal
    buying_power_usd: Decimal
    day_pnl_usd: Decimal
    positions: tuple[Held, ...]
    peak_equity_usd: Decimal = Decimal(0)
    """Most that the account was worth after a trade was closed; 0 where the broker does not know."""
    halted: str = ""
    """Why nothing new may be traded (the kill switch), empty while it may."""


@dataclass(frozen=True, slots=True)
class Lot:
    """A part of the position with a target of its own; all lots share the stop."""

    quantity: Decimal
    target: Decimal


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """An entry with its protection. The stop stands for every unit from the moment it is held."""

    execution_id: UUID
    pipeline_id: UUID
    user_id: UUID
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    order_type: OrderType
    entry_price: Decimal
    """The plan's; the limit of a limit order, what slippage is measured from."""
    stop: Decimal
    lots: tuple[Lot, ...]
    time_in_force: str


class Broker(Protocol):
    """All ways raise `Unavailable` (not now), and those that send `OutcomeUnknown` (it may have arrived)."""

    name: str
    account_type: Literal["paper", "live"]
    poll_s: float
    """Between two looks at an order that waits for its fill."""

    def account(self, user_id: UUID) -> AccountNow:
        """Return the account at the prices of now."""
        ...

    def find(self, client_order_id: str) -> Order | None:
        """Return an order as the broker knows it, None where it never arrived."""
        ...

    def submit(self, plan: OrderPlan) -> Order:
        """Send the entry with its protection, and return it as it stands. Sent before: nothing is sent again."""
        ...

    def cancel(self, client_order_id: str) -> Order | None:
        """Cancel what is not filled of an entry, and return it as it stands."""
        ...

    def legs(self, trade_id: UUID) -> list[Order]:
        """Return all orders of a trade."""
        ...
