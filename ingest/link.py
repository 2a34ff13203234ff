"""One WebSocket to the feed: connect, subscribe, hand on each frame; says plainly how a connection ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from core.settings import Settings

HANDSHAKE_S = 15.0
_GOODBYE_S = 1.0
"""A feed that does not answer a close is not waited for longer."""
_MAX_FRAME = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a connection ended. `refused`: the key; `busy`: too many connections, wait `retry_s`."""

    why: Literal["refused", "busy", "lost", "unreachable"]
    detail: str
    retry_s: float = 0.0


class Link:
    """`on_open` is awaited once connected; `on_frame` is called for each frame, with no await in between."""

    def __init__(self, settings: Settings, on_frame: Callable[[str | bytes], None]) -> None:
        self._url = f"{settings.finnhub_ws_url}?token={quote(settings.finnhub_api_key.get_secret_value())}"
        self._on_frame = on_frame
        self._kinds = ("", "-news") if settings.finnhub_news_stream else ("",)
        self._socket: ClientConnection | None = None

    async def run(self, on_open: Callable[[], None]) -> Ended:
        """Stay connected as long as it lasts; return how it ended."""
        try:
            async with connect(
                self._url, open_timeout=HANDSHAKE_S, close_timeout=_GOODBYE_S, max_size=_MAX_FRAME, proxy=None
            ) as socket:
                self._socket = socket
                on_open()
                async for frame in socket:
                    self._on_frame(frame)
                return Ended("lost", f"closed by the feed ({socket.close_code})")
        except InvalidStatus as error:
            return _refusal(error)
        except (InvalidHandshake, OSError, TimeoutError) as error:
            return Ended("unreachable", type(error).__name__)
        except WebSocketException as error:
            return Ended("lost", type(error).__name__)
        finally:
            self._socket = None

    async def subscribe(self, symbol: str) -> bool:
        """Ask for a symbol's trades, and for its news where the plan has a stream of them."""
        return all([await self._send({"type": f"subscribe{kind}", "symbol": symbol}) for kind in self._kinds])

    async def unsubscribe(self, symbol: str) -> bool:
        return all([await self._send({"type": f"unsubscribe{kind}", "symbol": symbol}) for kind in self._kinds])

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def _send(self, message: dict[str, str]) -> bool:
        if self._socket is None:
            return False
        try:
            await self._socket.send(msgspec.json.encode(message).decode())
        except WebSocketException:
            return False
        return True


def _refusal(error: InvalidStatus) -> Ended:
    status = error.response.status_code
    if status in (401, 403):
        return Ended("refused", f"status {status}")
    if status == 429:
        after = error.response.headers.get("Retry-After", "")
        return Ended("busy", "status 429", retry_s=float(after) if after.isdecimal() else 0.0)
    return Ended("unreachable", f"status {status}")
