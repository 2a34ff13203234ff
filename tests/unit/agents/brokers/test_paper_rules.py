from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from agents.brokers.broker import Lot
from agents.brokers.lots import lots_detail, lots_held, plan_of, protection
from agents.brokers.paper import commission_of, fill_price, is_due
from core.store.orders import Order, OrderType, Side, Trade

ONE = UUID(int=1)
D = Decimal


def order(side: Side, order_type: OrderType, *, limit: Decimal | None = None, stop: Decimal | None = None) -> Order:
    return Order(
        id=ONE, client_order_id="tw-1-entry", execution_id=ONE, trade_id=ONE, user_id=ONE, account_id=None,
        broker="paper", leg="entry", oco_group="", symbol="AAPL", side=side, order_type=order_type, quantity=D(10),
        limit_price=limit, stop_price=stop,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "price", "due"),
    [
        (order("buy", "market"), D(1), True),
        (order("buy", "limit", limit=D(100)), D("100.01"), False),
        (order("buy", "limit", limit=D(100)), D(100), True),
        (order("sell", "limit", limit=D(100)), D("99.99"), False),
        (order("sell", "stop", stop=D(95)), D("95.01"), False),
        (order("sell", "stop", stop=D(95)), D(95), True),
        (order("buy", "stop", stop=D(105)), D(104), False),
        (order("buy", "stop", stop=D(105)), D(106), True),
    ],
)
def test_an_order_is_due_when_the_price_has_come(given: Order, price: Decimal, due: bool) -> None:
    assert is_due(given, price) is due


def test_a_market_order_pays_a_little_more_than_the_tape_and_a_limit_never_more_than_its_limit() -> None:
    assert fill_price(order("buy", "market"), D(100)) == D("100.02")
    assert fill_price(order("sell", "market"), D(100)) == D("99.98")
    assert fill_price(order("buy", "limit", limit=D(100)), D("99.5")) == D("99.5")
    assert fill_price(order("sell", "limit", limit=D(100)), D(101)) == D(101)


def test_commission_is_by_share_or_by_value() -> None:
    assert commission_of("AAPL", D(66), D(150)) == D("0.33")
    assert commission_of("BINANCE:BTCUSDT", D("0.1"), D(64_000)) == D("6.4")


def test_the_stops_cover_exactly_what_is_held() -> None:
    entry = order("buy", "market")
    trade = Trade(
        id=ONE, execution_id=ONE, pipeline_id=ONE, user_id=ONE, account_id=None, symbol="AAPL", action="BUY",
        quantity=D(10), entry_price=D(100), stop_loss=D(98), target_1=D(103), target_2=D(106),
    )  # fmt: skip
    lots = (Lot(D(4), D(103)), Lot(D(6), D(106)))
    legs = protection(entry, trade, lots)
    assert sum(leg.quantity for leg in legs if leg.leg == "stop") == entry.quantity
    assert {(leg.leg, leg.side) for leg in legs} == {("stop", "sell"), ("target_1", "sell"), ("target_2", "sell")}
    assert len({leg.client_order_id for leg in legs}) == 4
    assert all(len(leg.client_order_id) < 48 for leg in legs)


def test_lots_are_read_back_as_they_were_written() -> None:
    lots = (Lot(D("0.5"), D(103)), Lot(D("0.25"), D("106.5")))

    written = msgspec.structs.replace(order("buy", "market"), detail=lots_detail(lots))
    assert plan_of(written) == lots


@pytest.mark.parametrize(
    ("filled", "lots"),
    [("10", ["4", "6"]), ("5", ["2", "3"]), ("3", ["1", "2"]), ("2", ["2"]), ("1", ["1"]), ("0", [])],
)
def test_a_part_of_the_entry_is_split_as_the_whole_was_planned(filled: str, lots: list[str]) -> None:
    planned = lots_detail((Lot(D(4), D(103)), Lot(D(6), D(106))))
    entry = msgspec.structs.replace(order("buy", "market"), detail=planned, filled_quantity=D(filled))
    assert [lot.quantity for lot in lots_held(entry)] == [D(one) for one in lots]
