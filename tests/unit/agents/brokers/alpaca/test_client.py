"""Unmodified alpaca-py, with our timeout and our care for what may have arrived, against a server that misbehaves."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from alpaca.common.enums import BaseURL
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest, ReplaceOrderRequest

from agents.brokers.alpaca.client import AlpacaClient, KnownOrder, Rejected
from core.errors import InvalidInput, NotAllowed, NotFound, OutcomeUnknown, TapewatchError, Unavailable
from core.store.broker_connections import Credentials
from tests.kit.data import data_file

KEYS = Credentials("PKSOMEKEY", "a-secret-of-alpaca")
ORDER_ID = "61e69015-8549-4bfd-b9c3-01e75843f47d"


@dataclass(slots=True)
class Server:
    """`answers` come one after the other, the last of them for ever: status and body, or None to hang up."""

    url: str = ""
    answers: list[tuple[int, str] | None] = field(default_factory=list[tuple[int, str] | None])
    asked: list[str] = field(default_factory=list[str])
    location: str = ""
    hold: threading.Event = field(default_factory=threading.Event)
    """Not set: no answer leaves."""

    def __post_init__(self) -> None:
        self.hold.set()


@contextlib.contextmanager
def server(*answers: tuple[int, str] | None) -> Generator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            found.asked.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]
            found.hold.wait(20)
            if answer is None:
                self.close_connection = True
                return
            status, body = answer
            with contextlib.suppress(OSError):
                self.send_response(status)
                if found.location:
                    self.send_header("Location", found.location)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

        do_GET = do_POST = do_PATCH = do_DELETE = _take  # noqa: N815 - names of the library

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        found = Server(f"http://127.0.0.1:{running.server_address[1]}", list(answers))
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            found.hold.set()
            running.shutdown()
            thread.join()


def client(at: Server | str, *, answer_s: float = 5.0) -> AlpacaClient:
    url = at if isinstance(at, str) else at.url
    return AlpacaClient(KEYS, is_live=False, url=url, answer_s=answer_s, again_s=0.01)


def submit(made: AlpacaClient) -> object:
    return made.submit_order(
        MarketOrderRequest(
            symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, client_order_id="tw-1-entry"
        )
    )


WRITES: dict[str, Callable[[AlpacaClient], object]] = {
    "POST": submit,
    "PATCH": lambda made: made.replace_order_by_id(ORDER_ID, ReplaceOrderRequest(stop_price=99.5)),
    "DELETE": lambda made: made.cancel_order_by_id(ORDER_ID),
}


def error(code: int, message: str) -> str:
    return json.dumps({"code": code, "message": message})


def recorded_order() -> str:
    return data_file("fixtures/alpaca/recorded_bracket_order_AAPL_20260204.json").read_text()


def test_a_recorded_order_is_read_by_the_vendors_own_models() -> None:
    with server((200, recorded_order())) as at:
        found = client(at).get_order_by_client_id("any")
    assert at.asked == ["GET /v2/orders:by_client_order_id?client_order_id=any"]
    assert str(getattr(found, "id", "")) == json.loads(recorded_order())["id"]


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    "answer",
    [(429, ""), (504, error(0, "timeout")), (500, ""), (502, "<html>Bad Gateway</html>"), (200, "<html>"), None],
)
def test_what_writes_is_sent_once_and_its_fate_is_unknown(method: str, answer: tuple[int, str] | None) -> None:
    with server(answer) as at:
        with pytest.raises(OutcomeUnknown, match="looked up"):
            WRITES[method](client(at))
        assert [one.partition(" ")[0] for one in at.asked] == [method]


def test_a_server_that_hangs_is_waited_for_so_long_and_no_longer() -> None:
    with server((200, recorded_order())) as at:
        at.hold.clear()
        with pytest.raises(OutcomeUnknown, match="did not answer"):
            submit(client(at, answer_s=0.2))
        assert len(at.asked) == 1


@pytest.mark.parametrize("passing", [(429, ""), (504, ""), (500, "<html>"), None])
def test_what_reads_is_asked_again_until_it_is_answered(passing: tuple[int, str] | None) -> None:
    with server(passing, passing, (200, recorded_order())) as at:
        client(at).get_order_by_client_id("any")
        assert len(at.asked) == 3


def test_what_reads_is_not_asked_for_ever() -> None:
    with server((504, "")) as at:
        with pytest.raises(Unavailable, match="answered 504"):
            client(at).get_account()
        assert len(at.asked) == 4


@pytest.mark.parametrize("method", WRITES)
def test_where_nobody_listens_nothing_was_sent(method: str) -> None:
    with server((200, "")) as at:
        gone = at.url
    with pytest.raises(Unavailable, match="cannot be reached"):
        WRITES[method](client(gone))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (422, error(40010001, "client_order_id must be unique"), KnownOrder),
        (403, error(40310000, "insufficient buying power"), Rejected),
        (422, error(42210000, "bracket orders must be entry orders"), Rejected),
        (400, "<html>what?</html>", Rejected),
        (401, error(40110000, "request is not authorized"), NotAllowed),
        (403, error(40110000, "request is not authorized"), NotAllowed),
        (403, "<html>Forbidden</html>", NotAllowed),
        (404, error(40410000, "order not found"), NotFound),
    ],
)
def test_a_refusal_is_known_for_what_it_is_and_shows_no_page_of_a_proxy(
    status: int, body: str, kind: type[TapewatchError]
) -> None:
    with server((status, body)) as at:
        with pytest.raises(kind) as refused:
            submit(client(at))
        assert type(refused.value) is kind
        assert len(at.asked) == 1
    assert "<html" not in str(refused.value)
    assert KEYS.api_secret not in str(refused.value)
    assert KEYS.api_key not in str(refused.value)


def test_keys_do_not_follow_a_redirect() -> None:
    with server((200, "{}")) as elsewhere, server((302, "")) as at:
        at.location = f"{elsewhere.url}/v2/account"
        with pytest.raises(TapewatchError):
            client(at).get_account()
    assert elsewhere.asked == []


@pytest.mark.parametrize(("key", "is_live"), [("AKLIVEKEY", False), ("PKPAPERKEY", True)])
def test_keys_of_the_other_kind_of_account_are_refused_before_anything_is_sent(key: str, *, is_live: bool) -> None:
    with pytest.raises(InvalidInput, match="api_key: found a key of a"):
        AlpacaClient(Credentials(key, "s"), is_live=is_live)


def test_paper_is_the_address_unless_live_is_said() -> None:
    live = AlpacaClient(Credentials("AKLIVE", "s"), is_live=True)
    assert AlpacaClient(KEYS, is_live=False)._base_url == BaseURL.TRADING_PAPER  # pyright: ignore[reportPrivateUsage]
    assert live._base_url == BaseURL.TRADING_LIVE  # pyright: ignore[reportPrivateUsage]
