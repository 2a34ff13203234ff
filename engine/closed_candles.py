"""Closed candles as the kernel gives them: columns, made into records only for who asks.

Ten thousand symbols close ten thousand candles within a moment. To write them somewhere, columns are enough; a
record each costs more than the trades that made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.condition import TIMEFRAMES
from engine.firing import ClosedCandle

Picks = Sequence[tuple[str, int]]
"""The columns of one candle, each with its place among the values that the kernel wrote for it."""


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

    def records(self) -> list[ClosedCandle]:
        values: list[float] = self.values.tolist()
        picks = self.picks or [()] * len(self.names)
        return [
            _record(name, row, prices, {column: values[row[at.X_VALUES] + place] for column, place in wanted})
            for name, row, prices, wanted in zip(
                self.names, self.ints.tolist(), self.floats.tolist(), picks, strict=True
            )
        ]


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


class ClosedCandles:
    """A list of `ClosedCandle` that makes them when they are first looked at; its length costs nothing."""

    __slots__ = ("_made", "_rows")

    def __init__(self, rows: CandleRows | None = None) -> None:
        self._made: list[ClosedCandle] = []
        self._rows = [rows] if rows is not None else []

    def append(self, candle: ClosedCandle) -> None:
        self._records().append(candle)

    def __iadd__(self, others: Iterable[ClosedCandle]) -> ClosedCandles:
        if isinstance(others, ClosedCandles) and not others._made:
            self._rows += others._rows
        else:
            self._records().extend(others)
        return self

    def __len__(self) -> int:
        return len(self._made) + sum(len(rows.names) for rows in self._rows)

    def __iter__(self) -> Iterator[ClosedCandle]:
        return iter(self._records())

    def __getitem__(self, number: int) -> ClosedCandle:
        return self._records()[number]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ClosedCandles | list):
            return self._records() == list(other)  # pyright: ignore[reportUnknownArgumentType]
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._records())

    def _records(self) -> list[ClosedCandle]:
        for rows in self._rows:
            self._made += rows.records()
        self._rows = []
        return self._made
