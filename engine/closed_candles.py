"""Closed candles as the kernel gives them: columns, made into records only for who asks.

Ten thousand symbols close ten thousand candles within a moment. To write them somewhere, columns are enough; a
record each costs more than the trades that made them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.condition import TIMEFRAMES
from engine.firing import ClosedCandle
from engine.records import Records
from engine.watched import Watched


@dataclass(frozen=True, slots=True)
class CandleRows:
    """n candles, in the order in which they closed.

    ints      shape (n, layout.X_COLUMNS)
    floats    shape (n, layout.Y_COLUMNS): open, high, low, close, volume, vwap
    values    indicator values of all of them, those of row k from ints[k, X_VALUES] on
    name_of   symbol and session of a block
    watched   the columns of a block's lane; None where nobody watches any
    """

    ints: NDArray[np.int64]
    floats: NDArray[np.float64]
    values: NDArray[np.float64]
    name_of: Callable[[int], tuple[str, str]]
    watched: Watched | None

    def __len__(self) -> int:
        return len(self.ints)

    def records(self) -> list[ClosedCandle]:
        values: list[float] = self.values.tolist()
        found: list[ClosedCandle] = []
        rows: list[list[int]] = self.ints.tolist()
        for row, prices in zip(rows, self.floats.tolist(), strict=True):
            b, lane, first = row[at.X_BLOCK], row[at.X_LANE], row[at.X_VALUES]
            columns = self.watched.columns(b, lane) if self.watched is not None else ()
            found.append(_record(self.name_of(b), row, prices, {text: values[first + k] for text, k in columns}))
        return found


def _record(name: tuple[str, str], row: list[int], prices: list[float], values: dict[str, float]) -> ClosedCandle:
    return ClosedCandle(
        symbol=name[0],
        session=name[1],
        timeframe=TIMEFRAMES[row[at.X_LANE]],
        ts_ms=row[at.X_START],
        end_ms=row[at.X_END],
        open=prices[at.Y_OPEN],
        high=prices[at.Y_HIGH],
        low=prices[at.Y_LOW],
        close=prices[at.Y_CLOSE],
        volume=prices[at.Y_VOLUME],
        vwap=prices[at.Y_VWAP],
        trades=row[at.X_TRADES],
        partial=bool(row[at.X_PARTIAL]),
        source="stream",
        values=values,
    )


ClosedCandles = Records[ClosedCandle]
