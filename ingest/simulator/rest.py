"""The vendor's REST side: the paths our clients use, their answers to the letter, their refusals."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

from core.clock import Clock, to_datetime
from engine.sessions import Calendars
from ingest.simulator import news
from ingest.simulator.clock import PlayerTime
from ingest.simulator.market import Market

_BUSY = "API limit reached. Please try again later. Remaining Limit: 0"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LENGTHS = {"1": 60, "5": 300, "15": 900, "30": 1800, "60": 3600, "D": 86_400, "W": 604_800}
_MOST_CANDLES = 8_000
_DAY_MS = 86_400_000
_WHOLE_SESSION_MS = 390 * 60_000
_MONDAY, _WORKING_DAYS = 3, 5
"""The first day of the epoch was a Thursday."""


class RestSide:
    """`limit` calls a minute (0: any number), none while `is_busy`; paths that `refused` names are answered as for a
    plan without them.
    """

    def __init__(
        self,
        market: Market,
        time: PlayerTime,
        clock: Clock,
        *,
        tokens: frozenset[str],
        limit: int,
        newsroom: news.Newsroom,
        refused: Callable[[], Collection[str]] = frozenset,
        is_busy: Callable[[], bool] = bool,
    ) -> None:
        self._market = market
        self._time = time
        self._clock = clock
        self._tokens = tokens
        self._limit = limit
        self._refused = refused
        self._is_busy = is_busy
        self._calendars = Calendars()
        self._calls: deque[float] = deque()
        self._newsroom = newsroom
        self._asked: Counter[str] = Counter()

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
            "stock/market-holiday": self._market_holiday,
        }
        for path, handler in handlers.items():
            # The vendor's own client sends a double slash.
            app.router.add_get(f"/api/v1/{path}", self._guarded(path, handler))
            app.router.add_get(f"/api/v1//{path}", self._guarded(path, handler))
        app.router.add_get("/api/v1/simulator/clock", self._clock_now)
        app.router.add_get("/api/v1/simulator/calls", self._calls_so_far)

    def _guarded(self, path: str, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            token = request.headers.get("X-Finnhub-Token") or request.query.get("token", "")
            if not token:
                return _error(401, "Please use an API key.")
            if token not in self._tokens:
                return _error(401, "Invalid API key")
            self._asked[path] += 1
            headers = self._count() if self._limit else {}
            if self._is_busy():
                answer: web.StreamResponse = _error(429, _BUSY)
            elif headers.get("X-Ratelimit-Remaining") == "-1":
                answer = _error(429, _BUSY)
                headers["X-Ratelimit-Remaining"] = "0"
            elif path in self._refused():
                answer = _error(403, "You don't have access to this resource.")
            else:
                answer = await handler(request)
            answer.headers.update(headers)
            return answer

        return guarded

    def _count(self) -> dict[str, str]:
        """Count a call against the minute; -1 remaining says that it is one too many."""
        now = self._clock.monotonic()
        while self._calls and self._calls[0] <= now - 60:
            self._calls.popleft()
        left = self._limit - len(self._calls) - 1
        if left >= 0:
            self._calls.append(now)
        resets = self._clock.now_ms() // 1000 + (int(self._calls[0] + 60 - now) + 1 if self._calls else 0)
        return {
            "X-Ratelimit-Limit": str(self._limit), "X-Ratelimit-Remaining": str(max(left, -1)),
            "X-Ratelimit-Reset": str(resets),
        }  # fmt: skip

    async def _calls_so_far(self, _request: web.Request) -> web.StreamResponse:
        """Return how often each path has been asked with a good key."""
        return web.json_response(self._asked)

    async def _clock_now(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {"now_ms": self._time.now_ms(), "speed": self._time.speed, "is_held": self._time.is_held}
        )

    async def _quote(self, request: web.Request) -> web.StreamResponse:
        symbol = request.query.get("symbol", "")
        now = self._time.now_ms()
        if symbol not in self._market.symbols():
            # As the vendor does: an unknown symbol is no error.
            return web.json_response({"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0})
        days = self._market.candles(symbol, 86_400, now - 5 * _DAY_MS, now, now_ms=now)
        recent = self._market.candles(symbol, 300, now - 3_600_000, now, now_ms=now)
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
        now = self._time.now_ms()
        to_ms = min(to_s * 1000 + 1, now)
        from_ms = max(from_s * 1000, to_ms - _MOST_CANDLES * length * 1000)
        # In a thread: the tape's next frame does not wait for a month of candles.
        found = await asyncio.to_thread(self._market.candles, symbol, length, from_ms, to_ms, now_ms=now)
        return web.json_response({**found, "s": "ok"} if found["t"] else {"s": "no_data"})

    async def _company_news(self, request: web.Request) -> web.StreamResponse:
        symbol, now = request.query.get("symbol", ""), self._time.now_ms()
        try:
            from_ms, to_ms = news.day_of(request.query["from"]), news.day_of(request.query["to"]) + _DAY_MS
        except (KeyError, ValueError):
            return _error(422, "Wrong from or to: YYYY-MM-DD")
        names = self._market.symbols()
        if symbol not in names:
            return web.json_response([])
        until_ms = min(to_ms, now)
        written = self._newsroom.items({symbol}, from_ms, until_ms)
        return web.json_response([*written, *news.items({symbol: names[symbol]}, from_ms, until_ms)])

    async def _news(self, request: web.Request) -> web.StreamResponse:
        after, now = request.query.get("minId", "0"), self._time.now_ms()
        if not after.isdecimal():
            return _error(422, "Wrong minId: a number")
        names = self._market.symbols()
        found = [*self._newsroom.items(names, now - _DAY_MS, now), *news.items(names, now - _DAY_MS, now)]
        return web.json_response([item for item in found if item["id"] > int(after)])

    async def _search(self, request: web.Request) -> web.StreamResponse:
        asked = request.query.get("q", "").casefold()
        hits = [(s, n) for s, n in self._market.symbols().items() if asked in s.casefold() or asked in n.casefold()]
        rows = [{"description": n, "displaySymbol": s, "symbol": s, "type": _kind(s)} for s, n in hits]
        return web.json_response({"count": len(rows), "result": rows})

    async def _symbols(self, _request: web.Request) -> web.StreamResponse:
        rows = [
            {"symbol": s, "displaySymbol": s, "description": n, "currency": "USD", "mic": "XNYS", "type": _kind(s)}
            for s, n in self._market.symbols().items()
            if ":" not in s
        ]
        return web.json_response(rows)

    async def _market_status(self, request: web.Request) -> web.StreamResponse:
        now = self._time.now_ms()
        return web.json_response({
            "exchange": request.query.get("exchange", "US"), "holiday": None,
            "isOpen": len(self._calendars.bounds("AAPL", "regular", now, now + 1)) > 0,
            "session": self._session_at(now), "t": now // 1000, "timezone": "America/New_York",
        })  # fmt: skip

    async def _market_holiday(self, request: web.Request) -> web.StreamResponse:
        """Return the days of the year to come, Mondays to Fridays, on which New York does not trade or closes early."""
        today = self._time.now_ms() // _DAY_MS
        found: list[dict[str, str]] = []
        for day in range(today, today + 365):
            opens = self._calendars.bounds("AAPL", "regular", day * _DAY_MS, (day + 1) * _DAY_MS).tolist()
            is_short = bool(opens) and opens[0][1] - opens[0][0] < _WHOLE_SESSION_MS
            if (day + _MONDAY) % 7 < _WORKING_DAYS and (not opens or is_short):
                hours = "09:30-13:00" if is_short else ""
                date = to_datetime(day * _DAY_MS).date().isoformat()
                found.append(
                    {"eventName": "Early close" if is_short else "Holiday", "atDate": date, "tradingHour": hours}
                )
        exchange = request.query.get("exchange", "US")
        return web.json_response({"data": found, "exchange": exchange, "timezone": "America/New_York"})

    def _session_at(self, now: int) -> str | None:
        extended = self._calendars.bounds("AAPL", "extended", now, now + 1).tolist()
        if not extended:
            return None
        opens, closes = self._calendars.bounds("AAPL", "regular", *extended[0]).tolist()[0]
        return "pre-market" if now < opens else "regular" if now < closes else "post-market"


def _kind(symbol: str) -> str:
    return "Crypto" if ":" in symbol else "Common Stock"


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
