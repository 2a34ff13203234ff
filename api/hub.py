"""Who listens, and what each is told: events in order and all of them, the market conflated, health when it changes.

Topic `events` only says that there is something; what it is comes from the event log, in order. So a message that
comes late, twice or never does no harm: every two seconds the log is asked anyway.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import ParamSpec
from uuid import UUID

import anyio
import msgspec

from core.wire.records import EventRecord

_P = ParamSpec("_P")
MOST_EVENTS = 1000
"""Events that may wait for one client; one that lets more pile up is dropped, and resumes from its last."""
MOST_CLIENTS_OF_ONE = 20
MARKET_INTERVAL_S = 0.2
"""A client gets the market at most this often, the latest snapshot of each symbol."""


class Client:
    """One connection. Fed by threads through the loop, drained by its writer."""

    def __init__(self, user_id: UUID, seq: int) -> None:
        self.user_id = user_id
        self.last_seq = seq
        self.symbols: frozenset[str] = frozenset()
        self.is_too_slow = False
        self.is_closed_by_hub = False
        self._events: deque[str] = deque()
        self._market: dict[str, msgspec.Raw] = {}
        self._health: str | None = None
        self._changed = asyncio.Event()

    def watch(self, symbols: Iterable[str]) -> None:
        self.symbols = frozenset(symbols)
        self._market = {s: snapshot for s, snapshot in self._market.items() if s in self.symbols}

    def rewind(self, seq: int) -> None:
        """Send again what came after a number. Forward is no direction: nothing may be skipped."""
        self.last_seq = min(self.last_seq, max(0, seq))

    def tell_events(self, after: int, batch: list[tuple[int, str]]) -> None:
        """Queue events that were read after a number; each goes out once, none is skipped.

        A client that was rewound while they were read has not got what lies before them: it waits for its own.
        """
        if self.last_seq < after:
            return
        for seq, text in batch:
            if seq > self.last_seq:
                self.last_seq = seq
                self._events.append(text)
        self.is_too_slow = self.is_too_slow or len(self._events) > MOST_EVENTS
        self._changed.set()

    def tell_market(self, snapshots: dict[str, msgspec.Raw]) -> None:
        mine = {symbol: snapshot for symbol, snapshot in snapshots.items() if symbol in self.symbols}
        if mine:
            self._market.update(mine)
            self._changed.set()

    def tell_health(self, text: str) -> None:
        self._health = text
        self._changed.set()

    def end(self) -> None:
        self.is_closed_by_hub = True
        self._changed.set()

    async def messages(self) -> AsyncIterator[str]:
        """Give what there is to send: events before health before the market. Ends when the client is to go."""
        loop = asyncio.get_running_loop()
        market_from = 0.0
        while True:
            await self._wait(market_from)
            if self.is_too_slow or self.is_closed_by_hub:
                return
            while self._events:
                yield self._events.popleft()
            if self._health is not None:
                text, self._health = self._health, None
                yield text
            if self._market and loop.time() >= market_from:
                snapshots, self._market = list(self._market.values()), {}
                market_from = loop.time() + MARKET_INTERVAL_S
                yield msgspec.json.encode({"type": "market", "snapshots": snapshots}).decode()

    async def _wait(self, market_from: float) -> None:
        """Wait for something new, or until a snapshot that was held back may go."""
        self._changed.clear()
        if self._events or self._health is not None:
            return
        left_s = market_from - asyncio.get_running_loop().time() if self._market else None
        with anyio.move_on_after(left_s):
            await self._changed.wait()


class Hub:
    """All connections of this process. `add` and `remove` are called on the loop, `deliver_…` from threads."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clients: dict[UUID, set[Client]] = {}
        self._lock = threading.Lock()
        self._woken: set[UUID] = set()
        self._is_woken = threading.Event()
        self._health = ""

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def add(self, client: Client) -> bool:
        """Take a client in; False where its user has too many already."""
        with self._lock:
            mine = self._clients.setdefault(client.user_id, set())
            if len(mine) >= MOST_CLIENTS_OF_ONE:
                return False
            mine.add(client)
        self.retell_health(client)
        self.wake(client.user_id)
        return True

    def retell_health(self, client: Client) -> None:
        """Say again how everything is: also the answer to a client that asks whether anybody is there."""
        if self._health:
            client.tell_health(self._health)

    def remove(self, client: Client) -> None:
        with self._lock:
            mine = self._clients.get(client.user_id, set())
            mine.discard(client)
            if not mine:
                self._clients.pop(client.user_id, None)

    def wake(self, user_id: UUID) -> None:
        """Say that there may be events of a user; one that nobody listens for is passed over."""
        with self._lock:
            if user_id not in self._clients:
                return
            self._woken.add(user_id)
        self._is_woken.set()

    def wake_all(self) -> None:
        with self._lock:
            self._woken.update(self._clients)
        self._is_woken.set()

    def wait_woken(self, timeout_s: float) -> dict[UUID, int]:
        """Return the users to look for events of, with the number after which; all of them after the timeout."""
        is_woken = self._is_woken.wait(timeout_s)
        with self._lock:
            users = self._woken if is_woken else set(self._clients)
            self._woken = set()
            self._is_woken.clear()
            return {
                user: min(client.last_seq for client in clients)
                for user in users
                if (clients := self._clients.get(user))
            }

    def listeners(self) -> int:
        with self._lock:
            return sum(len(clients) for clients in self._clients.values())

    def deliver_events(self, after: int, records: list[EventRecord]) -> None:
        """Hand out all events of some users after a number."""
        by_user: dict[str, list[tuple[int, str]]] = {}
        for record in records:
            by_user.setdefault(record.user_id, []).append((record.seq, event_message(record)))
        for user_id, batch in by_user.items():
            for client in self._of(UUID(user_id)):
                self._call(client.tell_events, after, batch)

    def deliver_market(self, snapshots: dict[str, msgspec.Raw]) -> None:
        for clients in self._everybody():
            self._call(clients.tell_market, snapshots)

    def deliver_health(self, text: str) -> None:
        self._health = text
        for client in self._everybody():
            self._call(client.tell_health, text)

    def close(self) -> None:
        for client in self._everybody():
            self._call(client.end)
        self._is_woken.set()

    def _of(self, user_id: UUID) -> list[Client]:
        with self._lock:
            return list(self._clients.get(user_id, ()))

    def _everybody(self) -> list[Client]:
        with self._lock:
            return [client for clients in self._clients.values() for client in clients]

    def _call(self, function: Callable[_P, None], *arguments: _P.args, **named: _P.kwargs) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(partial(function, *arguments, **named))


def event_message(record: EventRecord) -> str:
    """Return an event as `/ws` sends it: the record of the topic with its type, the payload beside it."""
    return msgspec.json.encode({"type": "event", **msgspec.structs.asdict(record)}).decode()
