"""Alpaca's stock stream in a test: a local server that speaks its MessagePack protocol, for trading statuses."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from core.clock import to_datetime
from tests.kit.alpaca_data import KEY, SECRET


class _Wanted(msgspec.Struct):
    statuses: list[str]


@dataclass(slots=True)
class AlpacaStream:
    """`refusal` is what an authentication is answered with, empty while keys are right."""

    url: str = ""
    refusal: str = ""
    subscribed: list[list[str]] = field(default_factory=list[list[str]])
    """Symbols of each subscription to statuses."""
    _sockets: list[ServerConnection] = field(default_factory=list[ServerConnection])

    def say(self, symbol: str, code: str, at_ms: int, *, reason: str = "") -> None:
        """Send a status to everyone connected."""
        status = {
            "T": "s", "S": symbol, "sc": code, "sm": "as said", "rc": "", "rm": reason, "z": "C",
            "t": to_datetime(at_ms),
        }  # fmt: skip
        for socket in list(self._sockets):
            _send(socket, status)

    def hang_up(self) -> None:
        for socket in list(self._sockets):
            socket.close()

    def serve(self, socket: ServerConnection) -> None:
        _send(socket, {"T": "success", "msg": "connected"})
        asked = msgspec.msgpack.decode(_read(socket), type=dict[str, str])
        if self.refusal or (asked["key"], asked["secret"]) != (KEY, SECRET):
            _send(socket, {"T": "error", "code": 402, "msg": self.refusal or "auth failed"})
            return
        _send(socket, {"T": "success", "msg": "authenticated"})
        with contextlib.suppress(ConnectionClosed):
            self._listen(socket)

    def _listen(self, socket: ServerConnection) -> None:
        try:
            wanted = msgspec.msgpack.decode(_read(socket), type=_Wanted)
            self._sockets.append(socket)
            _send(socket, {"T": "subscription", "statuses": wanted.statuses})
            self.subscribed.append(wanted.statuses)
            for _ in socket:
                pass
        finally:
            if socket in self._sockets:
                self._sockets.remove(socket)


@contextlib.contextmanager
def alpaca_stream() -> Generator[AlpacaStream]:
    stream = AlpacaStream()
    with serve(stream.serve, "127.0.0.1", 0) as server:
        stream.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/v2"
        thread = threading.Thread(target=server.serve_forever, name="alpaca-stream", daemon=True)
        thread.start()
        try:
            yield stream
        finally:
            stream.hang_up()
            server.shutdown()
            thread.join(10)


def _send(socket: ServerConnection, message: Mapping[str, object]) -> None:
    socket.send(msgspec.msgpack.encode([message]))


def _read(socket: ServerConnection) -> bytes:
    found = socket.recv()
    return found if isinstance(found, bytes) else found.encode()
