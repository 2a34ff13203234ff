"""Faults that the vendor has been seen to have, switched on and off while the simulator runs.

`PUT /api/v1/simulator/faults` takes the JSON of `Faults`, what it leaves out is well;
`POST /api/v1/simulator/disconnect` closes every socket once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wrong now.

    mute          pings go on, trades do not
    mute_symbols  these give no trades, whoever subscribed them
    repeat        every trade frame is sent so many times
    ahead_ms      added to the time of every trade
    code          added to the condition codes of every trade, e.g. "61"
    garbage       sent once a tick as a frame of its own
    hold          trades are kept back; once it is off again, all of them come at once, late
    refuse        REST paths answered 403, e.g. "crypto/candle", beside those refused from the start
    busy          every REST call is answered 429
    symbol_limit  no more subscriptions than this on a connection, where it is less than the one from the start
    """

    mute: bool = False
    mute_symbols: list[str] = []
    repeat: int = 1
    ahead_ms: int = 0
    code: str = ""
    garbage: str = ""
    hold: bool = False
    refuse: list[str] = []
    busy: bool = False
    symbol_limit: int | None = None


class FaultSide:
    """Holds the faults; `on_disconnect` closes the sockets."""

    def __init__(self, on_disconnect: Callable[[], Awaitable[None]]) -> None:
        self.now = Faults()
        self._on_disconnect = on_disconnect

    def add_to(self, app: web.Application) -> None:
        app.router.add_put("/api/v1/simulator/faults", self._set)
        app.router.add_post("/api/v1/simulator/disconnect", self._disconnect)

    async def _set(self, request: web.Request) -> web.StreamResponse:
        try:
            self.now = msgspec.json.decode(await request.read(), type=Faults)
        except msgspec.MsgspecError as error:
            return web.json_response({"error": str(error)}, status=422)
        return web.json_response(msgspec.to_builtins(self.now))

    async def _disconnect(self, _request: web.Request) -> web.StreamResponse:
        await self._on_disconnect()
        return web.json_response({})
