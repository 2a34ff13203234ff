"""History from the broker's market data: Alpaca's stock bars, through its own client.

The key goes in headers, never in an address. `iex` bars are of one exchange and not of the whole tape, as the free
stream is; the feed stands in the source's name.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypedDict, cast

import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from requests.adapters import HTTPAdapter

from core.clock import Clock, to_datetime
from core.errors import NotAllowed, Unavailable
from core.observability import logger
from core.settings import Settings
from core.wire.trades import History
from engine.sessions import Calendars
from ingest.backoff import Backoff
from ingest.history import Window, roll_up
from ingest.rest import Refused
from ingest.turns import Turns

_TIMEOUT_S = 10.0
_log = logger(__name__)
_FRAMES = {"1": (1, TimeFrameUnit.Minute), "5": (5, TimeFrameUnit.Minute), "15": (15, TimeFrameUnit.Minute),
           "30": (30, TimeFrameUnit.Minute), "D": (1, TimeFrameUnit.Day)}  # fmt: skip


class _Bar(TypedDict):
    """`t` is ISO 8601 UTC, `vw` the VWAP, `n` the trades."""

    t: str
    o: float
    h: float
    l: float  # noqa: E741 (the vendor's name)
    c: float
    v: float
    n: int
    vw: float


class _Client(Protocol):
    _session: requests.Session
    _retry: int

    def get_stock_bars(self, request_params: StockBarsRequest) -> dict[str, list[_Bar]]: ...


class AlpacaBars:
    """A key that is refused is not used again until the process starts anew."""

    title = "broker bars"
    knows_now = True

    def __init__(self, settings: Settings, clock: Clock, calendars: Calendars) -> None:
        self._calendars = calendars
        self._feed = DataFeed(settings.alpaca_data_feed)
        self._name = f"alpaca:{settings.alpaca_data_feed}"
        self._turns = Turns(clock, calls_per_minute=settings.alpaca_calls_per_minute)
        self._backoff = Backoff()
        self._refusal: Refused | None = None
        client = cast(
            _Client,
            StockHistoricalDataClient(
                settings.alpaca_data_key.get_secret_value(),
                settings.alpaca_data_secret.get_secret_value(),
                raw_data=True,
                url_override=settings.alpaca_data_url.rstrip("/"),
            ),
        )
        # Its own way to wait sleeps in the thread and knows no timeout: the limiter before it waits instead.
        client._retry = 0  # pyright: ignore[reportPrivateUsage]
        session = client._session  # pyright: ignore[reportPrivateUsage]
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Timed())
        self._client = client

    def covers(self, symbol: str) -> bool:
        """Return whether it is a stock of the United States: Alpaca's bars know no others."""
        return self._calendars.calendar_of(symbol) == "XNYS"

    def turn(self) -> float:
        return 0.0 if self._refusal else self._turns.take()

    def candles(self, wanted: Window) -> list[History]:
        """Return the candles there are; the pages of a long answer are followed.

        Raises:
            NotAllowed: the key may not have them, or the symbol is not known there.
            Unavailable: not now: rate limit, timeout, a fault of theirs.
        """
        if self._refusal is not None:
            raise Refused(str(self._refusal), status=self._refusal.status)
        ask = wanted.ask
        amount, unit = _FRAMES[ask.resolution]
        frame = TimeFrame(amount, cast(TimeFrameUnit, unit))
        request = StockBarsRequest(
            symbol_or_symbols=wanted.symbol, timeframe=frame, start=to_datetime(wanted.from_ms),
            end=to_datetime(wanted.now_ms), adjustment=Adjustment.SPLIT, feed=self._feed,
        )  # fmt: skip
        try:
            bars = self._client.get_stock_bars(request).get(wanted.symbol, [])
        except APIError as error:
            raise self._judged(error) from None
        except (requests.RequestException, ValueError) as error:
            raise Unavailable(f"Alpaca: {type(error).__name__}") from None
        self._backoff.held(float("inf"))
        found = roll_up(
            wanted.symbol, ask.timeframe, self._name, _series(bars), intervals=wanted.intervals,
            sessions=wanted.sessions, session=wanted.session, is_daily=ask.resolution == "D",
        )  # fmt: skip
        return [found] if found else []

    def _judged(self, error: APIError) -> NotAllowed | Unavailable:
        status = cast("int | None", error.status_code) or 0
        text = f"Alpaca answered {status}: {str(error).strip()[:200]}"
        if status in (401, 403):
            self._refusal = Refused(text, status=status)
            # Said here, as the next source may have all that is wanted and nobody would hear of it.
            _log.warning("the broker's bars are refused to this key: other history is used", reason=text)
            return self._refusal
        if status in (400, 404, 422):
            return NotAllowed(text)
        if status == 429:
            self._turns.pause(self._backoff.wait_s())
        return Unavailable(text)


class _Timed(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, **given: object) -> requests.Response:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().send(request, **{**given, "timeout": _TIMEOUT_S})  # pyright: ignore[reportArgumentType]


def _series(bars: list[_Bar]) -> dict[str, list[float]]:
    def seconds(text: str) -> float:
        return datetime.fromisoformat(text).timestamp()

    return {
        "o": [float(bar["o"]) for bar in bars],
        "h": [float(bar["h"]) for bar in bars],
        "l": [float(bar["l"]) for bar in bars],
        "c": [float(bar["c"]) for bar in bars],
        "v": [float(bar["v"]) for bar in bars],
        "t": [seconds(bar["t"]) for bar in bars],
        "n": [float(bar.get("n", 0)) for bar in bars],
        "w": [float(bar.get("vw", (bar["h"] + bar["l"] + bar["c"]) / 3)) for bar in bars],
    }
