"""What the vendor has been recorded to send and to be sent, beside frames and news: candles and our own messages."""

from __future__ import annotations

import asyncio
import json

import pytest
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve

from core.settings import Settings
from engine.sessions import Calendars
from ingest.history import roll_up
from ingest.link import Link
from tests.kit.data import data_file


def test_every_recorded_daily_candle_goes_to_the_session_of_its_date() -> None:
    plain = json.loads(data_file("fixtures/finnhub/stock_candle_AAPL_D.json").read_text())
    assert plain["s"] == "ok"
    span = int(plain["t"][0]) * 1000 - 86_400_000, int(plain["t"][-1]) * 1000 + 2 * 86_400_000
    intervals = Calendars().intervals("AAPL", "regular", "1d", *span)
    found = roll_up("AAPL", "1d", "finnhub", plain, intervals=intervals, sessions=intervals, is_daily=True)
    assert found is not None
    assert found.open == plain["o"]
    assert found.high == plain["h"]
    assert found.low == plain["l"]
    assert found.close == plain["c"]
    assert found.volume == pytest.approx(plain["v"])
    # The session opens 13.5 or 14.5 hours after the midnight that the vendor stamps it with.
    assert {ts // 1000 - t for ts, t in zip(found.ts_ms, plain["t"], strict=True)} <= {48_600, 52_200}


@pytest.mark.parametrize("with_news", [False, True])
def test_what_we_send_is_what_recorded_clients_sent(with_news: bool) -> None:
    recorded = json.loads(data_file("fixtures/finnhub/ws_client_messages.json").read_text())
    received = asyncio.run(_said_by_our_link(recorded, with_news=with_news))
    assert [m for m in received if "-news" not in m["type"]] == recorded
    news = [{**m, "type": m["type"] + "-news"} for m in recorded] if with_news else []
    assert [m for m in received if "-news" in m["type"]] == news


async def _said_by_our_link(recorded: list[dict[str, str]], *, with_news: bool) -> list[dict[str, str]]:
    received: list[dict[str, str]] = []

    async def listen(socket: ServerConnection) -> None:
        async for text in socket:
            received.append(json.loads(text))

    async with serve(listen, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        link = Link(
            Settings(
                finnhub_ws_url=f"ws://127.0.0.1:{port}", finnhub_api_key=SecretStr("k"), finnhub_news_stream=with_news
            ),
            lambda _: None,
        )
        opened = asyncio.Event()
        running = asyncio.create_task(link.run(opened.set))
        await asyncio.wait_for(opened.wait(), 10)
        for message in recorded:
            send = link.subscribe if message["type"] == "subscribe" else link.unsubscribe
            assert await send(message["symbol"])
        await link.close()
        await running
    return received
