"""What Alpaca answers, as types of ours: numbers come as text and are Decimal here, states are those of our orders.

Ask for raw bodies (`raw_data=True`): the vendor's models turn some of these numbers into floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from core.errors import Unavailable
from core.store.orders import OrderState

T = TypeVar("T")
_STATES: Mapping[str, OrderState] = {
    "pending_new": "sent",
    "accepted": "sent",
    "accepted_for_bidding": "sent",
    "pending_review": "sent",
    "held": "held",
    "new": "working",
    "done_for_day": "working",
    "pending_cancel": "working",
    "pending_replace": "working",
    "stopped": "working",
    "suspended": "working",
    "calculated": "working",
    "partially_filled": "partially_filled",
    "filled": "filled",
    "canceled": "cancelled",
    "replaced": "cancelled",
    "expired": "expired",
    "rejected": "rejected",
}
"""A request to cancel or replace is no promise: until it is done the order works and binds its quantity."""
_ENDED = frozenset(("filled", "cancelled", "expired", "rejected"))
STOPS = frozenset(("stop", "stop_limit", "trailing_stop"))


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An order; `legs` where it was asked for nested and has some. `qty` is None where it was given in dollars."""

    id: str
    client_order_id: str
    status: str
    side: str = ""
    type: str = ""
    order_class: str = ""
    time_in_force: str = ""
    symbol: str | None = None
    qty: Decimal | None = None
    filled_qty: Decimal = Decimal(0)
    filled_avg_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    updated_at: str | None = None
    legs: list[OrderAnswer] | None = None

    @property
    def state(self) -> OrderState:
        """Return the state in our words; `unknown`, which counts as open, for one that is new to us."""
        return _STATES.get(self.status, "unknown")

    @property
    def is_open(self) -> bool:
        return self.state not in _ENDED

    @property
    def open_quantity(self) -> Decimal:
        """Return what is not filled of an open order, 0 of an ended one."""
        return (self.qty or Decimal(0)) - self.filled_qty if self.is_open else Decimal(0)


class PositionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`qty` below zero is short. `qty_available` is what no open order has reserved."""

    symbol: str
    qty: Decimal
    side: Literal["long", "short"]
    avg_entry_price: Decimal
    qty_available: Decimal | None = None
    current_price: Decimal | None = None

    @property
    def quantity(self) -> Decimal:
        """Return the signed quantity, however the sign was written."""
        return -abs(self.qty) if self.side == "short" else abs(self.qty)


class AccountAnswer(msgspec.Struct, frozen=True, kw_only=True):
    account_number: str
    status: str
    equity: Decimal
    last_equity: Decimal
    cash: Decimal
    buying_power: Decimal
    trading_blocked: bool = False
    account_blocked: bool = False
    trade_suspended_by_user: bool = False

    @property
    def halted(self) -> str:
        """Return why the broker takes no new order, empty while it does."""
        if self.status != "ACTIVE":
            return f"the account at the broker is {self.status}"
        if self.trading_blocked or self.account_blocked:
            return "the broker has blocked the account"
        return "trading is suspended in the account's own settings" if self.trade_suspended_by_user else ""


class UpdateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the order stream. Fills carry `execution_id`, by which they are told apart."""

    event: str
    order: OrderAnswer
    timestamp: str | None = None
    execution_id: str | None = None
    price: Decimal | None = None
    qty: Decimal | None = None
    position_qty: Decimal | None = None


def read(body: object, kind: type[T]) -> T:
    """Return a body as a type of ours; fields we do not know are left out.

    Raises:
        Unavailable: it is not of that shape; the text says where, and shows nothing of it.
    """
    try:
        return msgspec.convert(body, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Unavailable(f"Alpaca answered what nobody can read: {error}") from None
