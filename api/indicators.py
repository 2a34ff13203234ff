"""Indicators asked for by name, and their values over stored candles."""

from __future__ import annotations

import math

from core.errors import InvalidInput, Problem
from core.store.clickhouse.candles import StoredCandle
from engine.condition import Timeframe
from engine.grammar.fields import Problems
from engine.grammar.operands import parse_operand
from engine.indicators.column import Column, parse_column
from engine.indicators.registry import INDICATORS
from engine.indicators.series import closed_values, series_of

_MOST_INDICATORS = 12


def parse_indicators(text: str, timeframe: Timeframe) -> dict[str, Column]:
    """Return the columns by their canonical names; an indicator without an output stands for all it has.

    Raises:
        InvalidInput: names each one that is not known.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    columns: dict[str, Column] = {}
    wrong: list[Problem] = []
    for name in names[:_MOST_INDICATORS]:
        found = _columns_of(name, timeframe)
        if isinstance(found, Problem):
            wrong.append(found)
        else:
            columns.update(found)
    if wrong:
        raise InvalidInput(wrong)
    return columns


def _columns_of(name: str, timeframe: Timeframe) -> dict[str, Column] | Problem:
    definition = INDICATORS.get(name.split("_")[0].split(".")[0])
    outputs = definition.outputs if definition and "." not in name else ()
    columns: dict[str, Column] = {}
    for text in [f"{name}.{output}" for output in outputs] or [name]:
        problems = Problems()
        operand = parse_operand(text, "query.indicators", problems, timeframe=timeframe)
        if operand is None or operand.is_field:
            known = ", ".join(INDICATORS)
            first = problems.found[0] if problems.found else None
            expected = first.expected if first else f"name an indicator: {known}"
            return Problem("query.indicators", repr(name), expected)
        columns[operand.column] = parse_column(operand.column)
    return columns


def values(column: Column, candles: list[StoredCandle]) -> list[float | None]:
    """Return the indicator at each candle's close, partial candles left out as the engine leaves them out (T17)."""
    whole = [candle for candle in candles if not candle.partial]
    computed = iter(closed_values(column, series_of(whole)).tolist())
    return [None if candle.partial else _known(next(computed)) for candle in candles]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
