"""The same ten values after every trade, by others: incremental objects, and recomputing a window.

Twenty symbols, 1m candles, the ten outputs of `triggers.TEN_INDICATORS`. Each peer gets the trades one by one, in
order, as a live feed would bring them; it returns its last values, which must be ours to 1e-6.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine.tape import Tape

MINUTE_MS = 60_000
WINDOW = 200
"""Candles that a recomputing peer looks at for one value."""


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    package: str
    run: Callable[[Tape], float]
    """Nanoseconds a trade."""


def installed() -> list[Peer]:
    return [peer for peer in PEERS if importlib.util.find_spec(peer.package)]


class _Window:
    """The last candles of one symbol, the forming one last."""

    def __init__(self) -> None:
        self.rows: deque[list[float]] = deque(maxlen=WINDOW)
        self.minute = -1

    def add(self, ts_ms: int, price: float, size: float) -> bool:
        """Take a trade; True where it begins a candle."""
        minute = ts_ms // MINUTE_MS
        if minute != self.minute:
            self.minute = minute
            self.rows.append([price, price, price, price, size])
            return True
        row = self.rows[-1]
        row[1], row[2], row[3] = max(row[1], price), min(row[2], price), price
        row[4] += size
        return False


def _talib(tape: Tape) -> float:
    import talib

    windows = [_Window() for _ in tape.names]

    def values(window: _Window) -> None:
        table = np.array(window.rows)
        high, low, close = table[:, 1].copy(), table[:, 2].copy(), table[:, 3].copy()
        for period in (20, 50):
            talib.SMA(close, period)
        for period in (12, 26):
            talib.EMA(close, period)
        talib.RSI(close, 14)
        talib.MACD(close, 12, 26, 9)
        talib.BBANDS(close, 20, 2, 2)
        talib.ATR(high, low, close, 14)

    return _each(tape, windows, values)


def _polars(tape: Tape) -> float:
    import polars as pl

    windows = [_Window() for _ in tape.names]
    close = pl.col("close")
    wanted = [
        close.rolling_mean(20).alias("SMA_20"),
        close.rolling_mean(50).alias("SMA_50"),
        close.ewm_mean(span=12, adjust=False).alias("EMA_12"),
        close.ewm_mean(span=26, adjust=False).alias("EMA_26"),
        close.diff().clip(lower_bound=0).ewm_mean(alpha=1 / 14, adjust=False).alias("gain"),
        close.diff().clip(upper_bound=0).ewm_mean(alpha=1 / 14, adjust=False).alias("loss"),
        close.rolling_std(20, ddof=0).alias("deviation"),
        (pl.col("high") - pl.col("low")).ewm_mean(alpha=1 / 14, adjust=False).alias("range"),
    ]

    def values(window: _Window) -> None:
        table = np.array(window.rows)
        frame = pl.DataFrame({"high": table[:, 1], "low": table[:, 2], "close": table[:, 3]})
        frame.select(wanted).tail(1)

    return _each(tape, windows, values)


def _each(tape: Tape, windows: list[_Window], values: Callable[[_Window], None]) -> float:
    began = time.process_time_ns()
    for s, ts, price, size in tape.rows():
        windows[s].add(ts, price, size)
        values(windows[s])
    return (time.process_time_ns() - began) / len(tape)


def _talipp(tape: Tape) -> float:
    indicators = cast(Any, importlib.import_module("talipp.indicators"))
    ohlcv = cast(Any, importlib.import_module("talipp.ohlcv")).OHLCV

    def new() -> list[Any]:
        return [
            indicators.SMA(20), indicators.SMA(50), indicators.EMA(12), indicators.EMA(26), indicators.RSI(14),
            indicators.MACD(12, 26, 9), indicators.BB(20, 2),
        ]  # fmt: skip

    closes: list[list[Any]] = [new() for _ in tape.names]
    ranges: list[Any] = [indicators.ATR(14) for _ in tape.names]
    windows = [_Window() for _ in tape.names]
    began = time.process_time_ns()
    for s, ts, price, size in tape.rows():
        window = windows[s]
        is_new = window.add(ts, price, size)
        candle = ohlcv(*window.rows[-1])
        for indicator in closes[s]:
            indicator.add(price) if is_new else indicator.update(price)
        ranges[s].add(candle) if is_new else ranges[s].update(candle)
    return (time.process_time_ns() - began) / len(tape)


def naive_matcher(prices: NDArray[np.float64], thresholds: NDArray[np.float64]) -> float:
    """Return microseconds a trade to look at every trigger of a symbol in a Python loop, edges kept."""
    wanted = thresholds.tolist()
    above = [False] * len(wanted)
    began = time.process_time_ns()
    for price in prices.tolist():
        for n, threshold in enumerate(wanted):
            above[n] = price > threshold
    return (time.process_time_ns() - began) / 1000 / len(prices)


PEERS = (
    Peer("talipp, incremental", "talipp", _talipp),
    Peer(f"TA-Lib, {WINDOW} candles again", "talib", _talib),
    Peer(f"polars, {WINDOW} candles again", "polars", _polars),
)
