"""Alpaca's market data in a test: a local server that answers `/v2/stocks/bars` in the shape of recorded bodies."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY, SECRET = "PKTESTKEY", "alpaca-secret"
Bars = list[dict[str, object]]


def bar(ts_ms: int, close: float) -> dict[str, object]:
    """Return a bar with the fields of a recorded one; all of its prices are one."""
    at = datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"t": at, "o": close, "h": close, "l": close, "c": close, "v": 100, "n": 7, "vw": close}


@dataclass(slots=True)
class AlpacaData:
    """`bars` gives those of (symbol, timeframe, start ms, end ms), oldest first; `answers` come before, once each."""

    url: str
    bars: Callable[[str, str, int, int], Bars]
    page: int = 10_000
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list[tuple[int, dict[str, str]]])
    asked: list[str] = field(default_factory=list[str])
    """Path and query of each request, in order."""


@contextlib.contextmanager
def alpaca_data(bars: Callable[[str, str, int, int], Bars]) -> Generator[AlpacaData]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            if (self.headers["APCA-API-KEY-ID"], self.headers["APCA-API-SECRET-KEY"]) != (KEY, SECRET):
                self._answer(403, {"message": "forbidden."})
            elif found.answers:
                status, body = found.answers.pop(0)
                self._answer(status, body)
            else:
                self._answer(200, _page(found, self.path))

        def _answer(self, status: int, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = AlpacaData(f"http://127.0.0.1:{server.server_port}", bars)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _page(server: AlpacaData, path: str) -> dict[str, object]:
    asked = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
    symbol = asked["symbols"]
    found = server.bars(symbol, asked["timeframe"], _ms(asked.get("start")), _ms(asked.get("end")))
    begin = int(asked.get("page_token", 0))
    size = min(server.page, int(asked.get("limit", server.page)))
    rest = begin + size < len(found)
    bars = {symbol: found[begin : begin + size]} if found else {}
    return {"bars": bars, "next_page_token": str(begin + size) if rest else None}


def _ms(text: str | None) -> int:
    """Return a bound of the request; without one it is of today, as there."""
    return round((datetime.fromisoformat(text) if text else datetime.now(UTC)).timestamp() * 1000)
