"""Unmodified alpaca-py against the made-up Alpaca, whole and misbehaving."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Generator
from typing import Any, cast

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.models import Order, Position, TradeAccount, TradeUpdate
from alpaca.trading.requests import (
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)
from alpaca.trading.stream import TradingStream

from agents.brokers.alpaca.answers import OrderAnswer, PositionAnswer, read
from agents.brokers.alpaca.client import AlpacaClient, KnownOrder
from agents.brokers.alpaca.coverage import coverages
from core.errors import OutcomeUnknown
from core.store.broker_connections import Credentials
from tests.kit.alpaca.server import KEY, SECRET, AlpacaServer, Fault, alpaca
from tests.kit.waiting import wait_until


@pytest.fixture
def server() -> Generator[AlpacaServer]:
    with alpaca() as made:
        made.trade("AAPL", "100")
        yield made


def theirs(server: AlpacaServer) -> TradingClient:
    return TradingClient(KEY, SECRET, paper=True, url_override=server.url)


def ours(server: AlpacaServer) -> AlpacaClient:
    return AlpacaClient(Credentials(KEY, SECRET), is_live=False, url=server.url, answer_s=0.5, again_s=0.01)


def oto(client_id: str = "tw-1-entry", *, qty: float = 10) -> MarketOrderRequest:
    return MarketOrderRequest(
        symbol="AAPL", qty=qty, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, order_class=OrderClass.OTO,
        stop_loss=StopLossRequest(stop_price=95), client_order_id=client_id,
    )  # fmt: skip


def oco(client_id: str, qty: float, take: float) -> LimitOrderRequest:
    return LimitOrderRequest(
        symbol="AAPL", qty=qty, side=OrderSide.SELL, time_in_force=TimeInForce.GTC, order_class=OrderClass.OCO,
        take_profit=TakeProfitRequest(limit_price=take), stop_loss=StopLossRequest(stop_price=95), limit_price=take,
        client_order_id=client_id,
    )  # fmt: skip


def submit(client: TradingClient, asked: MarketOrderRequest | LimitOrderRequest) -> Order:
    return cast(Order, client.submit_order(asked))


def is_covered(server: AlpacaServer) -> bool:
    """Ask as the coverage check has to: nested, in all states."""
    asked = GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True)
    raw = TradingClient(KEY, SECRET, paper=True, url_override=server.url, raw_data=True)
    orders = [read(body, OrderAnswer) for body in cast("list[object]", raw.get_orders(asked))]
    positions = [read(body, PositionAnswer) for body in cast("list[object]", raw.get_all_positions())]
    return all(found.is_kept for found in coverages(positions, orders))


def test_an_entry_with_its_stop_becomes_two_exits_with_a_target_each(server: AlpacaServer) -> None:
    client = theirs(server)
    entry = submit(client, oto())
    assert (entry.status.value, [leg.status.value for leg in entry.legs or []]) == ("filled", ["new"])
    assert is_covered(server)
    [stop] = entry.legs or []
    client.cancel_order_by_id(stop.id)
    assert not is_covered(server)
    for number, take in (("1", 105.0), ("2", 110.0)):
        submit(client, oco(f"tw-1-t{number}", 5, take))
    assert is_covered(server)
    open_now = cast("list[Order]", client.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN)))
    assert [str(order.order_type.value) for order in open_now if order.order_type] == ["limit", "limit"]
    server.trade("AAPL", "105")
    [position] = cast("list[Position]", client.get_all_positions())
    assert position.qty == "5"
    assert is_covered(server)
    server.trade("AAPL", "94")
    assert client.get_all_positions() == []
    assert str(cast(TradeAccount, client.get_account()).cash) == str(server.book.cash)


def test_a_stop_is_moved_by_its_price_alone(server: AlpacaServer) -> None:
    client = theirs(server)
    [stop] = submit(client, oto()).legs or []
    moved = cast(Order, client.replace_order_by_id(stop.id, ReplaceOrderRequest(stop_price=100)))
    assert (str(moved.replaces), moved.stop_price) == (str(stop.id), "100")
    assert is_covered(server)
    with pytest.raises(APIError, match="qty of a leg"):
        client.replace_order_by_id(moved.id, ReplaceOrderRequest(qty=5))


def test_everything_is_cancelled_and_closed(server: AlpacaServer) -> None:
    client = theirs(server)
    submit(client, oto())
    client.cancel_orders()
    client.close_position("AAPL")
    assert client.get_all_positions() == []


def test_wrong_keys_are_refused(server: AlpacaServer) -> None:
    with pytest.raises(APIError, match="40110000"):
        TradingClient("PKWRONG", "x", paper=True, url_override=server.url).get_account()


@pytest.mark.parametrize("fault", ["429", "504", "html", "hang"])
def test_an_order_that_was_not_taken_is_found_nowhere_and_may_be_sent_again(server: AlpacaServer, fault: Fault) -> None:
    server.faults.append(fault)
    with pytest.raises(OutcomeUnknown):
        submit(ours(server), oto())
    assert server.writes == ["POST /v2/orders"]
    assert server.book.orders == {}
    assert submit(ours(server), oto()).client_order_id == "tw-1-entry"


def test_an_order_whose_answer_was_lost_is_there_and_is_not_taken_twice(server: AlpacaServer) -> None:
    server.faults.append("lost")
    with pytest.raises(OutcomeUnknown):
        submit(ours(server), oto())
    found = cast(Order, ours(server).get_order_by_client_id("tw-1-entry"))
    assert found.status.value == "filled"
    with pytest.raises(KnownOrder):
        submit(ours(server), oto())
    assert server.book.held("AAPL") == 10


def test_the_vendors_client_alone_makes_two_requests_of_one_that_timed_out(server: AlpacaServer) -> None:
    """Why ours stands between: it sends a POST again after a 504."""
    client = theirs(server)
    client._retry_wait = cast(int, 0.01)  # pyright: ignore[reportPrivateUsage]
    server.faults.append("504")
    submit(client, oto())
    assert server.writes == ["POST /v2/orders"] * 2


@contextlib.contextmanager
def heard(server: AlpacaServer) -> Generator[list[TradeUpdate]]:
    """Listen with the vendor's own stream client."""
    found: list[TradeUpdate] = []

    async def take(update: Any) -> None:
        found.append(update)

    stream = TradingStream(KEY, SECRET, paper=True, url_override=server.stream_url)
    stream._reconnect_min_backoff = 0.05  # pyright: ignore[reportPrivateUsage]
    stream.subscribe_trade_updates(take)
    thread = threading.Thread(target=lambda: asyncio.run(stream._run_forever()), daemon=True)  # pyright: ignore[reportPrivateUsage]
    thread.start()
    wait_until(lambda: server.listeners == 1, timeout_s=20, what="the stream to listen")
    try:
        yield found
    finally:
        stream.stop()
        server.hang_up()  # else it listens for five seconds more
        thread.join(20)


def test_the_stream_tells_of_fills_and_not_of_the_sibling_that_is_cancelled(server: AlpacaServer) -> None:
    with heard(server) as updates:
        client = theirs(server)
        [stop] = submit(client, oto()).legs or []
        client.cancel_order_by_id(stop.id)
        submit(client, oco("tw-1-t1", 10, 105))
        server.trade("AAPL", "105")
        wait_until(lambda: len(updates) >= 6, timeout_s=20, what="six messages")
        assert [str(getattr(u.event, "value", u.event)) for u in updates] == [
            "new",
            "fill",
            "new",
            "canceled",
            "new",
            "fill",
        ]
        fills = [u for u in updates if u.execution_id is not None]
        assert [(u.price, u.qty, u.position_qty) for u in fills] == [(100, 10, 10), (105, 10, 0)]
        assert len({u.execution_id for u in fills}) == 2


def test_what_happens_while_the_stream_is_down_is_not_told_again(server: AlpacaServer) -> None:
    with heard(server) as updates:
        server.refuses_stream = True
        server.hang_up()
        wait_until(lambda: server.listeners == 0, timeout_s=20, what="the stream to be cut")
        submit(theirs(server), oto())
        server.refuses_stream = False
        wait_until(lambda: server.listeners == 1, timeout_s=20, what="it to come back")
        server.trade("AAPL", "94")
        wait_until(lambda: len(updates) >= 1, timeout_s=20, what="a message")
        assert [u.order.order_type.value for u in updates if u.order.order_type] == ["stop"]
