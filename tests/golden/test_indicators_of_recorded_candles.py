"""Every indicator that TA-Lib has, on recorded candles of every kind we hold: equal to 1e-9 of its scale.

Left out, by name: windows where TA-Lib divides 0 by 0 and says 0 (T18), and windows of MFI in which two neighbouring
typical prices differ by their rounding only: which of them is greater is a tie, and two right implementations differ
(T19; TA-Lib itself decides such ties by how it was compiled).
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import talib
from numpy.typing import NDArray

from engine.indicators.column import columns_of, parse_column
from engine.indicators.series import Series, closed_values
from tests.golden.recorded import recorded
from tests.kit.talib_judge import talib_values

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]
MOST = 4_000
FILES = (
    "crypto_btc_perp_1m_202201", "crypto_coinbase_1m_1d", "indicator_reference_quotes_1d", "us_equities_1d",
    "us_equities_1h", "us_equities_1m",
)  # fmt: skip
INDICATORS = (
    "SMA_20", "EMA_20", "WMA_20", "DEMA_20", "TEMA_20", "KAMA_10", "RSI_14", "MACD_12_26_9", "BBANDS_20_2", "ATR_14",
    "NATR_14", "TR", "ADX_14", "PLUSDI_14", "MINUSDI_14", "AROON_14", "STOCH_14_3", "STOCH_14_3_3", "WILLR_14",
    "STOCHRSI_14_14_3", "CCI_20", "SAR_0.02_0.2",
    "ROC_10", "MOM_10", "MFI_14", "OBV", "AD", "STDDEV_20", "SLOPE_14",
)  # fmt: skip
PERCENT = ("RSI", "ADX", "PLUSDI", "MINUSDI", "AROON", "STOCH", "WILLR", "ROC", "MFI", "NATR", "STOCHRSI", "CCI")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", INDICATORS)
def test_T18_closed_values_equal_talibs_on_recorded_candles(name: str, file: str) -> None:
    candles = pl.read_parquet(recorded(f"candles/{file}.parquet")).sort("symbol", "timeframe", "ts_ms")
    compared = 0
    for _, group in candles.group_by("symbol", "timeframe", maintain_order=True):
        high, low, close, volume = (
            group[column].head(MOST).cast(pl.Float64).to_numpy().copy() for column in ("high", "low", "close", "volume")
        )
        first = parse_column(columns_of(name)[0])
        should = talib_values(first.definition.name, first.params, high, low, close, volume)
        open_to_question = _ties(first.definition.name, first.params, high, low, close)
        for column, values in zip(columns_of(name), should, strict=True):
            starts = np.arange(len(close)) * 60_000
            found = closed_values(parse_column(column), Series(starts, close, high, low, close, volume, close))
            known = ~np.isnan(found)
            assert not (known & np.isnan(values)).any(), column
            assert not (~known & ~np.isnan(values) & ~open_to_question & (values != 0)).any(), column
            sure = known & ~open_to_question
            off = np.abs(found - values)[sure] / _scale(first.definition.name, values, close)[sure]
            assert off.size == 0 or off.max() < 1e-9, f"{column}: {off.max():.3g}"
            compared += int(sure.sum())
    assert compared > 1_000


def _scale(name: str, values: Numbers, close: Numbers) -> Numbers:
    """Return what 1e-9 is of: a hundred for shares in percent, the sum so far for sums, else the price."""
    if name in PERCENT:
        return np.full_like(close, 100.0)
    if name in ("OBV", "AD"):
        return np.maximum(np.maximum.accumulate(np.abs(np.nan_to_num(values))), 1.0)
    return close


def _ties(name: str, params: tuple[float, ...], high: Numbers, low: Numbers, close: Numbers) -> Mask:
    if name == "STOCHRSI":
        n, length, smooth, d = (int(x) for x in params)
        strength = talib.RSI(close, n)
        changed = np.flatnonzero(np.diff(close) != 0)
        strength[: changed[0] + 1 if len(changed) else len(close)] = np.nan  # unknown here, 0 for TA-Lib
        window = np.lib.stride_tricks.sliding_window_view(strength, length)
        rests = np.concatenate((np.full(length - 1, True), ~(np.ptp(window, axis=1) > 1e-7)))
        return _within(rests, smooth + d - 1)
    if name == "MFI":
        typical = (high + low + close) / 3
        step = np.abs(np.diff(typical, prepend=np.nan))
        return _within((step > 0) & (step < 1e-9 * typical), int(params[0]))
    if name in ("STOCH", "WILLR"):
        window = int(params[0])
        flat = np.zeros(len(close), bool)
        if len(close) >= window:
            highest = np.lib.stride_tricks.sliding_window_view(high, window).max(1)
            lowest = np.lib.stride_tricks.sliding_window_view(low, window).min(1)
            flat[window - 1 :] = highest == lowest
        return _within(flat, int(sum(params[1:])) if name == "STOCH" else 1)
    return np.zeros(len(close), bool)


def _within(what: Mask, candles: int) -> Mask:
    """Return where it is so, and the candles whose window still sees it."""
    found = what.copy()
    for back in range(1, candles):
        found[back:] |= what[:-back]
    return found
