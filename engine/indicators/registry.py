"""Every indicator, once. The grammar, the web form, the docs and the kernels all read this table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.indicators import (
    adx,
    atr,
    bbands,
    ema,
    ema_chain,
    extremes,
    kama,
    macd,
    money_flow,
    obv,
    roc,
    rsi,
    sma,
    stddev,
    stoch,
    true_range,
    wma,
)
from engine.indicators.definition import IndicatorDef

_ALL = (
    sma.DEFINITION,
    ema.DEFINITION,
    rsi.DEFINITION,
    macd.DEFINITION,
    bbands.DEFINITION,
    atr.DEFINITION,
    stoch.DEFINITION,
    adx.DEFINITION,
    adx.PLUS_DI,
    adx.MINUS_DI,
    roc.DEFINITION,
    obv.DEFINITION,
    wma.DEFINITION,
    wma.HULL_MOVING,
    ema_chain.DOUBLE,
    ema_chain.TRIPLE,
    kama.DEFINITION,
    stddev.SLOPE,
    roc.MOMENTUM,
    extremes.WILLIAMS,
    extremes.AROON,
    extremes.DONCHIAN,
    true_range.KELTNER,
    true_range.DEFINITION,
    true_range.NORMALISED,
    stddev.DEFINITION,
    stddev.ZSCORE,
    money_flow.INDEX,
    money_flow.ACCUMULATION,
    money_flow.CHAIKIN,
    money_flow.RELATIVE,
)

INDICATORS: Mapping[str, IndicatorDef] = MappingProxyType({d.name: d for d in _ALL})
