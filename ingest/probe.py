"""What this key may use: one cheap call a feature at the start, again each day, stored where others read it.

A refused feature is not called again before the next probe; `Rest` sees to that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import redis

from core.clock import Clock, to_datetime
from core.errors import NotAllowed, Unavailable
from core.observability import logger
from core.settings import Settings
from core.store import feed_status
from core.store.feed_status import Capabilities, Capability
from ingest.rest import Refused, Rest

AGAIN_S = 86_400.0
UNKNOWN_AGAIN_S = 60.0
_LOOK_S = 1.0
_STOCK, _COIN = "AAPL", "BINANCE:BTCUSDT"
_log = logger(__name__)


class Probe:
    """`run` works until cancelled, while `is_ready` says so."""

    def __init__(
        self, settings: Settings, rest: Rest, connection: redis.Redis, clock: Clock, *, is_ready: Callable[[], bool]
    ) -> None:
        self._feed = settings.feed_name
        self._rest = rest
        self._redis = connection
        self._clock = clock
        self._is_ready = is_ready
        self._found: dict[str, Capability] = {}

    async def run(self) -> None:
        while not self._is_ready():
            await asyncio.sleep(_LOOK_S)
        while True:
            began = self._clock.monotonic()
            while await self._ask_unknown():
                await asyncio.sleep(UNKNOWN_AGAIN_S)
            await asyncio.sleep(max(0.0, began + AGAIN_S - self._clock.monotonic()))
            self._rest.forget_refusals()
            self._found.clear()

    async def _ask_unknown(self) -> bool:
        """Ask what is not known yet, store what is found; return whether something is still unknown."""
        for feature, call in self._calls().items():
            if feature not in self._found or self._found[feature].state == "unknown":
                while wait_s := self._rest.turn():
                    await asyncio.sleep(wait_s)
                self._found[feature] = await asyncio.to_thread(self._try, feature, call)
        refused = sorted(c.feature for c in self._found.values() if c.state == "refused")
        _log.info("what the key may use was asked", refused=refused)
        found = Capabilities(feed=self._feed, at_ms=self._clock.now_ms(), features=list(self._found.values()))
        is_stored = True
        try:
            await asyncio.to_thread(feed_status.put_capabilities, self._redis, found)
        except Unavailable:
            is_stored = False
        return not is_stored or any(c.state == "unknown" for c in self._found.values())

    def _calls(self) -> dict[str, Callable[[], object]]:
        """Return the cheapest question to each feature, named as `Rest` names them in its refusals."""
        now_s = self._clock.now_ms() // 1000
        today = to_datetime(self._clock.now_ms()).date()
        return {
            "quote": lambda: self._rest.quote(_STOCK),
            "stock_candle": lambda: self._rest.candles(_STOCK, "D", now_s - 86_400, now_s),
            "crypto_candle": lambda: self._rest.candles(_COIN, "1", now_s - 300, now_s),
            "company_news": lambda: self._rest.company_news(_STOCK, today, today),
            "news": lambda: self._rest.general_news(0),
            "market_status": lambda: self._rest.market_status("US"),
        }

    def _try(self, feature: str, call: Callable[[], object]) -> Capability:
        at_ms = self._clock.now_ms()
        try:
            call()
        except Refused as error:
            return Capability(
                feature=feature, state="refused", at_ms=at_ms, status=error.status, answer=str(error)
            )  # fmt: skip
        except (NotAllowed, Unavailable) as error:
            return Capability(feature=feature, state="unknown", at_ms=at_ms, answer=str(error))
        return Capability(feature=feature, state="allowed", at_ms=at_ms, status=200)
