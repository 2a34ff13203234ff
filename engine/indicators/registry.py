"""Every indicator, once. The grammar, the web form, the docs and the kernels all read this table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.indicators import (
    adx,
    atr,
    bbands,
    cci,
    ema,
    ema_chain,
    extremes,
    ichimoku,
    kama,
    macd,
    money_flow,
    obv,
    pivot,
    roc,
    rsi,
    sar,
    session_vwap,
    sma,
    stddev,
    stoch,
    stoch_rsi,
    supertrend,
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
    stoch_rsi.DEFINITION,
    cci.DEFINITION,
    session_vwap.DEFINITION,
    supertrend.DEFINITION,
    sar.DEFINITION,
    ichimoku.DEFINITION,
    pivot.DEFINITION,
)

INDICATORS: Mapping[str, IndicatorDef] = MappingProxyType({d.name: d for d in _ALL})
KINDS: Mapping[str, int] = MappingProxyType({d.name: kind for kind, d in enumerate(_ALL)})
"""By which number compiled code knows an indicator. It is nowhere stored: another order changes nothing."""
