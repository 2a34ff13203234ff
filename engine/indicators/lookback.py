"""How many candles an indicator needs, where that is a plain function of its first number."""

from __future__ import annotations

import math

from engine.indicators.definition import Params


def one(params: Params) -> int:
    del params
    return 1


def two(params: Params) -> int:
    del params
    return 2


def period(params: Params) -> int:
    return int(params[0])


def after_period(params: Params) -> int:
    """Return period + 1: the first change needs a candle before it."""
    return int(params[0]) + 1


def wilder(params: Params) -> int:
    """Return when 0.1 % of the seed is left of Wilder's smoothing (T18)."""
    return math.ceil(params[0] + 1 + 6.9 * params[0])
