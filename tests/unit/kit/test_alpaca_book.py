"""The made-up Alpaca does what the vendor's pages and its users' reports say of orders."""

from __future__ import annotations

from decimal import Decimal

import pytest
from alpaca.trading.models import Order as TheirOrder

from tests.kit.alpaca.book import Book, Order, Refused

D = Decimal


def book(price: str = "100", *, cash: str = "100000") -> Book:
    made = Book(cash=cash)
    made.trade("AAPL", price)
    return made


def entry(order_class: str = "bracket", *, qty: str = "10", client_id: str = "e1", **more: object) -> dict[str, object]:
    asked: dict[str, object] = {
        "symbol": "AAPL", "qty": qty, "side": "buy", "type": "market", "order_class": order_class,
        "client_order_id": client_id, "stop_loss": {"stop_price": 95},
    }  # fmt: skip
    if order_class == "bracket":
        asked["take_profit"] = {"limit_price": 110}
    return asked | more


def plain(side: str, kind: str, *, qty: str = "10", client_id: str = "p1", **more: object) -> dict[str, object]:
    return {"symbol": "AAPL", "qty": qty, "side": side, "type": kind, "client_order_id": client_id, **more}


def oco(*, qty: str = "10", client_id: str = "o1", take: float = 110, stop: float = 95) -> dict[str, object]:
    return plain(
        "sell", "limit", qty=qty, client_id=client_id, order_class="oco",
        take_profit={"limit_price": take}, stop_loss={"stop_price": stop},
    )  # fmt: skip


def states(order: Order) -> tuple[str, ...]:
    return order.status, *(leg.status for leg in order.legs)


def refused(made: Book, asked: dict[str, object]) -> str:
    with pytest.raises(Refused) as found:
        made.submit(asked)
    return str(found.value)


def test_a_bracket_is_filled_its_target_works_beside_a_held_stop_and_its_fill_cancels_the_stop_untold() -> None:
    made = book()
    order = made.submit(entry())
    assert states(order) == ("filled", "new", "held")
    made.trade("AAPL", "110")
    assert states(order) == ("filled", "filled", "canceled")
    assert made.positions == {}
    told = [(update.event, update.order["type"]) for update in made.updates]
    assert told == [("new", "market"), ("fill", "market"), ("new", "limit"), ("fill", "limit")]


def test_the_held_stop_of_a_filled_bracket_sells_when_its_price_comes() -> None:
    made = book()
    order = made.submit(entry())
    made.trade("AAPL", "94")
    assert states(order) == ("filled", "canceled", "filled")
    assert made.cash == D(100_000) - 10 * 100 + 10 * 94


def test_legs_stay_held_and_sell_nothing_until_the_entry_is_completely_filled() -> None:
    made = book()
    made.most_a_fill = D(4)
    order = made.submit(entry("oto"))
    assert states(order) == ("partially_filled", "held")
    assert order.filled_qty == 4
    made.most_a_fill = D(0) + D("0.000001")
    made.trade("AAPL", "90")
    assert order.legs[0].filled_qty == 0


def test_an_oto_ends_with_a_working_stop_that_can_be_cancelled_for_two_ocos() -> None:
    made = book()
    order = made.submit(entry("oto"))
    [stop] = order.legs
    assert stop.status == "new"
    assert "insufficient qty available" in refused(made, oco())
    made.cancels_wait = True
    made.cancel(stop.id)
    assert stop.status == "pending_cancel"
    assert "insufficient qty available" in refused(made, oco(client_id="o2"))
    made.settle()
    first, second = made.submit(oco(qty="5", client_id="o3", take=105)), made.submit(oco(qty="5", client_id="o4"))
    assert states(first) == states(second) == ("new", "held")
    made.trade("AAPL", "105")
    assert (states(first), states(second)) == (("filled", "canceled"), ("new", "held"))
    made.trade("AAPL", "95")
    assert (made.positions, second.legs[0].status) == ({}, "filled")


def test_a_cancel_may_come_too_late() -> None:
    made = book()
    [stop] = made.submit(entry("oto")).legs
    made.cancels_wait = True
    made.cancel(stop.id)
    made.trade("AAPL", "94")
    assert stop.status == "filled"
    made.settle()
    assert stop.status == "filled"
    with pytest.raises(Refused, match="already in 'filled' state"):
        made.cancel(stop.id)


def test_cancelling_one_of_a_group_cancels_the_group_and_closes_nothing() -> None:
    made = book()
    order = made.submit(entry())
    made.cancel(order.legs[0].id)
    assert states(order) == ("filled", "canceled", "canceled")
    assert made.held("AAPL") == 10


def test_a_replaced_stop_is_a_new_order_in_its_place() -> None:
    made = book()
    order = made.submit(entry("oto"))
    [old] = order.legs
    with pytest.raises(Refused, match="qty of a leg"):
        made.replace(old.id, {"qty": "5"})
    new = made.replace(old.id, {"stop_price": 100})
    assert (old.status, old.replaced_by, new.replaces, order.legs) == ("replaced", new.id, old.id, [new])
    made.trade("AAPL", "99.5")
    assert (new.status, made.positions) == ("filled", {})


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (entry(client_id="known"), "422 40010001 client_order_id must be unique"),
        (entry(take_profit=None), "bracket orders require take_profit.limit_price"),
        (entry(qty="1.5"), "fractional orders must be simple orders"),
        (entry(stop_loss={"stop_price": 95.001}), "sub-penny"),
        (entry("oto", type="limit", limit_price=90), "beyond base_price 90"),
        (entry(qty="5000"), "insufficient buying power"),
    ],
)
def test_what_breaks_a_rule_is_refused_as_there(asked: dict[str, object], why: str) -> None:
    made = book()
    made.submit(plain("buy", "limit", qty="1", client_id="known", limit_price=50))
    made.cancel(made.by_client_id("known").id)
    assert why in refused(made, asked)


def test_a_bracket_opens_and_nothing_else_unless_told_to_take_it() -> None:
    made = book()
    made.submit(entry())
    assert "bracket orders must be entry orders" in refused(made, entry(client_id="e2"))
    made.takes_second_bracket = True
    assert made.submit(entry(client_id="e3")).status == "filled"
    assert made.held("AAPL") == 20


def test_the_other_side_of_an_open_order_is_a_wash_trade() -> None:
    made = book()
    made.submit(plain("buy", "limit", limit_price=90))
    assert "potential wash trade" in refused(made, plain("sell", "limit", client_id="p2", limit_price=120))


def test_a_short_is_covered_by_a_stop_that_buys() -> None:
    made = book()
    order = made.submit(entry("oto", side="sell", stop_loss={"stop_price": 105}))
    assert made.held("AAPL") == -10
    made.trade("AAPL", "106")
    assert (order.legs[0].status, made.positions) == ("filled", {})


def test_a_part_is_filled_at_each_price_and_the_average_is_told() -> None:
    made = book()
    made.most_a_fill = D(6)
    order = made.submit(plain("buy", "limit", limit_price=101))
    assert [(u.event, u.qty, u.position_qty) for u in made.updates[1:]] == [("partial_fill", 6, 6)]
    made.trade("AAPL", "99")
    assert (order.status, order.filled_avg_price) == ("filled", (6 * D(100) + 4 * D(99)) / 10)


def test_unknown_orders_are_not_found() -> None:
    with pytest.raises(Refused, match="404 40410000"):
        book().order("x")
    with pytest.raises(Refused, match="404 40410000"):
        book().by_client_id("x")


def test_its_bodies_are_orders_to_the_vendors_own_models() -> None:
    made = book()
    read = TheirOrder(**made.submit(entry()).body())
    assert read.client_order_id == "e1"
    assert [leg.status.value for leg in read.legs or []] == ["new", "held"]
