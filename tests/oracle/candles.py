"""Candles by the letter of T11-T17: every forming candle is computed anew from the trades it was made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.oracle.candle import Candle
from tests.oracle.records import Bar, Trade
from tests.oracle.sessions import session_at

TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d")
LENGTH = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000}
NAN = float("nan")


@dataclass
class Forming:
    """An open candle: closed 1m candles of it, oldest first, and for 1m the trades."""

    start: int
    end: int
    partial: bool
    minutes: list[Candle] = field(default_factory=list[Candle])


@dataclass(frozen=True)
class Closed:
    timeframe: str
    candle: Candle
    partial: bool
    source: str = "stream"


def total(numbers: Sequence[float]) -> float:
    """Add up in the order given: float sums depend on it."""
    result = 0.0
    for number in numbers:
        result += number
    return result


def minute_of(start: int, end: int, session_open: int, trades: Sequence[Trade]) -> Candle | None:
    """Return the 1m candle of the trades applied in one minute, in log order; None without a price (T17)."""
    priced = [t for t in trades if t.sets_last]
    if not priced:
        return None
    first, last = priced[0], priced[0]
    for trade in priced[1:]:
        if trade.ts_ms < first.ts_ms:  # ties: first received opens
            first = trade
        if trade.ts_ms >= last.ts_ms:  # ties: last received closes
            last = trade
    extremes = [first.price, last.price, *(t.price for t in trades if t.sets_high_low)]
    counted = [t for t in trades if t.counts_volume]
    volume = total([t.size for t in counted])
    value = total([t.price * t.size for t in counted])
    return candle_of(
        start, end, session_open, (first.price, max(extremes), min(extremes), last.price), volume, value, len(trades)
    )


def candle_of(
    start: int, end: int, session_open: int, prices: tuple[float, float, float, float], volume: float, value: float,
    trades: int,
) -> Candle:  # fmt: skip
    o, h, low, c = prices
    vwap = min(max(value / volume, low), h) if volume > 0 else NAN
    return Candle(start, end, o, h, low, c, volume, vwap, trades, session_open_ms=session_open)


class Book:
    """All candles of one symbol and session."""

    def __init__(self, symbol: str, session: str, *, is_offline: bool) -> None:
        self.symbol = symbol
        self.session = session
        self.closed: dict[str, list[Candle]] = {tf: [] for tf in TIMEFRAMES}
        """Whole candles, history before our own; a partial one is in none of them."""
        self.last_closed: dict[str, Closed] = {}
        self.forming: dict[str, Forming] = {}
        self.begun: dict[str, int] = dict.fromkeys(TIMEFRAMES, 0)
        self.last_begun: dict[str, int] = {}
        self.is_partial: dict[str, bool] = {}
        """Of the last begun candle of each timeframe."""
        self.minute = -1
        self.trades: list[Trade] = []
        """Applied trades of the current minute, in log order."""
        self.values: dict[int, float] = {}
        """Sums of price times size of our own minutes, by start: vwap is not exact enough to go back."""
        self.price = NAN
        self.session_open = 0
        self.session_close = 0
        self.subscribed_from: int | None = -(1 << 60) if is_offline else None
        self.covered_from: int | None = -(1 << 60) if is_offline else None
        self.seams: dict[str, dict[str, int]] = {}
        self.last_trade: tuple[Trade, int] | None = None
        """The last applied trade, and its number within the minute."""

    # ---- closing (T13) ----

    def close_until(self, until: int) -> list[Closed]:
        """Close every candle that ends at or before a time; the 1m one goes into the longer ones first."""
        found: list[Closed] = []
        for timeframe in TIMEFRAMES:
            forming = self.forming.get(timeframe)
            if forming is None or forming.end > until:
                continue
            candle = self.forming_candle(timeframe)
            assert candle is not None
            del self.forming[timeframe]
            if timeframe == "1m":
                for longer in self.forming.values():
                    longer.minutes.append(candle)
                self.trades = []
                self.minute = -1
            closed = Closed(timeframe, candle, forming.partial)
            if not forming.partial:
                self.closed[timeframe].append(candle)
            self.last_closed[timeframe] = closed
            found.append(closed)
        return found

    # ---- trades ----

    def note_first(self, ts_ms: int) -> None:
        """The subscription began with the first trade seen, of whatever session (T17)."""
        if self.subscribed_from is None:
            self.subscribed_from = ts_ms
        if self.covered_from is None:
            self.covered_from = ts_ms

    def is_open_at(self, ts_ms: int) -> bool:
        bounds = session_at(self.symbol, self.session, ts_ms)
        if bounds is None:
            return False
        self.session_open, self.session_close = bounds
        return True

    def apply(self, trade: Trade, seq: int) -> bool:
        """Put a trade into the forming candles; return whether there is one to evaluate."""
        minute = trade.ts_ms // 60_000 * 60_000
        if self.minute != minute:
            self.minute, self.trades = minute, []
        self.trades.append(trade)
        if trade.sets_last:
            for timeframe in TIMEFRAMES:
                if timeframe not in self.forming:
                    self._begin(timeframe, minute)
            latest = max(t.ts_ms for t in self.trades if t.sets_last)
            self.price = [t.price for t in self.trades if t.sets_last and t.ts_ms == latest][-1]
        if "1m" not in self.forming:
            return False
        self.last_trade = (trade, seq)
        return True

    def start_of(self, timeframe: str, ts_ms: int) -> int:
        """Return the start of the candle that holds a time of the present session (T11, T12)."""
        if timeframe == "1d":
            return self.session_open
        if timeframe == "4h":
            return self.session_open + (ts_ms - self.session_open) // LENGTH["4h"] * LENGTH["4h"]
        return ts_ms // LENGTH[timeframe] * LENGTH[timeframe]

    def _begin(self, timeframe: str, minute: int) -> None:
        start = self.start_of(timeframe, minute)
        end = self.session_close if timeframe == "1d" else min(self.session_close, start + LENGTH[timeframe])
        traded_from = max(start, self.session_open)
        known_from = self.subscribed_from if timeframe == "1m" else self.covered_from
        assert known_from is not None
        forming = Forming(start, end, partial=traded_from < known_from)
        if timeframe != "1m":
            forming.minutes = [c for c in self.closed["1m"] if c.ts_ms >= traded_from]
        self.begun[timeframe] += 1
        self.last_begun[timeframe], self.is_partial[timeframe] = start, forming.partial
        self.forming[timeframe] = forming

    def forming_candle(self, timeframe: str) -> Candle | None:
        """Return a candle as it stands now, None where there is none."""
        forming = self.forming.get(timeframe)
        if forming is None:
            return None
        minute: Candle | None = None
        if "1m" in self.forming:
            minute = minute_of(self.minute, self.forming["1m"].end, self.session_open, self.trades)
        if timeframe == "1m":
            assert minute is not None
            self.values[minute.ts_ms] = total([t.price * t.size for t in self.trades if t.counts_volume])
            return minute
        parts = [*forming.minutes, *([minute] if minute is not None else [])]
        return self._rolled_up(forming, parts)

    def _rolled_up(self, forming: Forming, parts: Sequence[Candle]) -> Candle:
        """Add up 1m candles (T11)."""
        prices = (parts[0].open, max(p.high for p in parts), min(p.low for p in parts), parts[-1].close)
        value = total([self._value(p) for p in parts])
        return candle_of(
            forming.start, forming.end, self.session_open, prices, total([p.volume for p in parts]), value,
            sum(p.trades for p in parts),
        )  # fmt: skip

    def _value(self, minute: Candle) -> float:
        if minute.ts_ms == self.minute and self.trades:
            return total([t.price * t.size for t in self.trades if t.counts_volume])
        if minute.ts_ms in self.values:
            return self.values[minute.ts_ms]
        return 0.0 if math.isnan(minute.vwap) else minute.vwap * minute.volume

    # ---- history ----

    def load(self, timeframe: str, bars: Sequence[Bar], feed_ms: int | None) -> list[Candle]:
        """Put history before our own candles; return those taken. What we closed ourselves stays."""
        known = {c.ts_ms for c in self.closed[timeframe]}
        taken: dict[int, Candle] = {}
        for bar in bars:
            end, session_open = self._of_history(bar.ts_ms, LENGTH[timeframe])
            if end < bar.ts_ms:
                continue
            has_begun = timeframe in self.forming and bar.ts_ms >= self.forming[timeframe].start
            if bar.ts_ms in known or has_begun or (feed_ms is not None and end > feed_ms):
                continue
            taken[bar.ts_ms] = Candle(
                bar.ts_ms, end, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.vwap, bar.trades,
                session_open_ms=session_open,
            )  # fmt: skip
        found = [taken[start] for start in sorted(taken)]
        self.closed[timeframe] = sorted([*self.closed[timeframe], *found], key=lambda c: c.ts_ms)
        if timeframe == "1m" and found:
            begins = found[0].ts_ms
            self.covered_from = begins if self.covered_from is None else min(self.covered_from, begins)
        last = self.last_closed.get(timeframe)
        if found and (last is None or last.candle.ts_ms < found[-1].ts_ms):
            self.last_closed[timeframe] = Closed(timeframe, found[-1], partial=False)
        return found

    def _of_history(self, start: int, length: int) -> tuple[int, int]:
        """Return the end of a candle of history, at its session's close at the latest, and that session's open.

        A candle of no session ends before it begins.
        """
        for moment in (start, start + length - 1):  # the first hour of a session may be named before its open
            bounds = session_at(self.symbol, self.session, moment)
            if bounds is not None:
                return min(start + length, bounds[1]), bounds[0]
        return start - 1, start
