"""What a client of the live feed is sent, and when it is dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import ParamSpec
from uuid import uuid4

import msgspec

from api.hub import MOST_CLIENTS_OF_ONE, MOST_EVENTS, Client, Hub

P = ParamSpec("P")


def on_a_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*arguments, **named), 10))

    return run


def _batch(*numbers: int) -> list[tuple[int, str]]:
    return [(number, str(number)) for number in numbers]


async def _take(client: Client, count: int) -> list[str]:
    taken: list[str] = []
    async for text in client.messages():
        taken.append(text)
        if len(taken) == count:
            break
    return taken


@on_a_loop
async def test_events_go_out_once_and_in_order() -> None:
    client = Client(uuid4(), 5)
    client.tell_events(5, _batch(6, 7))
    client.tell_events(5, _batch(6, 7, 9))
    assert await _take(client, 3) == ["6", "7", "9"]


@on_a_loop
async def test_what_was_read_before_a_rewind_waits_for_what_lies_before_it() -> None:
    client = Client(uuid4(), 10)
    client.rewind(7)
    client.tell_events(10, _batch(11))
    client.tell_events(7, _batch(8, 9, 10, 11))
    assert await _take(client, 4) == ["8", "9", "10", "11"]


@on_a_loop
async def test_a_rewind_never_goes_forward() -> None:
    client = Client(uuid4(), 3)
    client.rewind(1_000)
    assert client.last_seq == 3
    client.rewind(-4)
    assert client.last_seq == 0


@on_a_loop
async def test_a_client_that_lets_too_many_events_pile_up_is_let_go() -> None:
    client = Client(uuid4(), 0)
    client.tell_events(0, _batch(*range(1, MOST_EVENTS + 2)))
    assert client.is_too_slow
    assert [text async for text in client.messages()] == []


@on_a_loop
async def test_the_market_is_the_latest_of_each_symbol_however_slow_the_client() -> None:
    client = Client(uuid4(), 0)
    client.watch(["A", "B"])
    for price in range(1000):
        client.tell_market({s: msgspec.Raw(json.dumps({"symbol": s, "price": price}).encode()) for s in "ABC"})
    (text,) = await _take(client, 1)
    snapshots = json.loads(text)["snapshots"]
    assert [(snapshot["symbol"], snapshot["price"]) for snapshot in snapshots] == [("A", 999), ("B", 999)]


@on_a_loop
async def test_events_go_before_the_market() -> None:
    client = Client(uuid4(), 0)
    client.watch(["A"])
    client.tell_market({"A": msgspec.Raw(b"{}")})
    client.tell_health("health")
    client.tell_events(0, _batch(1))
    first, second, third = await _take(client, 3)
    assert (first, second) == ("1", "health")
    assert json.loads(third)["type"] == "market"


@on_a_loop
async def test_the_hub_looks_from_the_client_that_has_seen_least() -> None:
    hub, user = Hub(), uuid4()
    hub.bind(asyncio.get_running_loop())
    hub.add(Client(user, 9))
    hub.add(Client(user, 4))
    assert hub.wait_woken(0.01) == {user: 4}
    hub.wake(uuid4())
    assert hub.wait_woken(0.01) == {user: 4}, "after the wait everybody is looked for"


@on_a_loop
async def test_one_user_cannot_take_all_the_connections() -> None:
    hub, user = Hub(), uuid4()
    clients = [Client(user, 0) for _ in range(MOST_CLIENTS_OF_ONE)]
    assert all(hub.add(client) for client in clients)
    assert not hub.add(Client(user, 0))
    assert hub.add(Client(uuid4(), 0))
    hub.remove(clients[0])
    assert hub.add(Client(user, 0))
