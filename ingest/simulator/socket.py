"""The vendor's WebSocket: token, subscribe, trade frames, pings, its error texts, one connection a key."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from core.clock import Clock
from core.observability import logger
from ingest.simulator.clock import PlayerTime
from ingest.simulator.faults import Faults, FaultSide
from ingest.simulator.market import Market
from ingest.simulator.news import Newsroom
from ingest.simulator.tape import CODES

TICK_S = 0.05
PING_S = 60.0
_MOST_A_FRAME = 50
_MOST_HELD = 5_000
"""Frames kept back for one socket; the oldest are lost beyond, as in any buffer."""
_CATCH_UP_MS = 5_000
"""A subscriber who comes, or a player that was held up, gets no more than this of the past."""
_log = logger(__name__)


class SocketSide:
    def __init__(
        self,
        market: Market,
        time: PlayerTime,
        clock: Clock,
        *,
        tokens: frozenset[str],
        symbol_limit: int,
        newsroom: Newsroom,
        hold_for: int = 0,
    ) -> None:
        """Args:
        hold_for: Symbols that must be subscribed before a held time is released.
        """
        self._market = market
        self._time = time
        self._clock = clock
        self._tokens = tokens
        self._symbol_limit = symbol_limit
        self._newsroom = newsroom
        self._hold_for = hold_for
        self._news: dict[web.WebSocketResponse, set[str]] = {}
        self._faults = FaultSide(self._close_all)
        self._held: dict[web.WebSocketResponse, deque[str]] = {}
        self._open: dict[str, web.WebSocketResponse] = {}
        self._subscribed: dict[web.WebSocketResponse, set[str]] = {}

    def faults(self) -> Faults:
        """Return what is wrong now."""
        return self._faults.now

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/", self._handle)
        self._faults.add_to(app)
        app.router.add_post("/api/v1/simulator/news", self._write_news)

    async def play(self) -> None:
        """Send what has happened since the last tick, until cancelled."""
        last = self._time.now_ms()
        next_ping = self._clock.monotonic() + PING_S
        while True:
            await asyncio.sleep(TICK_S)
            now = self._time.now_ms()
            await self._send_trades(max(last, now - int(_CATCH_UP_MS * max(1.0, self._time.speed))), now)
            last = now
            if self._clock.monotonic() >= next_ping:
                next_ping += PING_S
                for socket in list(self._open.values()):
                    await _send(socket, '{"type":"ping"}')

    async def _send_trades(self, from_ms: int, to_ms: int) -> None:
        if to_ms <= from_ms:
            return
        known: dict[str, list[tuple[int, dict[str, object]]]] = {}
        faults = self._faults.now
        for socket, symbols in list(self._subscribed.items()):
            rows: list[tuple[int, dict[str, object]]] = []
            if faults.garbage:
                await _send(socket, faults.garbage)
            for symbol in symbols:
                if faults.mute or symbol in faults.mute_symbols:
                    continue
                if symbol not in known:
                    known[symbol] = self._rows(symbol, from_ms, to_ms)
                rows += known[symbol]
            rows.sort(key=lambda row: row[0])
            held = self._held.get(socket, deque())  # it may have left during a send
            for part in _parts(rows):
                data = [row for _, row in part]
                text = msgspec.json.encode({"data": data, "type": "trade"}).decode()
                held.extend([text] * faults.repeat)
            while held and not faults.hold:
                await _send(socket, held.popleft())

    def _rows(self, symbol: str, from_ms: int, to_ms: int) -> list[tuple[int, dict[str, object]]]:
        found = self._market.prints(symbol, from_ms, to_ms)
        columns = zip(
            found.ts_ms.tolist(), found.price.tolist(), found.size.tolist(), found.codes.tolist(), strict=True
        )
        ahead, extra = self._faults.now.ahead_ms, self._faults.now.code
        codes = [[*(known or ()), extra] for known in CODES] if extra else CODES
        return [
            (t, {"c": codes[code], "p": price, "s": symbol, "t": t + ahead, "v": size})
            for t, price, size, code in columns
        ]

    async def _write_news(self, request: web.Request) -> web.StreamResponse:
        """Publish what is posted, JSON with `symbol` and `headline`, now; tell who subscribed to its news."""
        try:
            asked = msgspec.json.decode(await request.read(), type=dict[str, str])
            symbol, headline = asked["symbol"], asked["headline"]
        except (msgspec.MsgspecError, KeyError):
            return web.json_response({"error": "write symbol and headline"}, status=422)
        item = self._newsroom.write(symbol, headline, at_ms=self._time.now_ms())
        text = msgspec.json.encode({"data": [item], "type": "news"}).decode()
        for socket, symbols in list(self._news.items()):
            if symbol in symbols:
                await _send(socket, text)
        return web.json_response(item)

    async def _close_all(self) -> None:
        for socket in list(self._open.values()):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("token", "")
        if token not in self._tokens:
            return web.json_response({"error": "Invalid API key"}, status=401)
        socket = web.WebSocketResponse(heartbeat=None)
        await socket.prepare(request)
        other = self._open.pop(token, None)
        if other is not None:
            # The vendor's rule: a second connection with a key ends both.
            self._subscribed.pop(other, None)
            await other.close(code=WSCloseCode.POLICY_VIOLATION)
            await socket.close(code=WSCloseCode.POLICY_VIOLATION)
            return socket
        self._open[token] = socket
        self._subscribed[socket] = set()
        self._held[socket] = deque(maxlen=_MOST_HELD)
        _log.info("a client connected")
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await self._take(socket, message.data)
        finally:
            self._subscribed.pop(socket, None)
            self._held.pop(socket, None)
            self._news.pop(socket, None)
            if self._open.get(token) is socket:
                del self._open[token]
            _log.info("a client left")
        return socket

    async def _take(self, socket: web.WebSocketResponse, text: str) -> None:
        try:
            asked = msgspec.json.decode(text, type=dict[str, str])
        except msgspec.MsgspecError:
            await _error(socket, "Invalid message format")
            return
        symbols, symbol = self._subscribed.get(socket), asked.get("symbol", "")
        lowered = self._faults.now.symbol_limit
        limit = self._symbol_limit if lowered is None else min(lowered, self._symbol_limit)
        if symbols is None:
            return  # ended by another connection with its key
        match asked.get("type"):
            case "subscribe" if symbol not in self._market.symbols():
                await _error(socket, f"Invalid symbol {symbol}")
            case "subscribe" if len(symbols) >= limit and symbol not in symbols:
                await _error(socket, "Subscribing to too many symbols")
            case "subscribe":
                symbols.add(symbol)
                if self._time.is_held and len(symbols) >= self._hold_for:
                    self._time.release()
            case "unsubscribe":
                symbols.discard(symbol)
            case "subscribe-news":
                self._news.setdefault(socket, set()).add(symbol)
            case "unsubscribe-news":
                self._news.get(socket, set()).discard(symbol)
            case other:
                await _error(socket, f"Invalid message type {other}")


async def _send(socket: web.WebSocketResponse, text: str) -> None:
    # A client that is leaving: its own task cleans up.
    with contextlib.suppress(ConnectionError, RuntimeError):
        await socket.send_str(text)


async def _error(socket: web.WebSocketResponse, text: str) -> None:
    await _send(socket, msgspec.json.encode({"msg": text, "type": "error"}).decode())


def _parts(rows: list[tuple[int, dict[str, object]]]) -> list[list[tuple[int, dict[str, object]]]]:
    return [rows[i : i + _MOST_A_FRAME] for i in range(0, len(rows), _MOST_A_FRAME)]
