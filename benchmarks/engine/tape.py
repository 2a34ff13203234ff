"""The tape of the engine's benchmark: random symbols, thirty trades a symbol-minute, prices that wander."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.candles import HistoryColumns
from engine.engine import Engine
from engine.trades import ALL_FLAGS, Trades

BEGIN_MS = 1_763_856_000_000
TRADES_A_MINUTE = 30
BATCH = 65_536


@dataclass(frozen=True, slots=True)
class Tape:
    """`symbol` are places in `names`; all columns are of one length."""

    names: Sequence[str]
    symbol: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.symbol)

    def rows(self) -> Iterator[tuple[int, int, float, float]]:
        """Give the trades one by one: place of the symbol, time, price, size."""
        symbols: list[int] = self.symbol.tolist()
        times: list[int] = self.ts_ms.tolist()
        prices: list[float] = self.price.tolist()
        sizes: list[float] = self.size.tolist()
        return zip(symbols, times, prices, sizes, strict=True)

    def batches(self, engine: Engine, *, size: int = BATCH) -> Iterator[Trades]:
        """Give the tape in batches, in the ids of an engine."""
        ids = np.array([engine.symbol_id(name) for name in self.names], np.int32)[self.symbol]
        zeros = np.zeros(len(self), np.int64)
        flags = np.full(len(self), ALL_FLAGS, np.uint8)
        codes = np.zeros(len(self), np.uint64)
        for a in range(0, len(self), size):
            b = a + size
            yield Trades(
                symbol=ids[a:b], ts_ms=self.ts_ms[a:b], recv_ms=zeros[a:b], price=self.price[a:b],
                size=self.size[a:b], flags=flags[a:b], codes=codes[a:b],
            )  # fmt: skip


def history(*, candles: int, seed: int = 11) -> HistoryColumns:
    """Return 1m candles up to the tape's beginning, of a price that wanders around 100."""
    chance = np.random.default_rng(seed)
    close = np.round(100.0 * np.exp(chance.normal(0.0, 1e-3, candles)), 4)
    begin = np.append(close[:1], close[:-1])
    ones = np.ones(candles)
    return HistoryColumns(
        ts_ms=BEGIN_MS - 60_000 * np.arange(candles, 0, -1), open=begin, high=np.maximum(begin, close),
        low=np.minimum(begin, close), close=close, volume=100 * ones, vwap=close, trades=ones.astype(np.int64),
    )  # fmt: skip


def make_tape(*, symbols: int, trades: int, seed: int = 7) -> Tape:
    """Return trades of 24/7 symbols. Each price is 100 at first and moves by 0.02 % a trade."""
    chance = np.random.default_rng(seed)
    symbol = chance.integers(0, symbols, trades).astype(np.int32)
    times = BEGIN_MS + np.arange(trades, dtype=np.int64) * 60_000 // (TRADES_A_MINUTE * symbols)
    order = np.argsort(symbol, kind="stable")
    steps = chance.normal(0.0, 2e-4, trades)
    walked = np.cumsum(steps)
    starts = np.searchsorted(symbol[order], np.arange(symbols))
    base = np.where(starts > 0, walked[np.maximum(starts - 1, 0)], 0.0)
    price = np.empty(trades)
    price[order] = np.round(100.0 * np.exp(walked - base[symbol[order]]), 4)
    size = chance.integers(1, 500, trades).astype(np.float64)
    return Tape([f"BENCH:S{n}" for n in range(symbols)], symbol, times, price, size)
