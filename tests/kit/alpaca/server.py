"""A made-up Alpaca over real HTTP and WebSocket, for unmodified alpaca-py: one account, whose book a test drives.

    with alpaca() as server:
        client = TradingClient(KEY, SECRET, paper=True, url_override=server.url)
        stream = TradingStream(KEY, SECRET, paper=True, url_override=server.stream_url)
        server.trade("AAPL", "100")

It misbehaves on order: `faults` are taken one by one by what writes, `refuses_stream` and `hang_up` are for the
stream, which replays nothing. Every request that writes is in `writes`, those whose answer was lost too.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from core.numbers import plain
from tests.kit.alpaca.book import OPEN, Book, Order, Refused, Update

KEY, SECRET = "PKMADEUPKEY", "alpaca-made-up-secret"
Fault = Literal["lost", "429", "504", "html", "hang"]
"""lost: done, and the connection is cut instead of an answer. The others are answered, or not, and nothing is done."""
_AT = "2026-11-23T15:00:00Z"
_HANG_S = 30.0


@dataclass(slots=True)
class AlpacaServer:
    url: str
    stream_url: str
    book: Book
    faults: deque[Fault] = field(default_factory=deque[Fault])
    writes: list[str] = field(default_factory=list[str])
    is_open: bool = True
    refuses_stream: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _told: int = 0
    _listeners: list[ServerConnection] = field(default_factory=list[ServerConnection])
    _stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def trade(self, symbol: str, price: str) -> None:
        """Let the market print a price."""
        with self._lock:
            self.book.trade(symbol, price)
            self._tell()

    def settle(self) -> None:
        """Let cancels that wait be done."""
        with self._lock:
            self.book.settle()
            self._tell()

    def hang_up(self) -> None:
        """Cut every listener of the stream; what is told meanwhile is told to nobody."""
        for socket in list(self._listeners):
            socket.close()

    # ---- REST ----

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """Return status and body of a request."""
        with self._lock:
            try:
                return self._routed(method, path.removeprefix("/v2"), query, body)
            except Refused as refused:
                return refused.status, {"code": refused.code, "message": refused.message}
            finally:
                self._tell()

    def _routed(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        match method, path.split("/")[1:]:
            case "GET", ["account"]:
                return 200, self._account()
            case "GET", ["clock"]:
                return 200, {"timestamp": _AT, "is_open": self.is_open, "next_open": _AT, "next_close": _AT}
            case "GET", ["positions"]:
                return 200, [self._position(symbol) for symbol in sorted(self.book.positions)]
            case "GET", ["positions", symbol]:
                if symbol not in self.book.positions:
                    raise Refused(404, 40410000, "position does not exist")
                return 200, self._position(symbol)
            case "POST", ["orders"]:
                return 200, self.book.submit(body).body()
            case "GET", ["orders"]:
                return 200, self._listed(query)
            case "GET", ["orders:by_client_order_id"]:
                return 200, self.book.by_client_id(query.get("client_order_id", "")).body()
            case "GET", ["orders", order_id]:
                return 200, self.book.order(order_id).body()
            case "PATCH", ["orders", order_id]:
                return 200, self.book.replace(order_id, body).body()
            case "DELETE", ["orders", order_id]:
                self.book.cancel(order_id)
                return 204, None
            case "DELETE", ["orders"]:
                return 207, [self._cancelled(order) for order in self._open_parents()]
            case "DELETE", ["positions", symbol]:
                return 200, self._closed(symbol)
            case _:
                return 404, {"code": 40410000, "message": f"endpoint not found: {method} {path}"}

    def _listed(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return orders as the list does: of the open ones an active stop beside its target is left out."""
        is_nested, wanted = query.get("nested") == "True", query.get("status", "open")
        found = [o for o in self.book.orders.values() if not is_nested or o.parent is None]
        if wanted == "open":
            found = [o for o in found if o.status in OPEN and o.status != "held"]
        elif wanted == "closed":
            found = [o for o in found if o.status not in OPEN]
        symbols = set(query["symbols"].split(",")) if query.get("symbols") else None
        return [o.body(nested=is_nested) for o in found if symbols is None or o.symbol in symbols]

    def _open_parents(self) -> list[Order]:
        return [o for o in self.book.orders.values() if o.status in OPEN]

    def _cancelled(self, order: Order) -> dict[str, Any]:
        with contextlib.suppress(Refused):  # its group went with another one
            self.book.cancel(order.id)
        return {"id": order.id, "status": 200, "body": None}

    def _closed(self, symbol: str) -> dict[str, Any]:
        held = self.book.held(symbol)
        if not held:
            raise Refused(404, 40410000, "position does not exist")
        side = "sell" if held > 0 else "buy"
        asked = {"symbol": symbol, "qty": str(abs(held)), "side": side, "type": "market"}
        return self.book.submit(asked).body()

    def _account(self) -> dict[str, Any]:
        cash, equity = str(self.book.cash), str(self.book.equity)
        return {
            "id": "8a5d1f7e-53b0-4f1e-a3a2-52d0a7f7f0aa", "account_number": "PA1", "status": "ACTIVE",
            "currency": "USD", "cash": cash, "equity": equity, "last_equity": equity, "portfolio_value": equity,
            "buying_power": cash, "regt_buying_power": cash, "non_marginable_buying_power": cash, "multiplier": "1",
            "trading_blocked": False, "transfers_blocked": False, "account_blocked": False,
            "trade_suspended_by_user": False, "shorting_enabled": True, "created_at": _AT,
        }  # fmt: skip

    def _position(self, symbol: str) -> dict[str, Any]:
        quantity, average = self.book.positions[symbol]
        return {
            "asset_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415", "symbol": symbol, "exchange": "NASDAQ",
            "asset_class": "us_equity", "qty": plain(quantity), "side": "long" if quantity > 0 else "short",
            "avg_entry_price": str(average), "cost_basis": str(quantity * average), "market_value": None,
            "current_price": None,
        }  # fmt: skip

    # ---- the order stream ----

    def listen(self, socket: ServerConnection) -> None:
        """Speak with one listener until it goes."""
        with contextlib.suppress(ConnectionClosed):
            asked = json.loads(socket.recv())["data"]
            is_right = (asked["key_id"], asked["secret_key"]) == (KEY, SECRET) and not self.refuses_stream
            status = "authorized" if is_right else "unauthorized"
            _send(socket, "authorization", {"status": status, "action": "authenticate"})
            if not is_right:
                return
            streams = json.loads(socket.recv())["data"]["streams"]
            _send(socket, "listening", {"streams": streams})
            with self._lock:
                self._listeners.append(socket)
            try:
                for _ in socket:
                    pass
            finally:
                with self._lock:
                    self._listeners.remove(socket)

    def _tell(self) -> None:
        fresh, self._told = self.book.updates[self._told :], len(self.book.updates)
        for update in fresh:
            for socket in list(self._listeners):
                with contextlib.suppress(ConnectionClosed):
                    _send(socket, "trade_updates", _said(update))


@contextlib.contextmanager
def alpaca(*, cash: str = "100000") -> Generator[AlpacaServer]:
    """Run a server while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            address = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(address.query).items()}
            if (self.headers["APCA-API-KEY-ID"], self.headers["APCA-API-SECRET-KEY"]) != (KEY, SECRET):
                self._say(401, {"code": 40110000, "message": "request is not authorized"})
                return
            fault: Fault | None = None
            if self.command != "GET":
                made.writes.append(f"{self.command} {address.path}")
                fault = made.faults.popleft() if made.faults else None
            match fault:
                case "429" | "504":
                    self._say(int(fault), {"code": 0, "message": "try later"})
                case "html":
                    self._say(502, "<html>Bad Gateway</html>")
                case "hang":
                    made._stopped.wait(_HANG_S)  # pyright: ignore[reportPrivateUsage]
                case _:
                    answer = made.answer(self.command, unquote(address.path), query, body)
                    if fault is None:
                        self._say(*answer)
                    else:
                        self.close_connection = True

        do_GET = do_POST = do_PATCH = do_DELETE = _take  # noqa: N815 - names of the library

        def _say(self, status: int, body: Any) -> None:
            data = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    made = AlpacaServer("", "", Book(cash=cash))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as rest, serve(made.listen, "127.0.0.1", 0) as stream:
        made.url = f"http://127.0.0.1:{rest.server_address[1]}"
        made.stream_url = f"ws://127.0.0.1:{stream.socket.getsockname()[1]}/stream"
        threads = [
            threading.Thread(target=rest.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True),
            threading.Thread(target=stream.serve_forever, daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield made
        finally:
            made._stopped.set()  # pyright: ignore[reportPrivateUsage]
            made.hang_up()
            rest.shutdown()
            stream.shutdown()
            for thread in threads:
                thread.join(10)


def _said(update: Update) -> dict[str, Any]:
    said: dict[str, Any] = {"event": update.event, "timestamp": _AT, "order": update.order}
    if update.execution_id:
        said |= {
            "execution_id": update.execution_id, "price": _text(update.price), "qty": _text(update.qty),
            "position_qty": _text(update.position_qty),
        }  # fmt: skip
    return said


def _text(value: Decimal | None) -> str:
    return plain(value or Decimal(0))


def _send(socket: ServerConnection, stream: str, data: Mapping[str, Any]) -> None:
    """Send a binary frame, as paper trading does."""
    socket.send(json.dumps({"stream": stream, "data": data}).encode())
