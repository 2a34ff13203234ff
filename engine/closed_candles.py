"""Closed candles as the kernel gives them: columns, made into records only for who asks.

Ten thousand symbols close ten thousand candles within a moment. To write them somewhere, columns are enough; a
record each costs more than the trades that made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.candles import LanePicks
from engine.condition import TIMEFRAMES
from engine.firing import ClosedCandle
from engine.records import Records

Picks = LanePicks | None
"""The columns of one candle; None where nobody watches any."""


@dataclass(frozen=True, slots=True)
class CandleRows:
    """n candles, in the order in which they closed.

    ints      shape (n, layout.X_COLUMNS)
    floats    shape (n, layout.Y_COLUMNS): open, high, low, close, volume, vwap
    values    indicator values of all of them, those of row k from ints[k, X_VALUES] on
    names     symbol and session of each
    picks     the columns of each; empty where nobody watches any
    """

    ints: NDArray[np.int64]
    floats: NDArray[np.float64]
    values: NDArray[np.float64]
    names: Sequence[tuple[str, str]]
    picks: Sequence[Picks]

    def __len__(self) -> int:
        return len(self.names)

    def records(self) -> list[ClosedCandle]:
        values: list[float] = self.values.tolist()
        picks = self.picks or [None] * len(self.names)
        found: list[ClosedCandle] = []
        for name, row, prices, wanted in zip(self.names, self.ints.tolist(), self.floats.tolist(), picks, strict=True):
            columns = wanted.columns() if wanted is not None else ()
            found.append(_record(name, row, prices, {text: values[row[at.X_VALUES] + k] for text, k in columns}))
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
