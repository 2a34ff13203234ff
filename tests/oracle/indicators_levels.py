"""Indicators that draw levels: stops that trail, clouds, pivots, the session's average price.

Sources: SAR as TA-Lib; SUPERTREND as TradingView's `ta.supertrend`; ICHIMOKU as G. Hosoda drew it; PIVOT as floor
traders reckon it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.oracle.candle import Candle
from tests.oracle.indicators_range import average_range, highest, lowest
from tests.oracle.indicators_series import NAN, Series, before, each, ratio

Candles = Sequence[Candle]


def parabolic(candles: Candles, step: float, limit: float) -> Series:
    """SAR: a stop that moves towards the extreme of its trend, the faster the more extremes there were.

    It starts on the second candle, with the first one's extreme on the other side as stop; downward only if the
    low fell by more than the high rose. A stop that is touched turns the trend: it is then the old trend's
    extreme. It is never inside the range of this candle and the one before.
    """
    found = [NAN] * len(candles)
    if len(candles) < 2:
        return found
    first, second = candles[:2]
    fall = first.low - second.low
    is_up = not (fall > 0 and fall > second.high - first.high)
    stop, extreme = (first.low, second.high) if is_up else (first.high, second.low)
    pace = min(step, limit)
    for place in range(1, len(candles)):
        # Before the second candle there is none that counts: TA-Lib starts with it twice.
        candle, earlier = candles[place], candles[max(1, place - 1)]
        top, bottom = max(candle.high, earlier.high), min(candle.low, earlier.low)
        if candle.low <= stop if is_up else candle.high >= stop:
            is_up = not is_up
            stop, pace = extreme, min(step, limit)
            stop = min(stop, bottom) if is_up else max(stop, top)
            extreme = candle.high if is_up else candle.low
            found[place] = stop
        else:
            found[place] = stop
            if candle.high > extreme if is_up else candle.low < extreme:
                extreme = candle.high if is_up else candle.low
                pace = min(pace + step, limit)
        stop += pace * (extreme - stop)
        stop = min(stop, bottom) if is_up else max(stop, top)
    return found


def supertrend(candles: Candles, n: int, width: float) -> dict[str, Series]:
    """SUPERTREND: the lower band while the trend is up (1), the upper one while it is down (-1).

    Bands are some average true ranges around the middle of the candle. The upper one only falls and the lower one
    only rises, until the close before was beyond it. The trend begins down and turns when the close is beyond the
    band of its side.
    """
    reach = average_range(candles, n)
    line, direction = [NAN] * len(candles), [NAN] * len(candles)
    upper, lower, trend = NAN, NAN, -1.0
    for place in range(n, len(candles)):
        candle, close_before = candles[place], candles[place - 1].close
        middle = (candle.high + candle.low) / 2
        is_first = place == n
        new_upper, new_lower = middle + width * reach[place], middle - width * reach[place]
        if is_first or new_upper < upper or close_before > upper:
            upper = new_upper
        if is_first or new_lower > lower or close_before < lower:
            lower = new_lower
        if not is_first:
            if trend < 0 and candle.close > upper:
                trend = 1.0
            elif trend > 0 and candle.close < lower:
                trend = -1.0
        line[place], direction[place] = (lower if trend > 0 else upper), trend
    return {"line": line, "direction": direction}


def _middle(candles: Candles, n: int) -> Series:
    return each(lambda top, bottom: (top + bottom) / 2, highest(candles, n), lowest(candles, n))


def ichimoku(candles: Candles, conversion: int, base: int, span: int) -> dict[str, Series]:
    """ICHIMOKU: middles of the range of three windows, and the cloud as it is drawn at this candle.

    The cloud is drawn `base` candles ahead, the candle it was reckoned at being the first: what is drawn here was
    reckoned base - 1 candles ago. All outputs wait for the last of them.
    """
    quick, slow = _middle(candles, conversion), _middle(candles, base)
    lines = {
        "conversion": quick,
        "base": slow,
        "span_a": before(each(lambda a, b: (a + b) / 2, quick, slow), base - 1),
        "span_b": before(_middle(candles, span), base - 1),
    }
    first = max(conversion, base, span) + base - 1
    return {name: [NAN] * min(first - 1, len(line)) + line[first - 1 :] for name, line in lines.items()}


def pivots(candles: Candles) -> dict[str, Series]:
    """PIVOT: the mean of high, low and close of the candle before, and three levels either side of it."""
    found: dict[str, Series] = {name: [NAN] * len(candles) for name in ("p", "r1", "r2", "r3", "s1", "s2", "s3")}
    for place in range(1, len(candles)):
        high, low, close = candles[place - 1].high, candles[place - 1].low, candles[place - 1].close
        middle = (high + low + close) / 3
        levels = {
            "p": middle,
            "r1": 2 * middle - low,
            "r2": middle + (high - low),
            "r3": high + 2 * (middle - low),
            "s1": 2 * middle - high,
            "s2": middle - (high - low),
            "s3": low - 2 * (high - middle),
        }
        for name, level in levels.items():
            found[name][place] = level
    return found


def session_average(candles: Candles) -> Series:
    """VWAP of the session so far: traded money over traded volume; NaN until something was traded in it."""
    found = [NAN] * len(candles)
    money = volume = 0.0
    for place, candle in enumerate(candles):
        if place == 0 or candle.session_open_ms != candles[place - 1].session_open_ms:
            money = volume = 0.0
        if candle.volume > 0:
            money += candle.vwap * candle.volume
            volume += candle.volume
        found[place] = ratio(money, volume)
    return found
