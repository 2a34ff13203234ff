"""Connections: requests of each answered in their order, a fetch at the moment something arrives for it."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from typing_extensions import override

from deploy.embedded.log.fetch import Fetch
from deploy.embedded.log.octets import Unreadable
from deploy.embedded.log.partition import Partition
from deploy.embedded.log.requests import Requests

_LENGTH = struct.Struct(">i")
_MOST_BYTES = 100 * 1024 * 1024


class Connection(asyncio.Protocol):
    """A fetch that waits is answered, with nothing, as soon as the next request comes: it would wait behind it."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._loop = asyncio.get_running_loop()
        self._unread = bytearray()
        self._transport: asyncio.Transport | None = None
        self._waiting: tuple[bytes, Fetch, list[Partition], asyncio.TimerHandle] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        own = cast("socket.socket | None", transport.get_extra_info("socket"))
        if own is not None:
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._stop_waiting()

    @override
    def data_received(self, data: bytes) -> None:
        self._unread += data
        at = 0
        try:
            while len(self._unread) - at >= _LENGTH.size:
                [length] = _LENGTH.unpack_from(self._unread, at)
                if not 0 < length <= _MOST_BYTES:
                    raise Unreadable(f"a request of {length} bytes")
                end = at + _LENGTH.size + length
                if len(self._unread) < end:
                    break
                self._take(bytes(self._unread[at + _LENGTH.size : end]))
                at = end
        except (Unreadable, UnicodeDecodeError):
            self._hang_up()
            return
        del self._unread[:at]

    def _take(self, request: bytes) -> None:
        self._answer_waiting()
        head, body = self._requests.answer(request)
        if isinstance(body, Fetch):
            self._fetch(head, body)
        elif body is not None:
            self._send(head, body)

    def _fetch(self, head: bytes, fetch: Fetch) -> None:
        if not fetch.wait_ms or fetch.is_answerable(self._requests.store):
            self._send(head, fetch.answer(self._requests.store))
            return
        partitions = fetch.partitions(self._requests.store)
        for partition in partitions:
            partition.on_arrival.add(self._answer_waiting)
        timer = self._loop.call_later(fetch.wait_ms / 1000, self._answer_waiting)
        self._waiting = head, fetch, partitions, timer

    def _answer_waiting(self) -> None:
        waiting = self._waiting
        if waiting is not None:
            self._stop_waiting()
            head, fetch, _, _ = waiting
            self._send(head, fetch.answer(self._requests.store))

    def _stop_waiting(self) -> None:
        if self._waiting is None:
            return
        _, _, partitions, timer = self._waiting
        self._waiting = None
        timer.cancel()
        for partition in partitions:
            partition.on_arrival.discard(self._answer_waiting)

    def _send(self, head: bytes, body: bytes) -> None:
        if self._transport is not None:
            self._transport.write(_LENGTH.pack(len(head) + len(body)) + head + body)

    def _hang_up(self) -> None:
        self._unread.clear()
        self._stop_waiting()
        if self._transport is not None:
            self._transport.close()


async def serve(requests: Requests) -> asyncio.Server:
    """Begin to listen.

    Raises:
        OSError: the port is taken.
    """
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(requests), requests.host, requests.port, backlog=256)
