"""True range, its average in percent of the close, and Keltner channels."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators import atr, ema, lookback
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import Out, State
from engine.ranges import NOT_NEGATIVE

COUNT, PREVIOUS = range(2)
CHANNEL = 2
"""Where the state of the channel's average true range begins, behind that of its moving average."""


def _first_channel(params: Params) -> int:
    return max(int(params[0]), int(params[2]) + 1)


def _stable_channel(params: Params) -> int:
    return math.ceil(max(params[0] + 3.45 * params[0], params[2] + 1 + 6.9 * params[2]))


DEFINITION = IndicatorDef(
    name="TR",
    kind=14,
    params=(),
    outputs=(),
    first_value=lookback.two,
    stable=lookback.two,
    window=lookback.one,
    summary="True range: the candle, with its gap from the close before.",
    talib_name="TRANGE",
    ranges=(NOT_NEGATIVE,),
)

NORMALISED = IndicatorDef(
    name="NATR",
    kind=15,
    params=(Param("period", 14),),
    outputs=(),
    first_value=lookback.after_period,
    stable=lookback.wilder,
    window=lookback.one,
    summary="Average true range in percent of the close.",
    talib_name="NATR",
    ranges=(NOT_NEGATIVE,),
)

KELTNER = IndicatorDef(
    name="KELTNER",
    kind=29,
    params=(Param("period", 20), Param("width", 2, minimum=0.1, maximum=10, is_integer=False), Param("atr", 10)),
    outputs=("upper", "middle", "lower"),
    first_value=_first_channel,
    stable=_stable_channel,
    window=lookback.one,
    source=("EMA of the close, plus and minus a multiple of ATR, as TA-Lib EMA and ATR (C. Keltner, L. Raschke)"),
    summary="Keltner channel: exponential average of the close and some average true ranges around it.",
)


@kernel
def form(st: State, h: float, low: float, out: Out, at: int) -> None:
    before = st[PREVIOUS]
    out[at] = float("nan") if st[COUNT] == 0.0 else max(h - low, max(abs(h - before), abs(low - before)))


@kernel
def advance(st: State, c: float) -> None:
    st[PREVIOUS] = c
    st[COUNT] += 1.0


@kernel
def form_normalised(st: State, p0: float, candle: tuple[float, float, float], out: Out, at: int) -> None:
    h, low, c = candle
    atr.form(st, p0, h, low, out, at)
    out[at] = out[at] / c * 100.0


@kernel
def form_keltner(
    st: State, params: tuple[float, float, float], candle: tuple[float, float, float], out: Out, at: int
) -> None:
    period, width, length = params
    h, low, c = candle
    middle = ema.value(st, period, c)
    atr.form(st[CHANNEL:], length, h, low, out, at)
    reach = out[at] * width
    if math.isnan(middle) or math.isnan(reach):
        out[at] = out[at + 1] = out[at + 2] = float("nan")
        return
    out[at] = middle + reach
    out[at + 1] = middle
    out[at + 2] = middle - reach


@kernel
def advance_keltner(st: State, params: tuple[float, float, float], candle: tuple[float, float, float]) -> None:
    h, low, c = candle
    ema.advance(st, params[0], c)
    atr.advance(st[CHANNEL:], params[2], h, low, c)
