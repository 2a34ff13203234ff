"""Indicators of the close alone. TA-Lib's definitions; what has no number is NaN (T18, T19)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.oracle.indicators_series import (
    NAN,
    Series,
    before,
    deviation,
    each,
    exponential_average,
    mean,
    ratio,
    simple_average,
    slope,
    weighted_average,
    wilder_average,
    window,
)

TALIB_ZERO = 1e-14
"""TA-Lib takes what is smaller for zero."""


def relative_strength(close: Sequence[float], n: int) -> Series:
    """RSI: 100 times the average gain over average gain and average loss; NaN until the price changed."""
    changes = each(lambda now, then: now - then, close, before(close, 1))
    gain = wilder_average(each(lambda change: max(change, 0.0), changes), n)
    loss = wilder_average(each(lambda change: max(-change, 0.0), changes), n)
    return each(lambda up, down: 100 * ratio(up, up + down), gain, loss)


def convergence(close: Sequence[float], fast: int, slow: int, signal: int) -> dict[str, Series]:
    """MACD. Both averages have their first value at candle `slow`: the fast one is seeded with the closes up to
    there. Line and histogram are shown from the signal's first value on.
    """
    late = [NAN] * (slow - fast) + list(close[slow - fast :])
    distance = each(lambda a, b: a - b, exponential_average(late[: len(close)], fast), exponential_average(close, slow))
    average = exponential_average(distance, signal)
    return {
        "line": each(lambda a, _: a, distance, average),
        "signal": average,
        "histogram": each(lambda a, b: a - b, distance, average),
    }


def bollinger(close: Sequence[float], n: int, width: float) -> dict[str, Series]:
    middle, reach = simple_average(close, n), window(deviation, close, n)
    return {
        "upper": each(lambda a, d: a + width * d, middle, reach),
        "middle": middle,
        "lower": each(lambda a, d: a - width * d, middle, reach),
    }


def rate_of_change(close: Sequence[float], n: int) -> Series:
    return each(lambda now, then: 100 * ratio(now - then, then), close, before(close, n))


def momentum(close: Sequence[float], n: int) -> Series:
    return each(lambda now, then: now - then, close, before(close, n))


def hull(close: Sequence[float], n: int) -> Series:
    """HMA: the weighted average over √n of twice that over n / 2 less that over n; both rounded down."""
    ahead = each(lambda half, whole: 2 * half - whole, weighted_average(close, n // 2), weighted_average(close, n))
    return weighted_average(ahead, math.isqrt(n))


def double_exponential(close: Sequence[float], n: int) -> Series:
    once = exponential_average(close, n)
    return each(lambda a, b: 2 * a - b, once, exponential_average(once, n))


def triple_exponential(close: Sequence[float], n: int) -> Series:
    once = exponential_average(close, n)
    twice = exponential_average(once, n)
    return each(lambda a, b, c: 3 * a - 3 * b + c, once, twice, exponential_average(twice, n))


def adaptive(close: Sequence[float], n: int) -> Series:
    """KAMA: moves by the square of a weight between 2/31 and 2/3, by how straight the price went over n candles.

    It starts at the close of candle n, which is not shown. Where there was no way at all it was straight.
    """
    found = [NAN] * len(close)
    average = close[n - 1] if len(close) >= n else NAN
    for place in range(n, len(close)):
        way = math.fsum(abs(close[k] - close[k - 1]) for k in range(place - n + 1, place + 1))
        straight = 1.0 if way < TALIB_ZERO else abs(close[place] - close[place - n]) / way
        weight = straight * (2 / 3 - 2 / 31) + 2 / 31
        average += weight**2 * (close[place] - average)
        found[place] = average
    return found


def linear_slope(close: Sequence[float], n: int) -> Series:
    return window(slope, close, n)


def standard_deviation(close: Sequence[float], n: int) -> Series:
    return window(deviation, close, n)


def score(close: Sequence[float], n: int) -> Series:
    """ZSCORE: the close's distance from the mean in deviations; NaN where there is no deviation."""
    return window(lambda newest: ratio(newest[-1] - mean(newest), deviation(newest)), close, n)
