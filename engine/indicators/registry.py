"""Every indicator, once. The grammar, the web form, the docs and the kernels all read this table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.indicators import atr, bbands, ema, macd, rsi, sma
from engine.indicators.definition import IndicatorDef

_ALL = (
    sma.DEFINITION,
    ema.DEFINITION,
    rsi.DEFINITION,
    macd.DEFINITION,
    bbands.DEFINITION,
    atr.DEFINITION,
)

INDICATORS: Mapping[str, IndicatorDef] = MappingProxyType({d.name: d for d in _ALL})
