"""What TA-Lib says an indicator is; what it has not, put together from its parts or from plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import talib
from numpy.typing import NDArray

Series = NDArray[np.float64]


def _hull(close: Series, n: int) -> Series:
    raw = 2 * talib.WMA(close, n // 2) - talib.WMA(close, n)
    if len(close) < n:
        return raw
    return np.concatenate((np.full(n - 1, np.nan), talib.WMA(raw[n - 1 :], math.isqrt(n))))


def _donchian(high: Series, low: Series, n: int) -> tuple[Series, ...]:
    upper, lower = talib.MAX(high, n), talib.MIN(low, n)
    return upper, (upper + lower) / 2, lower


def _keltner(high: Series, low: Series, close: Series, p: tuple[float, ...]) -> tuple[Series, ...]:
    middle, reach = talib.EMA(close, int(p[0])), p[1] * talib.ATR(high, low, close, int(p[2]))
    return middle + reach, middle + 0 * reach, middle - reach


def _score(close: Series, n: int) -> Series:
    found = np.full(len(close), np.nan)
    for k in range(n - 1, len(close)):
        window = close[k - n + 1 : k + 1]
        found[k] = (close[k] - window.mean()) / window.std() if np.ptp(window) > 0 else np.nan
    return found


def _chaikin(high: Series, low: Series, close: Series, volume: Series, n: int) -> Series:
    reach = np.where(high > low, high - low, 1)
    flow = np.where(high > low, (2 * close - high - low) / reach, 0) * volume
    found = np.full(len(close), np.nan)
    for k in range(n - 1, len(close)):
        total = volume[k - n + 1 : k + 1].sum()
        found[k] = flow[k - n + 1 : k + 1].sum() / total if total > 0 else np.nan
    return found


def _channel(high: Series, low: Series, close: Series, n: int) -> Series:
    """Return TA-Lib's index, unknown where the typical prices of the window are equal but for rounding."""
    typical = (high + low + close) / 3
    found = talib.CCI(high, low, close, n)
    for k in range(n - 1, len(close)):
        if np.ptp(typical[k - n + 1 : k + 1]) <= 1e-12 * typical[k]:
            found[k] = np.nan
    return found


def _money(high: Series, low: Series, close: Series, volume: Series, n: int) -> Series:
    """Return TA-Lib's index, unknown where no money flowed: there TA-Lib says 0."""
    typical = (high + low + close) / 3
    flow = np.concatenate(([0.0], np.abs(np.sign(np.diff(typical))) * (typical * volume)[1:]))
    found = talib.MFI(high, low, close, volume, n)
    for k in range(n, len(close)):
        if not flow[k - n + 1 : k + 1].any():
            found[k] = np.nan
    return found


def talib_values(
    name: str, p: tuple[float, ...], high: Series, low: Series, close: Series, volume: Series
) -> list[Series]:
    """Return each output of an indicator at every candle, as TA-Lib or plain NumPy has it."""
    functions: dict[str, Callable[[], Series | tuple[Series, ...]]] = {
        "SMA": lambda: talib.SMA(close, int(p[0])),
        "EMA": lambda: talib.EMA(close, int(p[0])),
        "RSI": lambda: talib.RSI(close, int(p[0])),
        "ATR": lambda: talib.ATR(high, low, close, int(p[0])),
        "MACD": lambda: talib.MACD(close, int(p[0]), int(p[1]), int(p[2])),
        "BBANDS": lambda: talib.BBANDS(close, int(p[0]), p[1], p[1]),
        "STOCH": lambda: talib.STOCH(
            high, low, close, fastk_period=int(p[0]), slowk_period=int(p[1]), slowd_period=int(p[2])
        ),
        "ADX": lambda: talib.ADX(high, low, close, int(p[0])),
        "PLUSDI": lambda: talib.PLUS_DI(high, low, close, int(p[0])),
        "MINUSDI": lambda: talib.MINUS_DI(high, low, close, int(p[0])),
        "ROC": lambda: talib.ROC(close, int(p[0])),
        "OBV": lambda: talib.OBV(close, volume),
        "WMA": lambda: talib.WMA(close, int(p[0])),
        "HMA": lambda: _hull(close, int(p[0])),
        "DEMA": lambda: talib.DEMA(close, int(p[0])),
        "TEMA": lambda: talib.TEMA(close, int(p[0])),
        "KAMA": lambda: talib.KAMA(close, int(p[0])),
        "SLOPE": lambda: talib.LINEARREG_SLOPE(close, int(p[0])),
        "STOCHRSI": lambda: talib.STOCHRSI(close, int(p[0]), int(p[1]), int(p[3])),  # without smoothing, p[2] = 1
        "CCI": lambda: _channel(high, low, close, int(p[0])),
        "SAR": lambda: talib.SAR(high, low, p[0], p[1]),
        "MOM": lambda: talib.MOM(close, int(p[0])),
        "WILLR": lambda: talib.WILLR(high, low, close, int(p[0])),
        "AROON": lambda: talib.AROON(high, low, int(p[0])),
        "DONCHIAN": lambda: _donchian(high, low, int(p[0])),
        "KELTNER": lambda: _keltner(high, low, close, p),
        "TR": lambda: talib.TRANGE(high, low, close),
        "NATR": lambda: talib.NATR(high, low, close, int(p[0])),
        "STDDEV": lambda: talib.STDDEV(close, int(p[0])),
        "ZSCORE": lambda: _score(close, int(p[0])),
        "MFI": lambda: _money(high, low, close, volume, int(p[0])),
        "AD": lambda: talib.AD(high, low, close, volume),
        "CMF": lambda: _chaikin(high, low, close, volume, int(p[0])),
        "RVOL": lambda: volume / np.concatenate(([np.nan], talib.SMA(volume, int(p[0]))[:-1])),
    }
    found = functions[name]()
    return list(found) if isinstance(found, tuple) else [found]
