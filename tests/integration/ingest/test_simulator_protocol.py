"""The simulator keeps the vendor's rules, as a real WebSocket client and the vendor's own REST client see them."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import finnhub
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.kit.processes import running
from tests.kit.simulator import TOKEN, RunningSimulator, running_simulator

BTC, ETH, SOL = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BINANCE:SOLUSDT"
DEADLINE_S = 20.0


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    folder = tmp_path_factory.mktemp("simulator")
    with running_simulator(folder, "--speed", "20", "--symbol-limit", "2", "--refuse", "stock/candle") as found:
        yield found


def open_socket(simulator: RunningSimulator, token: str = TOKEN) -> ClientConnection:
    return connect(f"{simulator.ws_url}/?token={token}", proxy=None)


def say(socket: ClientConnection, kind: str, symbol: str) -> None:
    socket.send(json.dumps({"type": kind, "symbol": symbol}))


def next_frame(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next frame of a kind; others before it are passed over."""
    ends = time.monotonic() + DEADLINE_S
    while True:
        frame = json.loads(socket.recv(timeout=ends - time.monotonic()))
        if frame["type"] == kind:
            return frame


def rest(simulator: RunningSimulator, token: str = TOKEN) -> Any:
    """Return the vendor's client; it carries no types."""
    client: Any = finnhub.Client(api_key=token)
    client.API_URL = simulator.rest_url
    return client


def test_a_wrong_token_is_refused_at_the_handshake(simulator: RunningSimulator) -> None:
    with pytest.raises(InvalidStatus, match="401"):
        open_socket(simulator, "wrong")


def test_trades_come_in_batches_of_the_subscribed_symbol_only(simulator: RunningSimulator) -> None:
    with open_socket(simulator) as socket:
        say(socket, "subscribe", BTC)
        frames = [next_frame(socket, "trade") for _ in range(10)]
    trades = [t for f in frames for t in f["data"]]
    assert {t["s"] for t in trades} == {BTC}
    assert len(trades) > len(frames)
    assert all(set(t) == {"s", "p", "t", "v", "c"} for t in trades)
    assert [t["t"] for t in trades] == sorted(t["t"] for t in trades)


def test_unsubscribing_stops_a_symbol(simulator: RunningSimulator) -> None:
    with open_socket(simulator) as socket:
        say(socket, "subscribe", BTC)
        say(socket, "subscribe", ETH)
        next_frame(socket, "trade")
        say(socket, "unsubscribe", BTC)
        # A refusal comes back in order: whatever follows it was sent after the unsubscription.
        say(socket, "subscribe", "NOSUCH")
        next_frame(socket, "error")
        next_frame(socket, "trade")
        later = [t["s"] for _ in range(5) for t in next_frame(socket, "trade")["data"]]
    assert set(later) == {ETH}


def test_one_symbol_too_many_is_refused_without_its_name(simulator: RunningSimulator) -> None:
    with open_socket(simulator) as socket:
        for symbol in (BTC, ETH, SOL):
            say(socket, "subscribe", symbol)
        assert next_frame(socket, "error")["msg"] == "Subscribing to too many symbols"
        say(socket, "unsubscribe", BTC)
        say(socket, "subscribe", SOL)
        seen: set[str] = set()
        ends = time.monotonic() + DEADLINE_S
        while SOL not in seen and time.monotonic() < ends:
            seen |= {t["s"] for t in next_frame(socket, "trade")["data"]}
    assert SOL in seen


def test_an_unknown_symbol_is_refused_by_name(simulator: RunningSimulator) -> None:
    with open_socket(simulator) as socket:
        say(socket, "subscribe", "FX:EURUSD")
        assert next_frame(socket, "error")["msg"] == "Invalid symbol FX:EURUSD"


def test_what_is_no_message_is_answered_and_nothing_breaks(simulator: RunningSimulator) -> None:
    with open_socket(simulator) as socket:
        for text in ("nonsense", "[]", '{"type":1}'):
            socket.send(text)
            assert next_frame(socket, "error")["msg"]
        say(socket, "subscribe", BTC)
        assert next_frame(socket, "trade")["data"]


def test_a_second_connection_with_a_key_ends_both(simulator: RunningSimulator) -> None:
    with open_socket(simulator) as first, open_socket(simulator) as second:
        for socket in (first, second):
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=DEADLINE_S)
    with open_socket(simulator) as third:
        say(third, "subscribe", BTC)
        assert next_frame(third, "trade")["data"]


def test_the_vendors_client_is_told_what_its_plan_lacks_and_that_a_key_is_wrong(simulator: RunningSimulator) -> None:
    with pytest.raises(finnhub.FinnhubAPIException, match=r"403.*access to this resource"):
        rest(simulator).stock_candles("AAPL", "1", 0, 4_000_000_000)
    with pytest.raises(finnhub.FinnhubAPIException, match=r"401.*Invalid API key"):
        rest(simulator, "wrong").quote("AAPL")


def test_the_vendors_client_reads_every_answer(simulator: RunningSimulator) -> None:
    client = rest(simulator)
    quote = client.quote(BTC)
    assert set(quote) == {"c", "d", "dp", "h", "l", "o", "pc", "t"}
    assert quote["l"] <= quote["c"] <= quote["h"]
    now_s = (simulator.now_ms() or 0) // 1000
    candles = client.crypto_candles(BTC, "5", now_s - 7200, now_s)
    assert candles["s"] == "ok"
    assert {len(candles[key]) for key in "ohlcvt"} == {len(candles["t"])}
    assert all(low <= c <= high for low, c, high in zip(candles["l"], candles["c"], candles["h"], strict=True))
    assert client.crypto_candles("NOSUCH", "1", 0, 1)["s"] == "no_data"
    assert len(client.stock_symbols("US")) == 60
    assert client.market_status(exchange="US")["timezone"] == "America/New_York"
    holidays = {day["atDate"][5:]: day["tradingHour"] for day in client.market_holiday(exchange="US")["data"]}
    assert len(holidays) >= 9
    assert holidays.get("12-25", "") == ""
    assert set(holidays.values()) <= {"", "09:30-13:00"}
    assert client.symbol_lookup("nvidia")["result"][0]["symbol"] == "NVDA"
    items = client.company_news("AAPL", _from="2025-11-01", to="2025-11-08")
    assert items
    assert all(i["related"] == "AAPL" for i in items)
    latest = client.general_news("general", min_id=0)
    assert client.general_news("general", min_id=max(i["id"] for i in latest)) == []


def test_the_vendors_client_meets_the_rate_limit(tmp_path: Path) -> None:
    with running_simulator(tmp_path, "--calls-per-minute", "3") as simulator:
        client = rest(simulator)
        for _ in range(3):
            client.quote("AAPL")
        with pytest.raises(finnhub.FinnhubAPIException, match=r"429.*API limit reached") as refused:
            client.quote("AAPL")
        assert refused.value.response.headers["X-Ratelimit-Remaining"] == "0"
        assert simulator.now_ms() is not None


def test_a_killed_simulator_goes_on_later_than_it_was(tmp_path: Path) -> None:
    with running_simulator(tmp_path, "--speed", "20") as simulator:
        was = simulator.now_ms()
        simulator.process.kill()
    with running_simulator(tmp_path, "--speed", "20") as simulator:
        now = simulator.now_ms()
    assert was is not None
    assert now is not None
    assert now > was


def test_an_occupied_port_is_refused_in_one_line(simulator: RunningSimulator, tmp_path: Path) -> None:
    log = tmp_path / "second.log"
    with running({}, ["ingest.simulator", "--port", str(simulator.port)], log) as process:
        assert process.wait(30) == 2
    assert log.read_text().count("\n") == 1
    assert f"--port {simulator.port}" in log.read_text()
