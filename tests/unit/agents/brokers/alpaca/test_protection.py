"""What a trade at Alpaca calls for, from its orders alone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import msgspec

from agents.brokers.alpaca.protection import Todo, stop_of_entry, todo
from agents.brokers.broker import Lot
from agents.brokers.lots import lots_detail
from core.store.orders import Order, OrderState, Trade

ONE = UUID(int=1)
D = Decimal
TRADE = Trade(
    id=ONE, execution_id=ONE, pipeline_id=ONE, user_id=ONE, account_id=ONE, symbol="AAPL", action="BUY",
    quantity=D(10), entry_price=D(100), stop_loss=D(98), target_1=D(103), target_2=D(106),
)  # fmt: skip
ENTRY = Order(
    id=ONE, client_order_id="tw-1-entry", execution_id=ONE, trade_id=ONE, user_id=ONE, account_id=ONE, broker="alpaca",
    leg="entry", oco_group="", symbol="AAPL", side="buy", order_type="market", quantity=D(10), state="filled",
    broker_order_id="b", filled_quantity=D(10), filled_price=D(100),
    detail=lots_detail((Lot(D(5), D(103)), Lot(D(5), D(106)))),
)  # fmt: skip


def in_state(group: Sequence[Order], state: OrderState) -> list[Order]:
    return [msgspec.structs.replace(order, state=state) for order in group]


def names(groups: Sequence[Sequence[Order]]) -> list[list[str]]:
    return [[order.client_order_id.split("-", 2)[2] for order in group] for group in groups]


def test_an_entry_that_may_still_fill_calls_for_nothing() -> None:
    assert todo(TRADE, msgspec.structs.replace(ENTRY, state="partially_filled"), []) == Todo()


def test_the_stop_that_came_with_the_entry_is_cancelled_before_anything_is_made() -> None:
    stop = msgspec.structs.replace(stop_of_entry(ENTRY, TRADE), state="working")
    what = todo(TRADE, ENTRY, [stop])
    assert (what.cancel, what.make) == ((stop,), ())


def test_a_refused_oco_is_followed_by_a_stop_alone_and_a_refused_stop_by_the_way_out() -> None:
    exits: list[Order] = []
    made = todo(TRADE, ENTRY, exits).make
    assert names(made) == [["t1-1", "s1-1"], ["t2-1", "s2-1"]]
    exits += in_state(made[0], "rejected") + in_state(made[1], "working")
    alone = todo(TRADE, ENTRY, exits).make
    assert names(alone) == [["p1-2"]]
    assert (alone[0][0].order_type, alone[0][0].stop_price, alone[0][0].quantity) == ("stop", D(98), D(5))
    exits += in_state(alone[0], "rejected")
    out = todo(TRADE, ENTRY, exits).make
    assert names(out) == [["x-1"]]
    assert (out[0][0].order_type, out[0][0].side, out[0][0].quantity) == ("market", "sell", D(5))


def test_a_way_out_that_is_refused_for_ever_is_not_tried_for_ever() -> None:
    entry = msgspec.structs.replace(ENTRY, detail=ENTRY.detail | {"closing": True})
    exits: list[Order] = []
    while made := todo(TRADE, entry, exits).make:
        exits += in_state(made[0], "rejected")
    assert names([exits]) == [["x-1", "x-2", "x-3", "x-4", "x-5"]]


def test_what_was_written_and_not_sent_is_sent_under_the_same_ids() -> None:
    made = todo(TRADE, ENTRY, []).make
    written = [order for group in made for order in group]
    assert todo(TRADE, ENTRY, written).make == made


def test_an_oco_that_arrived_after_all_takes_the_place_of_the_stop_alone() -> None:
    first, second = todo(TRADE, ENTRY, []).make
    unsure = in_state(first, "unknown") + in_state(second, "working")
    (alone,) = todo(TRADE, ENTRY, unsure).make[0]
    stop = msgspec.structs.replace(alone, state="working", broker_order_id="p")
    assert todo(TRADE, ENTRY, [*unsure, stop]).cancel == ()
    assert todo(TRADE, ENTRY, [*in_state(first, "working"), *in_state(second, "working"), stop]).cancel == (stop,)
