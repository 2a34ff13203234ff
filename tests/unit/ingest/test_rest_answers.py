"""What the feed's REST side is asked and may answer: the key goes in a header, no answer crashes who asked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from core.clock import ManualClock
from core.errors import Unavailable
from core.settings import Settings
from ingest.rest import Refused, Rest

KEY = "a-key-of-the-feed"
DAY = date(2026, 11, 20)
CALLS: dict[str, Callable[[Rest], object]] = {
    "stock/candle": lambda rest: rest.candles("AAPL", "1", 0, 60),
    "crypto/candle": lambda rest: rest.candles("BINANCE:BTCUSDT", "1", 0, 60),
    "quote": lambda rest: rest.quote("AAPL"),
    "company-news": lambda rest: rest.company_news("AAPL", DAY, DAY),
    "news": lambda rest: rest.general_news(7),
    "stock/market-status": lambda rest: rest.market_status("US"),
}


@dataclass(slots=True)
class Vendor:
    """Answers each request with `status` and `body`. `asked`: path with query, and the key in the header."""

    url: str
    status: int = 200
    body: str = "{}"
    location: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


@contextlib.contextmanager
def vendor() -> Generator[Vendor]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append((self.path, self.headers.get("X-Finnhub-Token", "")))
            content = found.body.encode()
            self.send_response(found.status)
            self.send_header("Content-Type", "application/json")
            if found.location:
                self.send_header("Location", found.location)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Vendor(f"http://127.0.0.1:{server.server_address[1]}/api/v1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def client(server: Vendor, clock: ManualClock | None = None) -> Rest:
    return Rest(Settings(finnhub_rest_url=server.url, finnhub_api_key=SecretStr(KEY)), clock or ManualClock())


@pytest.mark.parametrize("path", CALLS)
def test_the_key_is_in_a_header_and_never_in_an_address(path: str) -> None:
    with vendor() as server:
        server.body = "[]" if "news" in path else "{}"
        CALLS[path](client(server))
    [(asked, token)] = server.asked
    assert asked.split("?")[0].replace("//", "/") == f"/api/v1/{path}"
    assert KEY not in asked
    assert token == KEY


@pytest.mark.parametrize("status", [403, 401])
def test_what_the_plan_lacks_is_known_by_its_text_and_asked_once(status: int) -> None:
    with vendor() as server:
        rest = client(server)
        server.status, server.body = status, '{"error":"You don\'t have access to this resource."}'
        for _ in range(2):
            with pytest.raises(Refused, match="access to this resource"):
                rest.candles("AAPL", "1", 0, 60)
        assert rest.refused == {"stock_candle"}
        assert len(server.asked) == 1
        server.status, server.body = 200, '{"c": 3.5}'
        assert rest.quote("AAPL") == 3.5
        rest.forget_refusals()
        server.body = '{"s":"no_data"}'
        assert rest.candles("AAPL", "1", 0, 60)["t"] == []


def test_a_wrong_key_is_no_refusal_of_a_feature() -> None:
    with vendor() as server:
        rest = client(server)
        server.status, server.body = 401, '{"error":"Invalid API key"}'
        with pytest.raises(Unavailable, match="Invalid API key"):
            rest.quote("AAPL")
    assert rest.refused == frozenset()


def test_after_too_many_calls_everybody_waits() -> None:
    clock = ManualClock()
    with vendor() as server:
        rest = client(server, clock)
        server.status, server.body = 429, '{"error":"API limit reached. Please try again later. Remaining Limit: 0"}'
        with pytest.raises(Unavailable, match="429"):
            rest.quote("AAPL")
    assert rest.turn() > 0
    clock.advance(60_001)
    assert rest.turn() == 0.0


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("body", ["null", "17", '"text"', "<html>Bad gateway</html>", ""])
def test_an_answer_that_is_none_is_the_feeds_trouble_and_crashes_nobody(path: str, status: int, body: str) -> None:
    with vendor() as server:
        server.status, server.body = status, body
        with pytest.raises(Unavailable):
            CALLS[path](client(server))


@pytest.mark.parametrize(
    "body",
    [
        '{"s":"ok"}',
        '{"s":"ok","o":[],"h":[],"l":[],"c":[],"v":[]}',
        '{"s":"ok","o":[1],"h":[1],"l":[1],"c":[1],"v":[],"t":[60]}',
        '{"s":"ok","o":[1],"h":[1],"l":[1],"c":[1],"v":[1],"t":60}',
        "[]",
    ],
)
def test_candles_without_their_columns_are_no_candles(body: str) -> None:
    with vendor() as server:
        server.body = body
        with pytest.raises(Unavailable):
            client(server).candles("AAPL", "1", 0, 60)


def test_a_redirect_does_not_carry_the_key_elsewhere() -> None:
    with vendor() as elsewhere, vendor() as server:
        server.status, server.location = 302, f"{elsewhere.url}/quote"
        with pytest.raises(Unavailable):
            client(server).quote("AAPL")
    assert len(server.asked) == 1
    assert elsewhere.asked == []
