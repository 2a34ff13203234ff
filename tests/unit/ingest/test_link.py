"""How a connection to the feed ends, as the feed answers its handshake; and that its key is told to nobody else."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus

import pytest
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from core.settings import Settings
from ingest.link import Ended, Link

KEY = "a-key-of-the-feed"


def ended(status: HTTPStatus | None, headers: dict[str, str] | None = None, *, close_code: int = 1000) -> Ended:
    """Return how a connection ended whose handshake was answered with `status`; None: accepted, then closed."""

    async def handshake(_socket: ServerConnection, request: Request) -> Response | None:
        assert request.path == f"/?token={KEY}"
        return None if status is None else Response(status.value, status.phrase, Headers(headers or {}), b"")

    async def close(socket: ServerConnection) -> None:
        await socket.close(close_code)

    async def connect() -> Ended:
        async with serve(close, "127.0.0.1", 0, process_request=handshake) as server:
            return await link_to(next(iter(server.sockets)).getsockname()[1]).run(lambda: None)

    return asyncio.run(connect())


def link_to(port: int) -> Link:
    return Link(Settings(finnhub_ws_url=f"ws://127.0.0.1:{port}", finnhub_api_key=SecretStr(KEY)), lambda _: None)


@pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN])
def test_a_refused_key_is_told_from_a_feed_that_is_away(status: HTTPStatus) -> None:
    assert ended(status) == Ended("refused", f"status {status.value}")
    assert ended(HTTPStatus.BAD_GATEWAY) == Ended("unreachable", "status 502")


@pytest.mark.parametrize(("after", "seconds"), [("17", 17.0), ("", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0)])
def test_a_feed_with_too_many_connections_says_how_long_to_wait(after: str, seconds: float) -> None:
    headers = {"Retry-After": after} if after else {}
    assert ended(HTTPStatus.TOO_MANY_REQUESTS, headers) == Ended("busy", "status 429", retry_s=seconds)


@pytest.mark.parametrize("close_code", [1000, 1011])
def test_a_connection_that_the_feed_closes_is_lost(close_code: int) -> None:
    assert ended(None, close_code=close_code).why == "lost"


def test_where_nobody_listens_the_feed_is_unreachable_and_nothing_can_be_sent() -> None:
    async def connect() -> tuple[Ended, bool]:
        async with serve(lambda _: asyncio.sleep(0), "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
        link = link_to(port)
        return await link.run(lambda: None), await link.subscribe("AAPL")

    how, was_sent = asyncio.run(connect())
    assert how.why == "unreachable"
    assert not was_sent


@pytest.mark.parametrize("status", [None, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_GATEWAY])
def test_neither_a_warning_nor_the_reason_of_an_end_tells_the_key(
    status: HTTPStatus | None, caplog: pytest.LogCaptureFixture
) -> None:
    # No process lets less than warnings of the library through (`core.observability.start`).
    with caplog.at_level(logging.WARNING):
        how = ended(status, close_code=1011)
    assert KEY not in caplog.text + how.detail
