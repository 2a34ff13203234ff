"""Every indicator, once. The grammar, the web form, the docs and the kernels all read this table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.indicators import adx, atr, bbands, ema, macd, obv, roc, rsi, sma, stoch
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
)

INDICATORS: Mapping[str, IndicatorDef] = MappingProxyType({d.name: d for d in _ALL})
