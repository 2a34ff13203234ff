"""The vendor's REST side: the paths our clients use, their answers to the letter, their refusals."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from core.clock import Clock
from ingest.simulator.clock import PlayerTime
from ingest.simulator.market import Market

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LENGTHS = {"1": 60, "5": 300, "15": 900, "30": 1800, "60": 3600, "D": 86_400, "W": 604_800}
_MOST_CANDLES = 20_000
_DAY_MS = 86_400_000
_HEADLINES = (
    "{} raises full-year guidance", "{} shares move as volume surges", "Analysts weigh in on {} ahead of earnings",
    "{} announces new buyback program", "What to watch in {} this week", "{} cuts guidance on weaker demand",
)  # fmt: skip


class RestSide:
    def __init__(self, market: Market, time: PlayerTime, clock: Clock, *, tokens: frozenset[str], limit: int) -> None:
        self._market = market
        self._time = time
        self._clock = clock
        self._tokens = tokens
        self._limit = limit
        self._calls: deque[float] = deque()

    def add_to(self, app: web.Application) -> None:
        handlers: dict[str, Handler] = {
            "quote": self._quote,
            "stock/candle": self._candles,
            "crypto/candle": self._candles,
            "forex/candle": self._candles,
            "company-news": self._company_news,
            "news": self._news,
            "search": self._search,
            "stock/symbol": self._symbols,
            "stock/market-status": self._market_status,
        }
        for path, handler in handlers.items():
            # The vendor's own client sends a double slash.
            app.router.add_get(f"/api/v1/{path}", self._guarded(handler))
            app.router.add_get(f"/api/v1//{path}", self._guarded(handler))
        app.router.add_get("/api/v1/simulator/clock", self._clock_now)

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            token = request.headers.get("X-Finnhub-Token") or request.query.get("token", "")
            if not token:
                return _error(401, "Please use an API key.")
            if token not in self._tokens:
                return _error(401, "Invalid API key")
            if self._limit and self._is_over():
                return _error(429, "API limit reached. Please try again later. Remaining Limit: 0")
            return await handler(request)

        return guarded

    def _is_over(self) -> bool:
        now = self._clock.monotonic()
        while self._calls and self._calls[0] < now - 60:
            self._calls.popleft()
        self._calls.append(now)
        return len(self._calls) > self._limit

    async def _clock_now(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"now_ms": self._time.now_ms(), "speed": self._time.speed})

    async def _quote(self, request: web.Request) -> web.StreamResponse:
        symbol = request.query.get("symbol", "")
        now = self._time.now_ms()
        if symbol not in self._market.symbols():
            # As the vendor does: an unknown symbol is no error.
            return web.json_response({"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0})
        days = self._market.candles(symbol, 86_400, now - 5 * _DAY_MS, now)
        recent = self._market.candles(symbol, 300, now - 3_600_000, now)
        if not days["c"]:
            return web.json_response({"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0})
        last = recent["c"][-1] if recent["c"] else days["c"][-1]
        before = days["c"][-2] if len(days["c"]) > 1 else days["o"][-1]
        change = last - before
        return web.json_response({
            "c": last, "d": round(change, 4), "dp": round(100 * change / before, 4), "h": max(days["h"][-1], last),
            "l": min(days["l"][-1], last), "o": days["o"][-1], "pc": before, "t": now // 1000,
        })  # fmt: skip

    async def _candles(self, request: web.Request) -> web.StreamResponse:
        symbol, resolution = request.query.get("symbol", ""), request.query.get("resolution", "")
        try:
            from_s, to_s = int(request.query["from"]), int(request.query["to"])
        except (KeyError, ValueError):
            return _error(422, "Wrong from or to: epoch seconds")
        length = _LENGTHS.get(resolution)
        if length is None:
            return _error(422, f"Wrong resolution {resolution}: one of {' '.join(_LENGTHS)}")
        if symbol not in self._market.symbols():
            return web.json_response({"s": "no_data"})
        to_ms = min(to_s * 1000 + 1, self._time.now_ms())
        from_ms = max(from_s * 1000, to_ms - _MOST_CANDLES * length * 1000)
        found = self._market.candles(symbol, length, from_ms, to_ms)
        return web.json_response({**found, "s": "ok"} if found["t"] else {"s": "no_data"})

    async def _company_news(self, request: web.Request) -> web.StreamResponse:
        symbol = request.query.get("symbol", "")
        return web.json_response(self._items([symbol]) if symbol in self._market.symbols() else [])

    async def _news(self, request: web.Request) -> web.StreamResponse:
        least = int(request.query.get("minId", "0") or 0)
        items = self._items(list(self._market.symbols())[:10])
        return web.json_response([item for item in items if int(str(item["id"])) > least])

    def _items(self, symbols: list[str]) -> list[dict[str, object]]:
        """Return one invented item an hour and symbol for the last day, newest first; the same each time."""
        names = self._market.symbols()
        hour = self._time.now_ms() // 3_600_000
        found: list[dict[str, object]] = []
        for at in range(hour, hour - 24, -1):
            for symbol in symbols:
                drawn = random.Random(f"{symbol}{at}")
                headline = drawn.choice(_HEADLINES).format(names[symbol])
                found.append({
                    "category": "company", "datetime": at * 3600, "headline": headline, "id": at * 1000 + len(found),
                    "image": "", "related": symbol, "source": "Simulator", "summary": f"{headline}. Invented text.",
                    "url": f"http://localhost/news/{symbol}/{at}",
                })  # fmt: skip
        return found

    async def _search(self, request: web.Request) -> web.StreamResponse:
        asked = request.query.get("q", "").casefold()
        hits = [(s, n) for s, n in self._market.symbols().items() if asked in s.casefold() or asked in n.casefold()]
        rows = [{"description": n, "displaySymbol": s, "symbol": s, "type": _kind(s)} for s, n in hits]
        return web.json_response({"count": len(rows), "result": rows})

    async def _symbols(self, request: web.Request) -> web.StreamResponse:
        del request
        rows = [
            {"symbol": s, "displaySymbol": s, "description": n, "currency": "USD", "mic": "XNYS", "type": _kind(s)}
            for s, n in self._market.symbols().items()
            if ":" not in s
        ]
        return web.json_response(rows)

    async def _market_status(self, request: web.Request) -> web.StreamResponse:
        from engine.sessions import Calendars

        now = self._time.now_ms()
        calendars = Calendars()
        is_open = len(calendars.bounds("AAPL", "regular", now, now + 1)) > 0
        session = "regular" if is_open else None
        if not is_open and len(calendars.bounds("AAPL", "extended", now, now + 1)):
            session = "pre-market" if datetime.fromtimestamp(now / 1000, UTC).hour < 15 else "post-market"
        return web.json_response({
            "exchange": request.query.get("exchange", "US"), "holiday": None, "isOpen": is_open, "session": session,
            "t": now // 1000, "timezone": "America/New_York",
        })  # fmt: skip


def _kind(symbol: str) -> str:
    return "Crypto" if ":" in symbol else "Common Stock"


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
