"""The feed's REST side through its own client, with our limiter before it and the key out of the URL."""

from __future__ import annotations

from collections import deque
from typing import Protocol, cast

import finnhub
import requests

from core.clock import Clock
from core.errors import NotAllowed, Unavailable
from core.settings import Settings

Series = dict[str, list[float]]


class _Client(Protocol):
    """The part of finnhub.Client that we call; its package carries no types."""

    API_URL: str
    _session: requests.Session

    def stock_candles(self, symbol: str, resolution: str, _from: int, to: int) -> dict[str, object]: ...
    def crypto_candles(self, symbol: str, resolution: str, _from: int, to: int) -> dict[str, object]: ...


class Rest:
    """Used by one thread at a time. A feature the key may not use is asked for once and then left alone."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._limit = settings.finnhub_calls_per_minute
        self._calls: deque[float] = deque()
        self._refused: set[str] = set()
        client = cast(_Client, finnhub.Client(api_key=settings.finnhub_api_key.get_secret_value()))
        client.API_URL = settings.finnhub_rest_url.rstrip("/")
        session = client._session  # pyright: ignore[reportPrivateUsage]
        # In the query string the key would end in every proxy's log.
        session.params.clear()  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
        session.headers["X-Finnhub-Token"] = settings.finnhub_api_key.get_secret_value()
        self._client = client

    @property
    def refused(self) -> frozenset[str]:
        """Features that this key may not use, e.g. `stock_candle`."""
        return frozenset(self._refused)

    def wait_s(self) -> float:
        """Return how long to wait before the next call, 0 when it may be made now."""
        now = self._clock.monotonic()
        while self._calls and self._calls[0] < now - 60:
            self._calls.popleft()
        return 0.0 if len(self._calls) < self._limit else max(0.0, self._calls[0] + 60 - now)

    def candles(self, symbol: str, resolution: str, from_s: int, to_s: int) -> Series:
        """Return columns o h l c v t, oldest first, empty where there are none.

        Raises:
            NotAllowed: the key may not use it.
            Unavailable: not now: rate limit, timeout, a fault of theirs.
        """
        feature = "crypto_candle" if ":" in symbol else "stock_candle"
        if feature in self._refused:
            raise NotAllowed(f"this key may not use {feature}")
        self._calls.append(self._clock.monotonic())
        ask = self._client.crypto_candles if ":" in symbol else self._client.stock_candles
        try:
            answer = ask(symbol, resolution, from_s, to_s)
        except finnhub.FinnhubAPIException as error:
            raise self._judged(error, feature) from None
        except (finnhub.FinnhubRequestException, requests.RequestException) as error:
            raise Unavailable(f"the feed's REST side: {type(error).__name__}") from None
        if answer.get("s") != "ok":
            return {key: [] for key in "ohlcvt"}
        return {key: cast("list[float]", answer[key]) for key in "ohlcvt"}

    def _judged(self, error: finnhub.FinnhubAPIException, feature: str) -> NotAllowed | Unavailable:
        status = int(cast(int, error.status_code))
        text = str(cast(str, error.message))
        # The refusal of a plan has come as 401 too: the text decides.
        if status == 403 or "access to this resource" in text:
            self._refused.add(feature)
            return NotAllowed(text)
        return Unavailable(f"the feed's REST side answered {status}: {text}")
