"""The lots of an entry: how they are kept with it until it fills, and what of them a part of the fill makes. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec

from agents.brokers.broker import Lot
from agents.instrument import Instrument
from core.store import orders
from core.store.orders import Order, Side, Trade


def protection(entry: Order, trade: Trade, lots: tuple[Lot, ...]) -> list[Order]:
    """Return a stop and a target for each lot: together the stops cover what is held, exactly."""
    made: list[Order] = []
    for number, lot in enumerate(lots, start=1):
        stop_id = orders.client_order_id(entry.execution_id, f"s{number}")
        target_id = orders.client_order_id(entry.execution_id, f"t{number}")
        leg = msgspec.structs.replace(
            entry,
            id=orders.order_id_of(stop_id),
            client_order_id=stop_id,
            leg="stop",
            oco_group=str(number),
            side=exit_side(entry),
            order_type="stop",
            quantity=lot.quantity,
            limit_price=None,
            stop_price=trade.stop_loss,
            time_in_force="gtc",
            state="working",
            filled_quantity=Decimal(0),
            filled_price=None,
            detail={},
        )
        made.append(leg)
        made.append(
            msgspec.structs.replace(
                leg,
                id=orders.order_id_of(target_id),
                client_order_id=target_id,
                leg="target_1" if number == 1 else "target_2",
                order_type="limit",
                limit_price=lot.target,
                stop_price=None,
            )
        )
    return made


def exit_side(entry: Order) -> Side:
    return "sell" if entry.side == "buy" else "buy"


def lots_detail(lots: tuple[Lot, ...]) -> dict[str, object]:
    """Return the lots as they are kept with the entry order, until it fills."""
    return {"lots": [[str(lot.quantity), str(lot.target)] for lot in lots]}


def plan_of(entry: Order) -> tuple[Lot, ...]:
    """Return the lots an entry order was written with."""
    rows = msgspec.convert(entry.detail.get("lots", []), list[tuple[str, str]])
    return tuple(Lot(Decimal(quantity), Decimal(target)) for quantity, target in rows)


def lots_held(entry: Order) -> tuple[Lot, ...]:
    """Return the lots of what the entry filled, in the plan's proportion; a lot that would be empty is left out."""
    lots, filled = plan_of(entry), entry.filled_quantity
    if filled == 0 or not lots:
        return ()
    if len(lots) == 1:
        return (replace(lots[0], quantity=filled),)
    at_first = Instrument(entry.symbol).round_quantity(filled * lots[0].quantity / entry.quantity)
    if at_first == 0:
        return (replace(lots[0], quantity=filled),)
    rest = (replace(lots[1], quantity=filled - at_first),) if filled > at_first else ()
    return (replace(lots[0], quantity=at_first), *rest)
