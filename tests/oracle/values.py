"""What an operand is worth at one evaluation: forming values under `tick`, closed ones under `candle_close`."""

from __future__ import annotations

import math

from tests.oracle import indicators
from tests.oracle.candle import Candle
from tests.oracle.candles import Book
from tests.oracle.conditions import Leaf, Operand, Sides, Value

NAN = float("nan")


class Values:
    """Reads a book. Indicator values are kept as long as nothing they are computed from has changed."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._closed: dict[tuple[str, str, tuple[float, ...]], tuple[tuple[int, ...], dict[str, list[float]]]] = {}

    def closed_series(self, operand: Operand) -> list[float]:
        """Return the operand's value at every whole closed candle."""
        candles = self._book.closed[operand.timeframe]
        if operand.is_field:
            return [float(getattr(c, operand.name)) for c in candles]
        key = (operand.timeframe, operand.name, operand.params)
        marker = tuple(c.ts_ms for c in candles)
        known = self._closed.get(key)
        if known is None or known[0] != marker:
            known = (marker, indicators.values(operand.name, operand.params, candles))
            self._closed[key] = known
        return known[1][operand.output]

    def forming(self, operand: Operand, *, only_stable: bool) -> float:
        """Return what a tick trigger reads now (T5, T17, T18)."""
        book = self._book
        if operand.name == "price":
            return book.price
        forming, candle = book.forming.get(operand.timeframe), book.forming_candle(operand.timeframe)
        if forming is None or candle is None:
            return NAN
        if operand.name == "close":
            return candle.close
        if forming.partial:
            return NAN
        if operand.is_field:
            return float(getattr(candle, operand.name))
        return self._indicator(operand, [*book.closed[operand.timeframe], candle], only_stable=only_stable)

    def at_close(self, operand: Operand, trigger_timeframe: str, *, only_stable: bool) -> float:
        """Return what a candle_close trigger reads: the last closed candle of the operand's timeframe (T5, T16)."""
        if operand.name == "price":
            operand = Operand("close", (), "", trigger_timeframe)
        last = self._book.last_closed.get(operand.timeframe)
        if last is None:
            return NAN
        if operand.name == "close":
            return last.candle.close
        if last.partial:
            return NAN
        if operand.is_field:
            return float(getattr(last.candle, operand.name))
        candles = self._book.closed[operand.timeframe]
        if only_stable and len(candles) < indicators.stable_after(operand.name, operand.params):
            return NAN
        return self.closed_series(operand)[-1]

    def _indicator(self, operand: Operand, candles: list[Candle], *, only_stable: bool) -> float:
        if only_stable and len(candles) < indicators.stable_after(operand.name, operand.params):
            return NAN
        return indicators.values(operand.name, operand.params, candles)[operand.output][-1]

    def reference(self, operand: Operand, leaf: Leaf, trigger_timeframe: str | None, *, only_stable: bool) -> float:
        """Return the operand's closed value `candles` candles before the current one.

        Args:
            trigger_timeframe: That of a candle_close trigger, where the current candle has just closed; None
                under tick, where it is forming.
        """
        book = self._book
        if operand.name == "price":
            operand = Operand("close", (), "", trigger_timeframe or leaf.timeframe)
        series = self.closed_series(operand)
        count = len(series)
        if trigger_timeframe is not None:
            last = book.last_closed.get(operand.timeframe)
            if last is not None and not last.partial:
                count -= 1
        place = count - leaf.candles
        if place < 0:
            return NAN
        is_indicator = only_stable and not operand.is_field
        if is_indicator and place + 1 < indicators.stable_after(operand.name, operand.params):
            return NAN
        return series[place]

    def sides(self, leaf: Leaf, trigger_timeframe: str | None, *, only_stable: bool) -> Sides:
        """Return a leaf's values now; `trigger_timeframe` as for `reference`."""

        def value(what: Value | None) -> float:
            if what is None:
                return NAN
            if not isinstance(what, Operand):
                return what
            if trigger_timeframe is None:
                return self.forming(what, only_stable=only_stable)
            return self.at_close(what, trigger_timeframe, only_stable=only_stable)

        if leaf.operator not in ("rises_by_pct", "falls_by_pct"):
            return Sides(value(leaf.left), value(leaf.right), value(leaf.upper))
        assert not isinstance(leaf.right, Operand)
        reference = self.reference(leaf.left, leaf, trigger_timeframe, only_stable=only_stable)
        if math.isnan(reference) or reference <= 0:
            return Sides(value(leaf.left))
        share = leaf.right / 100
        factor = 1 + share if leaf.operator == "rises_by_pct" else 1 - share
        return Sides(value(leaf.left), reference * factor)
