"""Every indicator, slowly and plainly: what the engine is compared with. Imports nothing of the engine.

Written from TA-Lib's definitions and the sources that docs/indicators.md names. Where TA-Lib says 0 for 0/0 there is
no value here (T18); what is infinite is no value either (T19).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.oracle import indicators_levels as levels
from tests.oracle import indicators_price as price
from tests.oracle import indicators_range as ranges
from tests.oracle import indicators_series as series
from tests.oracle import indicators_volume as volumes
from tests.oracle.candle import Candle

__all__ = ["NAMES", "Candle", "first_value", "stable_after", "values"]

Params = tuple[float, ...]
Found = Mapping[str, list[float]] | list[float]
EMA_LIKE, WILDER_LIKE = 345, 690
"""Hundredths of a period after which at most 0.1 % of the seed is left (T18)."""


@dataclass(frozen=True, slots=True)
class _Indicator:
    """`first` is the candle of the first value; `settling` the hundredths of a candle from there to stable."""

    of: Callable[[Sequence[Candle], Params], Found]
    first: Callable[[Params], float]
    settling: Callable[[Params], float] = lambda _: 0


def _of_close(function: Callable[..., Found]) -> Callable[[Sequence[Candle], Params], Found]:
    return lambda candles, p: function(ranges.closes(candles), *p)


def _of_candles(function: Callable[..., Found]) -> Callable[[Sequence[Candle], Params], Found]:
    return lambda candles, p: function(candles, *p)


def _periods(per_period: int) -> Callable[[Params], float]:
    return lambda p: per_period * p[0]


def _one(_: Params) -> float:
    return 1


def _two(_: Params) -> float:
    return 2


def _n(p: Params) -> float:
    return p[0]


def _n_and_1(p: Params) -> float:
    return p[0] + 1


_TABLE: dict[str, _Indicator] = {
    "SMA": _Indicator(_of_close(series.simple_average), _n),
    "EMA": _Indicator(_of_close(series.exponential_average), _n, _periods(EMA_LIKE)),
    "RSI": _Indicator(_of_close(price.relative_strength), _n_and_1, _periods(WILDER_LIKE)),
    "MACD": _Indicator(_of_close(price.convergence), lambda p: p[1] + p[2] - 1, lambda p: EMA_LIKE * (p[1] + p[2])),
    "BBANDS": _Indicator(_of_close(price.bollinger), _n),
    "ATR": _Indicator(_of_candles(ranges.average_range), _n_and_1, _periods(WILDER_LIKE)),
    "STOCH": _Indicator(_of_candles(ranges.stochastic), lambda p: p[0] + p[1] + p[2] - 2),
    "ADX": _Indicator(_of_candles(ranges.directional_index), lambda p: 2 * p[0], _periods(2 * WILDER_LIKE)),
    "PLUSDI": _Indicator(_of_candles(ranges.plus_direction), _n_and_1, _periods(WILDER_LIKE)),
    "MINUSDI": _Indicator(_of_candles(ranges.minus_direction), _n_and_1, _periods(WILDER_LIKE)),
    "ROC": _Indicator(_of_close(price.rate_of_change), _n_and_1),
    "OBV": _Indicator(_of_candles(volumes.on_balance), _one),
    "WMA": _Indicator(_of_close(series.weighted_average), _n),
    "HMA": _Indicator(_of_close(price.hull), lambda p: p[0] + math.isqrt(int(p[0])) - 1),
    "DEMA": _Indicator(_of_close(price.double_exponential), lambda p: 2 * p[0] - 1, _periods(2 * EMA_LIKE)),
    "TEMA": _Indicator(_of_close(price.triple_exponential), lambda p: 3 * p[0] - 2, _periods(3 * EMA_LIKE)),
    # At its slowest KAMA moves by the square of 2/31; as an average of 30 candles settles, so does it.
    "KAMA": _Indicator(_of_close(price.adaptive), _n_and_1, lambda _: EMA_LIKE * 30),
    "SLOPE": _Indicator(_of_close(price.linear_slope), _n),
    "MOM": _Indicator(_of_close(price.momentum), _n_and_1),
    "WILLR": _Indicator(_of_candles(ranges.williams), _n),
    "AROON": _Indicator(_of_candles(ranges.aroon), _n_and_1),
    "DONCHIAN": _Indicator(_of_candles(ranges.donchian), _n),
    # Of the average and the range the one that comes, and settles, later.
    "KELTNER": _Indicator(
        _of_candles(ranges.keltner),
        lambda p: max(p[0], p[2] + 1),
        lambda p: max(100 * p[0] + EMA_LIKE * p[0], 100 * (p[2] + 1) + WILDER_LIKE * p[2]) - 100 * max(p[0], p[2] + 1),
    ),
    "TR": _Indicator(_of_candles(ranges.true_range), _two),
    "NATR": _Indicator(_of_candles(ranges.normalised_range), _n_and_1, _periods(WILDER_LIKE)),
    "STDDEV": _Indicator(_of_close(price.standard_deviation), _n),
    "ZSCORE": _Indicator(_of_close(price.score), _n),
    "MFI": _Indicator(_of_candles(volumes.money_flow), _n_and_1),
    "AD": _Indicator(_of_candles(volumes.accumulation), _one),
    "CMF": _Indicator(_of_candles(volumes.chaikin), _n),
    "RVOL": _Indicator(_of_candles(volumes.relative_volume), _n_and_1),
    "CCI": _Indicator(_of_candles(ranges.channel_index), _n),
    # Without a number for `smooth` it is 1.
    "STOCHRSI": _Indicator(
        _of_candles(ranges.stochastic_of_strength),
        lambda p: sum(p) - len(p) + 2,
        _periods(WILDER_LIKE),
    ),
    "SAR": _Indicator(_of_candles(levels.parabolic), _two),
    "SUPERTREND": _Indicator(_of_candles(levels.supertrend), _n_and_1, _periods(WILDER_LIKE)),
    "ICHIMOKU": _Indicator(_of_candles(levels.ichimoku), lambda p: max(p) + p[1] - 1),
    "PIVOT": _Indicator(_of_candles(levels.pivots), _two),
    "VWAP": _Indicator(_of_candles(levels.session_average), _one),
}

NAMES = frozenset(_TABLE)


def values(name: str, params: Params, candles: Sequence[Candle]) -> dict[str, list[float]]:
    """Return each output after each candle, the last one seen as if it closed now; NaN where there is no value.

    The one output of an indicator that has no others is named "". All numbers must be given.
    """
    numbers = tuple(int(p) if p == int(p) else p for p in params)
    found = _TABLE[name].of(candles, numbers)
    outputs = {"": found} if isinstance(found, list) else found
    return {output: [x if math.isfinite(x) else series.NAN for x in numbers] for output, numbers in outputs.items()}


def first_value(name: str, params: Params) -> int:
    """Return the candle, counted from 1, at which there is a first value where nothing is 0/0."""
    return int(_TABLE[name].first(params))


def stable_after(name: str, params: Params) -> int:
    """Return the number of candles from which at most 0.1 % of the seed is left (T18)."""
    indicator = _TABLE[name]
    return -int(-(100 * indicator.first(params) + indicator.settling(params)) // 100)
