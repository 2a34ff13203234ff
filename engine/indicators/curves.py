"""Values that follow the forming candle along a curve: a few numbers a candle, then some operations a trade.

Between two closes an average is a straight line in the forming close, a Bollinger band a branch of a hyperbola. An
indicator that says which curve an output is (`IndicatorDef.curves`) is computed from the curve at every trade,
from its state only once a candle. The numbers hang on the state alone, not on the trade at which they were found.
"""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators.state import CLOSE, HIGH, LOW, Curve, Now

NO_CURVE, LINE, UPPER, LOWER, SHARE, REACH = range(6)
IDENTITY = (1.0, 0.0, 0.0, 0.0)
"""The line that is the close itself, to the bit."""


@kernel
def set_unknown(curve: Curve) -> None:
    """Let a curve have no value. (The greater of a number and NaN may be the number: one NaN is not enough.)"""
    curve[0] = curve[1] = curve[2] = math.nan


@kernel
def line(curve: Curve, c: float) -> float:
    """Return slope * (close - where) + value there; numbers: slope, where, value."""
    return curve[0] * (c - curve[1]) + curve[2]


@kernel
def value(which: int, curve: Curve, now: Now) -> float:
    """Return the curve's value at a forming candle, NaN where it is unknown.

    UPPER, LOWER: m + d*a ± sqrt(s + q*d*d) with d = close - m; numbers: m, a, s, q.
    SHARE: 100 * (g + max(d, 0)) / (t + |d|) with d = close - c; numbers: c, g, t; 0/0 is NaN.
    REACH: a * (true range after a close of c) + b; numbers: c, a, b.
    """
    if which == REACH:
        h, low, before = now[HIGH], now[LOW], curve[0]
        return curve[1] * max(h - low, max(abs(h - before), abs(low - before))) + curve[2]
    d = now[CLOSE] - curve[0]
    if which == SHARE:
        total = curve[2] + abs(d)
        return 100.0 * ((curve[1] + (d if d > 0.0 else 0.0)) / total) if total > 0.0 else math.nan
    reach = math.sqrt(curve[2] + curve[3] * d * d)
    middle = curve[0] + d * curve[1]
    return middle + reach if which == UPPER else middle - reach
