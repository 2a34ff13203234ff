"""Trading halts from the broker's market data: the status channel of Alpaca's stock stream, through its own client.

The client runs its own event loop, in a thread; it connects anew by itself. A key may have one such connection.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any, cast

from alpaca.data.enums import DataFeed
from alpaca.data.live import StockDataStream
from alpaca.data.models import TradingStatus
from typing_extensions import override

from core.observability import logger
from core.settings import Settings
from ingest.halts import Status

_log = logger(__name__)
_JOIN_S = 6.0
_CONNECTING = "connecting to the broker's status stream"


class AlpacaStatuses:
    """Calls back in the loop it was started in: `on_status` with each message, `on_missing` with why there are none,
    empty once they come."""

    def __init__(
        self, settings: Settings, on_status: Callable[[Status], None], on_missing: Callable[[str], None]
    ) -> None:
        # It writes whole stack traces about connections that fail; what there is to say is said by `on_missing`.
        logging.getLogger("alpaca.data.live.websocket").setLevel(logging.CRITICAL)
        self._on_status = on_status
        self._on_missing = on_missing
        self._stream = _Stream(settings, self._tell)
        self._stream.subscribe_trading_statuses(self._take, "*")  # pyright: ignore[reportUnknownMemberType]
        self._thread = threading.Thread(target=self._work, name="statuses", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin; from inside a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._on_missing(_CONNECTING)
        self._thread.start()

    def close(self) -> None:
        """End the connection. Blocks for a few seconds at most."""
        if self._thread.is_alive():
            self._loop = None
            self._stream.stop()
            self._thread.join(_JOIN_S)

    async def _take(self, found: object) -> None:
        status = cast(TradingStatus, found)
        reason = status.reason_message or status.status_message
        self._post(
            self._on_status,
            Status(status.symbol, status.status_code, reason.strip(), int(status.timestamp.timestamp() * 1000)),
        )

    def _tell(self, missing: str) -> None:
        if missing:
            _log.warning("halts are not seen", reason=missing)
        self._post(self._on_missing, missing)

    def _post(self, what: Callable[[Any], None], value: object) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(what, value)

    def _work(self) -> None:
        self._stream.run()
        self._tell("the broker's status stream ended: the key's plan may not have it")


class _Stream(StockDataStream):
    """Says when it is connected and when no longer, which the client keeps to itself."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        feed = DataFeed(settings.alpaca_data_feed)
        super().__init__(
            settings.alpaca_data_key.get_secret_value(),
            settings.alpaca_data_secret.get_secret_value(),
            feed=feed,
            url_override=f"{settings.alpaca_stream_url.rstrip('/')}/{feed.value}",
        )
        self._tell = tell

    @override
    async def _start_ws(self) -> None:
        try:
            await super()._start_ws()
        except Exception as error:
            self._tell(f"the broker's status stream cannot be used ({type(error).__name__}: {error})")
            raise
        self._tell("")

    @override
    async def close(self) -> None:
        if self._running:
            self._tell("the broker's status stream is disconnected")
        await super().close()
