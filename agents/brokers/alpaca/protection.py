"""What is to be done for a trade, from its orders as they stand: which to cancel, to make, to move. Pure.

    entry filled, its own stop works   -> cancel that stop
    nothing covers a lot               -> an OCO of its target and the stop; was one refused: a stop alone;
                                          was that refused too (the price is beyond it): out by market
    the first target filled            -> the survivor's stop to the price of the entry
    nothing held                       -> cancel what is left

Groups are named `lot.attempt`; lot 0 is the stop that came with the entry, `x` the way out by market.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from agents.brokers.broker import Lot
from agents.brokers.lots import exit_side, lots_held
from agents.instrument import Instrument
from core.store import orders
from core.store.orders import Order, Trade

ENDED = frozenset(("filled", "cancelled", "rejected", "expired"))
WITH_ENTRY = "0.1"
_NONE = Decimal(0)
_MOST_EXITS = 5


@dataclass(frozen=True, slots=True)
class Todo:
    """`make` holds groups of new orders, the parent first; `move` stops and the price they go to."""

    cancel: tuple[Order, ...] = ()
    make: tuple[tuple[Order, ...], ...] = ()
    move: tuple[tuple[Order, Decimal], ...] = ()


def is_open(order: Order) -> bool:
    return order.state not in ENDED


def is_unsure(order: Order) -> bool:
    """Return whether it was sent and nobody says whether it arrived."""
    return order.state == "unknown" and not order.broker_order_id


def parent_of(order: Order) -> str:
    """Return the client id of the order a leg belongs to, empty for one of its own."""
    return str(order.detail.get("of", ""))


def is_closing(entry: Order) -> bool:
    """Return whether the trade is being closed, so that nothing but its way out is made."""
    return bool(entry.detail.get("closing"))


def held_of(entry: Order, exits: Sequence[Order]) -> Decimal:
    """Return what is left of the trade; below zero where more went out than had come in."""
    return entry.filled_quantity - sum((order.filled_quantity for order in exits), _NONE)


def todo(trade: Trade, entry: Order, exits: Sequence[Order]) -> Todo:
    """Return what to do next; nothing where all is as it should be or the entry may still fill."""
    if is_open(entry):
        return Todo()
    working = [order for order in exits if is_open(order)]
    held = held_of(entry, exits)
    if held <= 0:
        return Todo(cancel=_parents(working))
    again = _to_send_again(entry, exits)
    if again:
        return Todo(make=again)
    if any(order.leg == "exit" for order in working):
        return Todo()
    if is_closing(entry):
        if working:
            return Todo(cancel=_parents(working))
        return Todo(make=_made(trade, entry, exits, lot=None, quantity=held))
    if any(order.oco_group == WITH_ENTRY for order in working):
        return Todo(cancel=_parents([order for order in working if order.oco_group == WITH_ENTRY]))
    return _lots(trade, entry, exits, held)


def _to_send_again(entry: Order, exits: Sequence[Order]) -> tuple[tuple[Order, ...], ...]:
    """Return the groups that were written and have not arrived: the same ids again make no second order.

    An OCO nobody answered about is not sent again but replaced by a plain stop, which is the shorter way to cover.
    """
    found: list[tuple[Order, ...]] = []
    for order in exits:
        legs = [leg for leg in exits if parent_of(leg) == order.client_order_id]
        is_lost = is_unsure(order) and not legs
        is_wanted = order.leg == "exit" if is_closing(entry) else True
        if not parent_of(order) and (order.state == "created" or is_lost) and is_wanted:
            found.append((order, *legs))
    return tuple(found)


def _lots(trade: Trade, entry: Order, exits: Sequence[Order], held: Decimal) -> Todo:
    lots = lots_held(entry)
    left = _left(lots, exits, held)
    made: list[tuple[Order, ...]] = []
    cancelled: list[Order] = []
    for number, lot in enumerate(lots, start=1):
        covered = _covered(number, exits)
        if covered < left[number]:
            new = (number, lot)
            made.extend(_made(trade, entry, exits, lot=new, quantity=left[number] - covered))
        elif covered > left[number]:
            # A group nobody answered about arrived after all: the plain stop made in its place goes.
            alone = [o for o in _of_lot(number, exits) if is_open(o) and o.leg == "stop" and not parent_of(o)]
            cancelled.extend(alone[:1] if len(_open_groups(number, exits)) > 1 else ())
    return Todo(cancel=tuple(cancelled), make=tuple(made), move=_moved(trade, entry, exits, left))


def _left(lots: Sequence[Lot], exits: Sequence[Order], held: Decimal) -> dict[int, Decimal]:
    """Return what is left of each lot. What went out for no lot of its own is taken off the last ones first."""
    left = {
        number: max(_NONE, lot.quantity - sum((o.filled_quantity for o in _of_lot(number, exits)), _NONE))
        for number, lot in enumerate(lots, start=1)
    }
    over = sum(left.values(), _NONE) - held
    for number in sorted(left, reverse=True):
        taken = min(left[number], max(_NONE, over))
        left[number] -= taken
        over -= taken
    return left


def _of_lot(number: int, exits: Sequence[Order]) -> list[Order]:
    return [order for order in exits if order.oco_group.startswith(f"{number}.")]


def _open_groups(number: int, exits: Sequence[Order]) -> dict[str, Decimal]:
    """Return the groups of a lot whose stop may work, and what each covers."""
    groups: dict[str, Decimal] = {}
    for order in _of_lot(number, exits):
        if is_open(order) and not is_unsure(order):
            quantity = order.quantity - order.filled_quantity
            groups[order.oco_group] = min(quantity, groups.get(order.oco_group, quantity))
    return groups


def _covered(number: int, exits: Sequence[Order]) -> Decimal:
    return sum(_open_groups(number, exits).values(), _NONE)


def _moved(
    trade: Trade, entry: Order, exits: Sequence[Order], left: dict[int, Decimal]
) -> tuple[tuple[Order, Decimal], ...]:
    is_first_reached = any(o.leg == "target_1" and o.filled_quantity > 0 for o in exits) and left.get(1) == 0
    if not is_first_reached or entry.filled_price is None:
        return ()
    price = Instrument(trade.symbol).round_price(entry.filled_price)
    stops = [o for o in exits if o.leg == "stop" and is_open(o) and o.broker_order_id and o.stop_price is not None]
    is_buy = entry.side == "buy"
    return tuple((o, price) for o in stops if (o.stop_price < price if is_buy else o.stop_price > price))  # pyright: ignore[reportOptionalOperand]


def _parents(working: Sequence[Order]) -> tuple[Order, ...]:
    """Return one order of each group: the others go with it."""
    first: dict[str, Order] = {}
    for order in sorted(working, key=lambda o: parent_of(o) != "" and o.oco_group != WITH_ENTRY):
        first.setdefault(order.oco_group, order)
    return tuple(first.values())


def _made(
    trade: Trade, entry: Order, exits: Sequence[Order], *, lot: tuple[int, Lot] | None, quantity: Decimal
) -> tuple[tuple[Order, ...], ...]:
    """Return the group that covers a quantity of a lot, or leads out of the trade where there is no lot."""
    refused = [] if lot is None else [o for o in _of_lot(lot[0], exits) if o.state == "rejected"]
    if lot is None or any(not parent_of(o) and o.leg == "stop" for o in refused):
        attempt = 1 + sum(order.leg == "exit" for order in exits)
        if attempt > _MOST_EXITS:
            return ()
        return ((_row(entry, f"x-{attempt}", group=f"x.{attempt}", quantity=quantity),),)
    number, wanted = lot
    attempt = 1 + len({order.oco_group for order in _of_lot(number, exits)})
    group = f"{number}.{attempt}"
    if refused or any(is_unsure(order) for order in _of_lot(number, exits)):
        alone = _row(entry, f"p{number}-{attempt}", group=group, quantity=quantity)
        return ((msgspec.structs.replace(alone, leg="stop", order_type="stop", stop_price=trade.stop_loss),),)
    target = msgspec.structs.replace(
        _row(entry, f"t{number}-{attempt}", group=group, quantity=quantity),
        leg="target_1" if number == 1 else "target_2",
        order_type="limit",
        limit_price=wanted.target,
    )
    stop = msgspec.structs.replace(
        _row(entry, f"s{number}-{attempt}", group=group, quantity=quantity),
        leg="stop",
        order_type="stop",
        stop_price=trade.stop_loss,
        detail={"of": target.client_order_id},
    )
    return ((target, stop),)


def stop_of_entry(entry: Order, trade: Trade) -> Order:
    """Return the stop that is sent together with the entry, for all of it."""
    return msgspec.structs.replace(
        _row(entry, "s0-1", group=WITH_ENTRY, quantity=entry.quantity),
        leg="stop",
        order_type="stop",
        stop_price=trade.stop_loss,
        detail={"of": entry.client_order_id},
    )


def _row(entry: Order, part: str, *, group: str, quantity: Decimal) -> Order:
    """Return a market order out of the trade, not sent yet."""
    own = orders.client_order_id(entry.execution_id, part)
    return msgspec.structs.replace(
        entry,
        id=orders.order_id_of(own),
        client_order_id=own,
        leg="exit",
        oco_group=group,
        side=exit_side(entry),
        order_type="market",
        quantity=quantity,
        limit_price=None,
        stop_price=None,
        time_in_force="gtc",
        state="created",
        broker_order_id="",
        filled_quantity=_NONE,
        filled_price=None,
        error="",
        detail={},
    )
