"""Indicators against values that others published for a known series of daily quotes, TA-Lib among neither.

Source: the standard results of the Stock.Indicators project, `fixtures/indicators/stock-indicators_*`. Where a
recursion begins otherwise there, values are compared once its beginning is forgotten.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.indicators.column import parse_column
from engine.indicators.series import Series, closed_values
from tests.golden.recorded import recorded

# Column, file, field, candles until how the recursion began is forgotten (0: every value is compared).
CASES = [
    ("SMA_20", "sma", "sma", 0), ("WMA_14", "wma", "wma", 0), ("HMA_14", "hma", "hma", 0), ("EMA_20", "ema", "ema", 0),
    ("RSI_14", "rsi", "rsi", 0), ("BBANDS_20_2.upper", "bb", "upperBand", 0),
    ("BBANDS_20_2.lower", "bb", "lowerBand", 0),
    ("CCI_20", "cci", "cci", 0), ("MFI_14", "mfi", "mfi", 0), ("ROC_14", "roc", "roc", 0), ("TR", "tr", "tr", 0),
    ("STDDEV_14", "stdev", "stdDev", 0), ("ZSCORE_14", "stdev", "zScore", 0), ("STOCH_14_3_3.k", "stoch", "k", 0),
    ("STOCH_14_3_3.d", "stoch", "d", 0), ("WILLR_14", "willr", "williamsR", 0), ("ATR_14", "atr", "atr", 0),
    ("ADX_14", "adx", "adx", 350), ("PLUSDI_14", "adx", "pdi", 350), ("MINUSDI_14", "adx", "mdi", 350),
    ("MACD_12_26_9.line", "macd", "macd", 250), ("MACD_12_26_9.signal", "macd", "signal", 250),
    ("VWAP", "vwap", "vwap", 0),
    ("OBV", "obv", "obv", 0),
]  # fmt: skip


def quotes() -> Series:
    """Return the 502 daily quotes as candles a minute apart, so that they are one session; vwap is typical price."""
    found = pl.read_csv(recorded("fixtures/indicators/stock-indicators_quotes_default.csv"))
    o, h, low, c, v = (found[name].cast(pl.Float64).to_numpy() for name in ("open", "high", "low", "close", "volume"))
    return Series(np.arange(len(c), dtype=np.int64) * 60_000, o, h, low, c, v, (h + low + c) / 3)


def published(file: str, field: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    text = recorded(f"fixtures/indicators/stock-indicators_{file}.standard.json").read_text()
    return np.array([np.nan if row[field] is None else row[field] for row in json.loads(text)], np.float64)


@pytest.mark.parametrize(("column", "file", "field", "forgotten"), CASES)
def test_T18_values_equal_what_others_published(column: str, file: str, field: str, forgotten: int) -> None:
    series, expected = quotes(), published(file, field)
    found = closed_values(parse_column(column), series)
    if file == "obv":  # theirs begins with 0, ours as TA-Lib's with the first volume
        expected = expected + series.volume[0]
    known = ~np.isnan(found) & ~np.isnan(expected)
    known[:forgotten] = False
    assert known.sum() > 100
    assert np.abs(found - expected)[known].max() <= 1e-9 * max(1.0, np.abs(expected[known]).max())
