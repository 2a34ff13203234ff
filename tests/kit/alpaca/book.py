"""The orders of one account at a made-up Alpaca: what it takes, refuses, holds, fills and cancels, without a network.

    book = Book(); book.trade("AAPL", "100"); order = book.submit({...}); book.trade("AAPL", "95")

Prices move by `trade` alone; a market order fills at the last one. Written from the vendor's pages and from what
its users report (legs `held` until the entry is completely filled, an active stop beside its target still `held`,
sells that reserve their quantity). Bodies are those of the API: numbers as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid5

from core.numbers import plain

_NAMESPACE = UUID("c1b9a0f4-6d1e-5e0c-9a35-6a1f7f3b2d11")
_AT = "2026-11-23T15:00:00Z"
OPEN = frozenset(("new", "accepted", "held", "partially_filled", "pending_cancel", "pending_new"))
_STOPS = ("stop", "stop_limit", "trailing_stop")
D = Decimal
_NOTHING = Decimal(0)


class Refused(Exception):
    """What the API answers with."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(f"{status} {code} {message}")


@dataclass(slots=True)
class Order:
    id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    qty: Decimal
    order_class: str = ""
    time_in_force: str = "day"
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    status: str = "new"
    filled_qty: Decimal = _NOTHING
    filled_avg_price: Decimal | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    parent: Order | None = None
    legs: list[Order] = field(default_factory=list["Order"])

    @property
    def left(self) -> Decimal:
        return self.qty - self.filled_qty if self.status in OPEN else D(0)

    @property
    def is_live(self) -> bool:
        """Whether a price may fill it: a held leg beside its live target is, one before its entry's fill is not."""
        if self.status == "held":
            return self.parent is not None and _is_armed(self.parent, self)
        return self.status in ("new", "accepted", "partially_filled", "pending_cancel")

    def body(self, *, nested: bool = True) -> dict[str, Any]:
        """Return the order as the API does."""
        made: dict[str, Any] = dict.fromkeys(
            ("filled_at", "expired_at", "expires_at", "canceled_at", "failed_at", "replaced_at", "notional",
             "trail_percent", "trail_price", "hwm", "position_intent", "ratio_qty")
        )  # fmt: skip
        made |= {
            "id": self.id, "client_order_id": self.client_order_id, "created_at": _AT, "updated_at": _AT,
            "submitted_at": _AT, "asset_id": str(uuid5(_NAMESPACE, self.symbol)), "symbol": self.symbol,
            "asset_class": "us_equity", "qty": plain(self.qty), "filled_qty": plain(self.filled_qty),
            "filled_avg_price": _text(self.filled_avg_price), "order_class": self.order_class,
            "order_type": self.type, "type": self.type, "side": self.side, "time_in_force": self.time_in_force,
            "limit_price": _text(self.limit_price), "stop_price": _text(self.stop_price), "status": self.status,
            "extended_hours": False, "replaces": self.replaces, "replaced_by": self.replaced_by,
            "legs": [leg.body() for leg in self.legs] if nested and self.legs else None,
        }  # fmt: skip
        return made


@dataclass(frozen=True, slots=True)
class Update:
    """A message of the order stream. `execution_id`, `price`, `qty` and `position_qty` of fills only."""

    event: str
    order: Mapping[str, Any]
    execution_id: str = ""
    price: Decimal | None = None
    qty: Decimal | None = None
    position_qty: Decimal | None = None


class Book:
    """`updates` is what the stream tells, in order: the cancel of a leg whose sibling filled is not among it.

    most_a_fill          so much of an order fills at a price, the rest with the next; None: all of it
    cancels_wait         a cancel stays `pending_cancel` until `settle`
    takes_second_bracket whether a bracket is taken where the symbol is held or has a working order
    """

    def __init__(self, *, cash: str = "100000") -> None:
        self.cash = D(cash)
        self.positions: dict[str, tuple[Decimal, Decimal]] = {}
        """Signed quantity and average price by symbol."""
        self.orders: dict[str, Order] = {}
        self.updates: list[Update] = []
        self.most_a_fill: Decimal | None = None
        self.cancels_wait = False
        self.takes_second_bracket = False
        self._prices: dict[str, Decimal] = {}
        self._fills = 0

    # ---- asking ----

    def by_client_id(self, client_order_id: str) -> Order:
        for order in self.orders.values():
            if order.client_order_id == client_order_id:
                return order
        raise Refused(404, 40410000, f"order not found for {client_order_id}")

    def order(self, order_id: str) -> Order:
        if order_id not in self.orders:
            raise Refused(404, 40410000, "order not found")
        return self.orders[order_id]

    def held(self, symbol: str) -> Decimal:
        return self.positions.get(symbol, (D(0), D(0)))[0]

    @property
    def equity(self) -> Decimal:
        return self.cash + sum((q * self._prices[s] for s, (q, _) in self.positions.items()), D(0))

    # ---- acting ----

    def submit(self, asked: Mapping[str, Any]) -> Order:
        """Take an order, or refuse it; a market order fills at once where the symbol has a price."""
        given = str(asked.get("client_order_id") or uuid5(_NAMESPACE, f"own/{len(self.orders)}"))
        if any(order.client_order_id == given for order in self.orders.values()):
            raise Refused(422, 40010001, "client_order_id must be unique")
        order = self._made(asked, given)
        self._check(order)
        for one in (order, *order.legs):
            self.orders[one.id] = one
        self._tell("new", order)
        self._match(order.symbol)
        return order

    def cancel(self, order_id: str) -> None:
        order = self.order(order_id)
        if order.status not in OPEN:
            raise Refused(422, 42210000, f"order is already in {order.status!r} state")
        for one in _group(order):
            if one.status in OPEN:
                one.status = "pending_cancel" if self.cancels_wait else "canceled"
                self._tell("pending_cancel" if self.cancels_wait else "canceled", one)

    def settle(self) -> None:
        """Let cancels that wait be done."""
        for order in self.orders.values():
            if order.status == "pending_cancel":
                order.status = "canceled"
                self._tell("canceled", order)

    def replace(self, order_id: str, asked: Mapping[str, Any]) -> Order:
        """Put a new order in the place of a working one; a leg's quantity stays."""
        old = self.order(order_id)
        if old.status not in ("new", "accepted", "held", "partially_filled"):
            raise Refused(422, 42210000, f"order is already in {old.status!r} state")
        if old.parent is not None and "qty" in asked:
            raise Refused(422, 42210000, "qty of a leg cannot be replaced")
        new = Order(
            id=str(uuid5(_NAMESPACE, f"replace/{old.id}/{len(self.orders)}")),
            client_order_id=str(asked.get("client_order_id") or uuid5(_NAMESPACE, f"own/{len(self.orders)}")),
            symbol=old.symbol, side=old.side, type=old.type, qty=D(str(asked.get("qty", old.qty))),
            order_class=old.order_class, time_in_force=old.time_in_force, status=old.status, replaces=old.id,
            limit_price=_number(asked.get("limit_price")) or old.limit_price,
            stop_price=_number(asked.get("stop_price")) or old.stop_price,
            filled_qty=old.filled_qty, filled_avg_price=old.filled_avg_price, parent=old.parent, legs=old.legs,
        )  # fmt: skip
        old.status, old.replaced_by = "replaced", new.id
        if old.parent is not None:
            old.parent.legs[old.parent.legs.index(old)] = new
        self.orders[new.id] = new
        self._tell("replaced", old)
        return new

    def trade(self, symbol: str, price: str | Decimal) -> None:
        """Let the market print a price, and fill what it fills."""
        self._prices[symbol] = D(price)
        self._match(symbol)

    # ---- parts ----

    def _made(self, asked: Mapping[str, Any], client_order_id: str) -> Order:
        kind, order_class = str(asked["type"]), str(asked.get("order_class") or "")
        order_class = "" if order_class == "simple" else order_class
        take, stop = _price_in(asked, "take_profit", "limit_price"), _price_in(asked, "stop_loss", "stop_price")
        order = Order(
            id=str(uuid5(_NAMESPACE, client_order_id)), client_order_id=client_order_id, symbol=str(asked["symbol"]),
            side=str(asked["side"]), type=kind, qty=D(str(asked["qty"])), order_class=order_class,
            time_in_force=str(asked.get("time_in_force", "day")),
            limit_price=_number(asked.get("limit_price")) or (take if order_class == "oco" else None),
            stop_price=_number(asked.get("stop_price")),
        )  # fmt: skip
        exit_side = order.side if order_class == "oco" else "sell" if order.side == "buy" else "buy"
        target, protection = ("limit", take, None), ("stop", None, stop)
        wanted: list[tuple[str, Decimal | None, Decimal | None]] = []
        if order_class == "bracket":
            for name, price in (("take_profit.limit_price", take), ("stop_loss.stop_price", stop)):
                if price is None:
                    raise Refused(422, 40010001, f"bracket orders require {name}")
            wanted = [target, protection]
        elif order_class == "oto":
            wanted = [protection if stop is not None else target]
        elif order_class == "oco":
            wanted = [protection]
        for n, (leg_kind, limit, stop_price) in enumerate(wanted):
            leg_id = str(uuid5(_NAMESPACE, f"{order.id}/{n}"))
            order.legs.append(
                Order(
                    id=leg_id, client_order_id=str(uuid5(_NAMESPACE, f"{leg_id}/client")), symbol=order.symbol,
                    side=exit_side, type=leg_kind, qty=order.qty, order_class=order_class,
                    time_in_force=order.time_in_force, limit_price=limit, stop_price=stop_price, status="held",
                    parent=order,
                )
            )  # fmt: skip
        return order

    def _check(self, order: Order) -> None:
        for one in (order, *order.legs):
            for price in (one.limit_price, one.stop_price):
                if price is not None and price % (D("0.01") if price >= 1 else D("0.0001")):
                    raise Refused(
                        422,
                        42210000,
                        f"invalid price {price}. sub-penny increment does not fulfill minimum pricing criteria",
                    )
        held, is_entry = self.held(order.symbol), order.order_class in ("bracket", "oto")
        if order.order_class and order.qty % 1:
            raise Refused(422, 42210000, "fractional orders must be simple orders")
        others = [o for o in self.orders.values() if o.symbol == order.symbol and o.status in OPEN]
        if is_entry and not self.takes_second_bracket and (held or others):
            raise Refused(422, 42210000, "bracket orders must be entry orders")
        if not order.order_class and any(o.side != order.side and not o.order_class for o in others):
            raise Refused(403, 40310000, "potential wash trade detected. use complex orders")
        base = order.limit_price or self._prices.get(order.symbol)
        for leg in order.legs if is_entry else ():
            if leg.stop_price is not None and base is not None:
                below = leg.side == "sell"
                if leg.stop_price > base - D("0.01") if below else leg.stop_price < base + D("0.01"):
                    raise Refused(422, 42210000, f"stop price must be beyond base_price {base}")
        if order.side == "sell" and held > 0:
            free = held - self._reserved(order.symbol)
            if order.qty > free:
                raise Refused(
                    403, 40310000, f"insufficient qty available for order (requested: {order.qty}, available: {free})"
                )
        elif order.side == "buy" and held >= 0 and base is not None and order.qty * base > self.cash:
            raise Refused(403, 40310000, "insufficient buying power")

    def _reserved(self, symbol: str) -> Decimal:
        """Return what open sells have reserved; the two of a group reserve the same shares."""
        open_sells = [o for o in self.orders.values() if o.symbol == symbol and o.side == "sell" and o.status in OPEN]
        groups: dict[str, Decimal] = {}
        for order in open_sells:
            if order.parent is not None and order.order_class != "oco" and order.parent.status != "filled":
                continue
            key = (order.parent or order).id
            groups[key] = max(groups.get(key, D(0)), order.left)
        return sum(groups.values(), D(0))

    def _match(self, symbol: str) -> None:
        price = self._prices.get(symbol)
        if price is None:
            return
        for order in list(self.orders.values()):
            if order.symbol == symbol and order.is_live and order.left > 0 and _is_due(order, price):
                self._fill(order, price)

    def _fill(self, order: Order, price: Decimal) -> None:
        qty = min(order.left, self.most_a_fill) if self.most_a_fill is not None else order.left
        before = order.filled_qty
        order.filled_avg_price = (before * (order.filled_avg_price or D(0)) + qty * price) / (before + qty)
        order.filled_qty += qty
        order.status = "filled" if order.filled_qty == order.qty else "partially_filled"
        self._book(order.symbol, qty if order.side == "buy" else -qty, price)
        self._fills += 1
        self.updates.append(
            Update(
                "fill" if order.status == "filled" else "partial_fill", order.body(),
                execution_id=str(uuid5(_NAMESPACE, f"fill/{self._fills}")), price=price, qty=qty,
                position_qty=self.held(order.symbol),
            )
        )  # fmt: skip
        if order.status == "filled":
            self._after(order)

    def _after(self, order: Order) -> None:
        """Wake the legs of an entry; cancel the sibling of an exit, untold."""
        if order.order_class in ("bracket", "oto") and order.parent is None:
            for leg in order.legs:
                if leg.status == "held" and (leg.type == "limit" or order.order_class == "oto"):
                    leg.status = "new"
                    self._tell("new", leg)
            return
        for one in _group(order):
            if one is not order and one.status in OPEN:
                one.status = "canceled"

    def _book(self, symbol: str, signed: Decimal, price: Decimal) -> None:
        held, average = self.positions.get(symbol, (D(0), D(0)))
        self.cash -= signed * price
        after = held + signed
        if after == 0:
            self.positions.pop(symbol, None)
            return
        if held == 0 or (held > 0) != (after > 0):
            average = price
        elif (held > 0) == (signed > 0):
            average = (abs(held) * average + abs(signed) * price) / abs(after)
        self.positions[symbol] = (after, average)

    def _tell(self, event: str, order: Order) -> None:
        self.updates.append(Update(event, order.body()))


def _group(order: Order) -> Iterator[Order]:
    """Yield the orders that live and die together: an entry with its legs, or the two exits."""
    first = order.parent or order
    if order.parent is None or first.order_class == "oco":
        yield first
    yield from first.legs


def _is_armed(parent: Order, leg: Order) -> bool:
    if parent.order_class == "oco":
        return parent.status in OPEN
    return parent.status == "filled" and leg.status == "held"


def _is_due(order: Order, price: Decimal) -> bool:
    is_buy = order.side == "buy"
    if order.type == "market":
        return True
    if order.type in _STOPS and order.stop_price is not None:
        return price >= order.stop_price if is_buy else price <= order.stop_price
    limit = order.limit_price
    return limit is not None and (price <= limit if is_buy else price >= limit)


def _price_in(asked: Mapping[str, Any], part: str, key: str) -> Decimal | None:
    """Return a leg's price, None where the part or the price is left out."""
    found = cast("Mapping[str, object] | None", asked.get(part))
    return _number(found.get(key)) if found else None


def _number(value: object) -> Decimal | None:
    return None if value is None else D(str(value))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
