"""Indicators that read the volume. NaN where there is no number (T18, T19)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.oracle.candle import Candle
from tests.oracle.indicators_series import NAN, Series, before, each, mean, ratio, window

Candles = Sequence[Candle]


def on_balance(candles: Candles) -> Series:
    """OBV: the first volume, then plus the volume of a higher close, minus that of a lower one."""
    found: Series = []
    for place, candle in enumerate(candles):
        if place == 0:
            found.append(candle.volume)
            continue
        change = candle.close - candles[place - 1].close
        found.append(found[-1] + (candle.volume if change > 0 else -candle.volume if change < 0 else 0.0))
    return found


def _flow(candle: Candle) -> float:
    """Return the volume times -1 (closed at the low) to 1 (at the high); 0 for a candle without a range."""
    reach = candle.high - candle.low
    return candle.volume * ((candle.close - candle.low) - (candle.high - candle.close)) / reach if reach > 0 else 0.0


def accumulation(candles: Candles) -> Series:
    """AD: the flows since the first candle, added up."""
    total, found = 0.0, [NAN] * len(candles)
    for place, candle in enumerate(candles):
        total += _flow(candle)
        found[place] = total
    return found


def chaikin(candles: Candles, n: int) -> Series:
    """CMF: the flow of n candles over their volume; NaN where they have none."""
    flow = window(math.fsum, [_flow(candle) for candle in candles], n)
    return each(ratio, flow, window(math.fsum, [candle.volume for candle in candles], n))


def relative_volume(candles: Candles, n: int) -> Series:
    """RVOL: the volume over the mean of the n before it; NaN where they had none."""
    volume = [candle.volume for candle in candles]
    return each(ratio, volume, before(window(mean, volume, n), 1))


def typical_price(candle: Candle) -> float:
    return (candle.high + candle.low + candle.close) / 3


def money_flow(candles: Candles, n: int) -> Series:
    """MFI: the flow (typical price times volume) of the candles above the one before, in percent of theirs and
    that of the candles below it; equal ones have none. NaN where n candles had no flow.
    """
    up, down = [NAN] * len(candles), [NAN] * len(candles)
    for place in range(1, len(candles)):
        price, earlier = typical_price(candles[place]), typical_price(candles[place - 1])
        up[place] = price * candles[place].volume if price > earlier else 0.0
        down[place] = price * candles[place].volume if price < earlier else 0.0
    return each(lambda rise, fall: 100 * ratio(rise, rise + fall), window(math.fsum, up, n), window(math.fsum, down, n))
