"""Averages and windows of a series: what most indicators are made of, each as its definition reads.

A series is one number a candle, NaN where there is none. "The first value" of a series is its first that is not
NaN; a NaN behind it makes every window it is in NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import overload

NAN = math.nan
Series = list[float]


def ratio(numerator: float, denominator: float) -> float:
    """Return the quotient, NaN where the denominator is 0: there is no number (T19)."""
    return numerator / denominator if denominator != 0 else NAN


@overload
def each(function: Callable[[float], float], a: Sequence[float], /) -> Series: ...
@overload
def each(function: Callable[[float, float], float], a: Sequence[float], b: Sequence[float], /) -> Series: ...
@overload
def each(
    function: Callable[[float, float, float], float],
    a: Sequence[float],
    b: Sequence[float],
    c: Sequence[float],
    /,
) -> Series: ...
def each(function: Callable[..., float], *series: Sequence[float]) -> Series:
    """Return the function of the series' numbers, candle by candle; NaN where one of them is."""
    return [NAN if any(map(math.isnan, numbers)) else function(*numbers) for numbers in zip(*series, strict=True)]


def window(function: Callable[[Sequence[float]], float], series: Sequence[float], n: int) -> Series:
    """Return the function of the newest n numbers at every candle that has as many; NaN while one is NaN."""
    found = [NAN] * len(series)
    for last in range(n - 1, len(series)):
        newest = series[last - n + 1 : last + 1]
        if not any(map(math.isnan, newest)):
            found[last] = function(newest)
    return found


def mean(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers)


def deviation(numbers: Sequence[float]) -> float:
    """Return the population standard deviation; exactly 0 where all numbers are the same."""
    if min(numbers) == max(numbers):
        return 0.0
    middle = mean(numbers)
    return math.sqrt(math.fsum((x - middle) ** 2 for x in numbers) / len(numbers))


def weighted(numbers: Sequence[float]) -> float:
    """Return the mean in which the oldest weighs 1, the next 2, and so on."""
    total = math.fsum(weight * x for weight, x in enumerate(numbers, start=1))
    return total / (len(numbers) * (len(numbers) + 1) / 2)


def slope(numbers: Sequence[float]) -> float:
    """Return the slope of the least-squares line through (0, x0), (1, x1), …"""
    middle_place, middle = (len(numbers) - 1) / 2, mean(numbers)
    shared = math.fsum((place - middle_place) * (x - middle) for place, x in enumerate(numbers))
    return shared / math.fsum((place - middle_place) ** 2 for place in range(len(numbers)))


def simple_average(series: Sequence[float], n: int) -> Series:
    return window(mean, series, n)


def weighted_average(series: Sequence[float], n: int) -> Series:
    return window(weighted, series, n)


def _smoothed(series: Sequence[float], n: int, step: Callable[[float, float], float]) -> Series:
    """Return the recursion `step(before, number)`, seeded with the mean of the first n numbers of the series."""
    found = [NAN] * len(series)
    start = next((place for place, x in enumerate(series) if not math.isnan(x)), len(series))
    if len(series) - start < n:
        return found
    seeded = start + n - 1
    found[seeded] = mean(series[start : seeded + 1])
    for place in range(seeded + 1, len(series)):
        found[place] = step(found[place - 1], series[place])
    return found


def exponential_average(series: Sequence[float], n: int) -> Series:
    """Return the average in which the newest weighs 2 / (n + 1); its first value is the mean of n."""
    return _smoothed(series, n, lambda before, x: before + 2 / (n + 1) * (x - before))


def wilder_average(series: Sequence[float], n: int) -> Series:
    """Return Wilder's average, in which the newest weighs 1 / n; its first value is the mean of n."""
    return _smoothed(series, n, lambda before, x: (before * (n - 1) + x) / n)


def before(series: Sequence[float], n: int) -> Series:
    """Return at each candle the number n candles earlier."""
    return ([NAN] * n + list(series))[: len(series)]
