"""True range, its average in percent of the close, and Keltner channels."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators import atr, ema, lookback
from engine.indicators.curves import LINE, NO_CURVE, REACH, set_unknown
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, HIGH, LOW, Curve, Now, Out, Past, Ring, State
from engine.ranges import NOT_NEGATIVE

COUNT, PREVIOUS = range(2)
CHANNEL = 2
"""Where the state of the channel's average true range begins, behind that of its moving average."""


def _first_channel(params: Params) -> int:
    return max(int(params[0]), int(params[2]) + 1)


def _stable_channel(params: Params) -> int:
    return math.ceil(max(params[0] + 3.45 * params[0], params[2] + 1 + 6.9 * params[2]))


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    h, low = now[HIGH], now[LOW]
    before = st[PREVIOUS]
    out[at] = float("nan") if st[COUNT] == 0.0 else max(h - low, max(abs(h - before), abs(low - before)))


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    st[PREVIOUS] = now[CLOSE]
    st[COUNT] += 1.0


@kernel
def fix(st: State, p: State, curve: Curve) -> None:
    if st[COUNT] == 0.0:
        set_unknown(curve)
        return
    curve[0] = st[PREVIOUS]
    curve[1] = 1.0
    curve[2] = 0.0


@kernel
def form_normalised(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    atr.form(st, p, now, ring, past, out, at)
    out[at] = out[at] / now[CLOSE] * 100.0


@kernel
def form_keltner(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    middle = ema.value(st, p[0], now[CLOSE])
    atr.form(st[CHANNEL:], p[2:], now, ring, past, out, at)
    reach = out[at] * p[1]
    if math.isnan(middle) or math.isnan(reach):
        out[at] = out[at + 1] = out[at + 2] = float("nan")
        return
    out[at] = middle + reach
    out[at + 1] = middle
    out[at + 2] = middle - reach


@kernel
def advance_keltner(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    ema.advance(st, p, now, ring, past)
    atr.advance(st[CHANNEL:], p[2:], now, ring, past)


DEFINITION = IndicatorDef(
    name="TR",
    params=(),
    outputs=(),
    first_value=lookback.two,
    stable=lookback.two,
    window=lookback.one,
    summary="True range: the candle, with its gap from the close before.",
    talib_name="TRANGE",
    ranges=(NOT_NEGATIVE,),
    curves=(REACH,),
    fix=fix,
    form=form,
    advance=advance,
)

NORMALISED = IndicatorDef(
    name="NATR",
    params=(Param("period", 14),),
    outputs=(),
    first_value=lookback.after_period,
    stable=lookback.wilder,
    window=lookback.one,
    summary="Average true range in percent of the close.",
    talib_name="NATR",
    ranges=(NOT_NEGATIVE,),
    form=form_normalised,
    advance=atr.advance,
)

KELTNER = IndicatorDef(
    name="KELTNER",
    params=(Param("period", 20), Param("width", 2, minimum=0.1, maximum=10, is_integer=False), Param("atr", 10)),
    outputs=("upper", "middle", "lower"),
    first_value=_first_channel,
    stable=_stable_channel,
    window=lookback.one,
    source=("EMA of the close, plus and minus a multiple of ATR, as TA-Lib EMA and ATR (C. Keltner, L. Raschke)"),
    summary="Keltner channel: exponential average of the close and some average true ranges around it.",
    curves=(NO_CURVE, LINE, NO_CURVE),
    form=form_keltner,
    advance=advance_keltner,
)
