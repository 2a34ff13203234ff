"""Indicators of high, low and close: true range, direction, extremes. NaN where there is no number (T18)."""

from __future__ import annotations

from collections.abc import Sequence

from tests.oracle.candle import Candle
from tests.oracle.indicators_price import TALIB_ZERO, relative_strength
from tests.oracle.indicators_series import (
    NAN,
    Series,
    each,
    exponential_average,
    mean,
    ratio,
    simple_average,
    wilder_average,
    window,
)

Candles = Sequence[Candle]


def closes(candles: Candles) -> Series:
    return [candle.close for candle in candles]


def highest(candles: Candles, n: int) -> Series:
    return window(max, [candle.high for candle in candles], n)


def lowest(candles: Candles, n: int) -> Series:
    return window(min, [candle.low for candle in candles], n)


def true_range(candles: Candles) -> Series:
    """TR: from the highest of high and close before to the lowest of low and close before; none for the first."""
    found = [NAN] * len(candles)
    for place in range(1, len(candles)):
        candle, gap = candles[place], candles[place - 1].close
        found[place] = max(candle.high, gap) - min(candle.low, gap)
    return found


def average_range(candles: Candles, n: int) -> Series:
    """ATR: Wilder's average of the true range."""
    return wilder_average(true_range(candles), n)


def normalised_range(candles: Candles, n: int) -> Series:
    return each(lambda reach, close: 100 * reach / close, average_range(candles, n), closes(candles))


def keltner(candles: Candles, n: int, width: float, atr: int) -> dict[str, Series]:
    middle, reach = exponential_average(closes(candles), n), average_range(candles, atr)
    return {
        "upper": each(lambda a, r: a + width * r, middle, reach),
        "middle": each(lambda a, _: a, middle, reach),
        "lower": each(lambda a, r: a - width * r, middle, reach),
    }


def _wilder_sum(series: Sequence[float], n: int) -> Series:
    """Return Wilder's sum as TA-Lib has it: n - 1 numbers are added, then each next replaces an nth of the sum.

    The first number of the series is NaN (there is no movement before the second candle); shown from candle
    n + 1 on, which is the first that replaced something.
    """
    found = [NAN] * len(series)
    if len(series) <= n:
        return found
    total = sum(series[1:n])
    for place in range(n, len(series)):
        total = total - total / n + series[place]
        found[place] = total
    return found


def _directions(candles: Candles, n: int) -> tuple[Series, Series, Series]:
    """Return Wilder's sums of upward movement, downward movement and true range.

    A candle moved upward by how much its high is above the one before, if that is positive and more than its low
    is below the one before, else by 0; downward the other way about.
    """
    upward, downward = [NAN] * len(candles), [NAN] * len(candles)
    for place in range(1, len(candles)):
        up = candles[place].high - candles[place - 1].high
        down = candles[place - 1].low - candles[place].low
        upward[place] = up if up > 0 and up > down else 0.0
        downward[place] = down if down > 0 and down > up else 0.0
    return _wilder_sum(upward, n), _wilder_sum(downward, n), _wilder_sum(true_range(candles), n)


def plus_direction(candles: Candles, n: int) -> Series:
    up, _, reach = _directions(candles, n)
    return each(lambda movement, r: 100 * ratio(movement, r), up, reach)


def minus_direction(candles: Candles, n: int) -> Series:
    _, down, reach = _directions(candles, n)
    return each(lambda movement, r: 100 * ratio(movement, r), down, reach)


def directional_index(candles: Candles, n: int) -> Series:
    """ADX: Wilder's average of 100 |+DI - -DI| / (+DI + -DI), seeded with n of them.

    As in TA-Lib one that is 0/0 counts 0 in the seed and leaves the average as it is afterwards. NaN while the
    sum of true ranges is 0; the average goes on behind that.
    """
    up, down, reach = _directions(candles, n)
    found = [NAN] * len(candles)
    average = 0.0
    for place in range(n, len(candles)):
        movement = up[place] + down[place]
        is_known = reach[place] >= TALIB_ZERO and 100 * movement / reach[place] >= TALIB_ZERO
        index = 100 * abs(up[place] - down[place]) / movement if is_known else None
        if place < 2 * n:
            average += (index or 0.0) / n
        elif index is not None:
            average = (average * (n - 1) + index) / n
        if place >= 2 * n - 1 and reach[place] > 0:
            found[place] = average
    return found


def stochastic(candles: Candles, k: int, smooth: int, d: int) -> dict[str, Series]:
    """STOCH: averages of the way from lowest to highest; k is shown from d's first candle on, as in TA-Lib."""
    shown_from = k + smooth + d - 2
    fast, slow = _place_averages(closes(candles), highest(candles, k), lowest(candles, k), smooth, d)
    return {"k": _from(shown_from, fast), "d": slow}


def _place_averages(
    numbers: Sequence[float], top: Sequence[float], bottom: Sequence[float], smooth: int, d: int
) -> tuple[Series, Series]:
    """Return the smoothed way from bottom (0) to top (100), NaN where they are the same, and its average."""
    place = each(lambda x, high, low: 100 * ratio(x - low, high - low), numbers, top, bottom)
    fast = simple_average(place, smooth)
    return fast, simple_average(fast, d)


def _from(candle: int, series: Sequence[float]) -> Series:
    """Return the series without what is before a candle, counted from 1."""
    return [x if at >= candle else NAN for at, x in enumerate(series, start=1)]


def williams(candles: Candles, n: int) -> Series:
    return each(
        lambda close, top, bottom: -100 * ratio(top - close, top - bottom),
        closes(candles),
        highest(candles, n),
        lowest(candles, n),
    )


def donchian(candles: Candles, n: int) -> dict[str, Series]:
    top, bottom = highest(candles, n), lowest(candles, n)
    return {"upper": top, "middle": each(lambda a, b: (a + b) / 2, top, bottom), "lower": bottom}


def aroon(candles: Candles, n: int) -> dict[str, Series]:
    """AROON: 100 for an extreme of n + 1 candles in the newest, 0 in the oldest; the newest of equals counts."""

    def age(numbers: Sequence[float], extreme: float) -> int:
        return list(reversed(numbers)).index(extreme)

    return {
        "down": window(lambda x: 100 * (n - age(x, min(x))) / n, [c.low for c in candles], n + 1),
        "up": window(lambda x: 100 * (n - age(x, max(x))) / n, [c.high for c in candles], n + 1),
    }


def channel_index(candles: Candles, n: int) -> Series:
    """CCI: the typical price's distance from its mean in 0.015 mean deviations; NaN where there are none."""

    def distance(newest: Sequence[float]) -> float:
        if max(newest) - min(newest) <= 1e-12 * max(newest):  # what is left is rounding
            return NAN
        return (newest[-1] - mean(newest)) / (0.015 * mean([abs(x - mean(newest)) for x in newest]))

    return window(distance, [(c.high + c.low + c.close) / 3 for c in candles], n)


def stochastic_of_strength(candles: Candles, n: int, *lengths: int) -> dict[str, Series]:
    """STOCHRSI: where the RSI is between its lowest and its highest; lengths are (k, d) or (k, smooth, d).

    NaN while the RSI rests. A resting one still differs in its last digits, so what moved by less than 1e-9 rests.
    """
    k, smooth, d = lengths if len(lengths) == 3 else (lengths[0], 1, lengths[1])
    strength = relative_strength(closes(candles), n)
    top, bottom = window(max, strength, k), window(min, strength, k)
    top = each(lambda high, low: low if high - low < 1e-9 else high, top, bottom)
    fast, slow = _place_averages(strength, top, bottom, smooth, d)
    return {"k": _from(n + k + smooth + d - 2, fast), "d": slow}
