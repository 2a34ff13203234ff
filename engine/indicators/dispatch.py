"""From an indicator's kind to its kernel: one branch each, compiled into the hot loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.compiled import kernel
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
from engine.indicators.state import CLOSE, HIGH, LOW, VOLUME, Out, Ring, State

Numbers = NDArray[np.float64]


@kernel
def form(kind: int, st: State, p: Numbers, h: float, low: float, c: float, v: float, out: Out, at: int) -> None:
    """Write the value(s) the indicator would have if the candle (h, low, c, volume v) closed now."""
    if kind == 0:
        sma.form(st, p[0], c, out, at)
    elif kind == 1:
        ema.form(st, p[0], c, out, at)
    elif kind == 2:
        rsi.form(st, p[0], c, out, at)
    elif kind == 3:
        macd.form(st, p[0], p[1], p[2], c, out, at)
    elif kind == 4:
        bbands.form(st, p[0], p[1], c, out, at)
    elif kind == 5:
        atr.form(st, p[0], h, low, out, at)
    elif kind == 6:
        stoch.form(st, p[1], p[2], p[0] + p[1] + p[2] - 2.0, (h, low, c), out, at)
    elif kind == 7:
        adx.form(st, p[0], h, low, out, at)
    elif kind == 8:
        obv.form(st, c, v, out, at)
    elif kind == 9:
        roc.form(st, p[0], c, out, at)
    elif kind == 10 or kind == 11:
        adx.form_side(st, p[0], h, low, kind == 10, out, at)
    elif kind == 12:
        wma.form(st, p[0], c, out, at)
    elif kind == 13:
        roc.form_momentum(st, p[0], c, out, at)
    elif kind == 14:
        true_range.form(st, h, low, out, at)
    elif kind == 15:
        true_range.form_normalised(st, p[0], (h, low, c), out, at)
    elif kind == 16 or kind == 17:
        stddev.form(st, p[0], c, kind == 17, out, at)
    elif kind == 18:
        extremes.form_williams(st, p[0], (h, low, c), out, at)
    elif kind == 19:
        extremes.form_donchian(st, p[0], h, low, out, at)
    elif kind == 20:
        extremes.form_aroon(st, p[0], h, low, out, at)
    elif kind == 21 or kind == 22:
        ema_chain.form(st, p[0], c, kind == 22, out, at)
    elif kind == 23:
        money_flow.form_accumulation(st, (h, low, c), v, out, at)
    elif kind == 24:
        money_flow.form_chaikin(st, p[0], (h, low, c), v, out, at)
    elif kind == 25:
        money_flow.form_index(st, p[0], (h, low, c), v, out, at)
    elif kind == 26:
        kama.form(st, p[0], c, out, at)
    elif kind == 27:
        stddev.form_slope(st, p[0], c, out, at)
    elif kind == 28:
        money_flow.form_relative(st, p[0], v, out, at)
    elif kind == 29:
        true_range.form_keltner(st, (p[0], p[1], p[2]), (h, low, c), out, at)
    elif kind == 30:
        wma.form_hull(st, p[0], c, out, at)


@kernel
def advance(kind: int, st: State, p: Numbers, ring: Ring, off: int, cap: int, k: int) -> None:
    """Take candle k-1 of the ring, the newest or one being replayed, into the state."""
    at = off + ((k - 1) & (cap - 1))
    h = ring[at + HIGH * cap]
    low = ring[at + LOW * cap]
    c = ring[at + CLOSE * cap]
    if kind == 0:
        sma.advance(st, p[0], ring, off, cap, k)
    elif kind == 1:
        ema.advance(st, p[0], c)
    elif kind == 2:
        rsi.advance(st, p[0], c)
    elif kind == 3:
        macd.advance(st, p[0], p[1], p[2], c)
    elif kind == 4:
        bbands.advance(st, p[0], ring, off, cap, k)
    elif kind == 5 or kind == 15:
        atr.advance(st, p[0], h, low, c)
    elif kind == 6:
        stoch.advance(st, p[0], p[1], p[2], ring, off, cap, k)
    elif kind == 7 or kind == 10 or kind == 11:
        adx.advance(st, p[0], h, low, c)
    elif kind == 8:
        obv.advance(st, c, ring[at + VOLUME * cap])
    elif kind == 9 or kind == 13:
        roc.advance(st, p[0], ring, off, cap, k)
    elif kind == 12:
        wma.advance(st, p[0], ring, off, cap, k)
    elif kind == 14:
        true_range.advance(st, c)
    elif kind == 16 or kind == 17:
        stddev.advance(st, p[0], ring, off, cap, k)
    elif kind == 18 or kind == 19:
        extremes.advance(st, p[0], ring, off, cap, k)
    elif kind == 20:
        extremes.advance_aroon(st, p[0], ring, off, cap, k)
    elif kind == 21 or kind == 22:
        ema_chain.advance(st, p[0], c)
    elif kind == 23:
        money_flow.advance_accumulation(st, (h, low, c), ring[at + VOLUME * cap])
    elif kind == 24:
        money_flow.advance_chaikin(st, p[0], ring, off, cap, k)
    elif kind == 25:
        money_flow.advance_index(st, p[0], ring, off, cap, k)
    elif kind == 26:
        kama.advance(st, p[0], ring, off, cap, k)
    elif kind == 27:
        stddev.advance_slope(st, p[0], ring, off, cap, k)
    elif kind == 28:
        money_flow.advance_relative(st, p[0], ring, off, cap, k)
    elif kind == 29:
        true_range.advance_keltner(st, (p[0], p[1], p[2]), (h, low, c))
    elif kind == 30:
        wma.advance_hull(st, p[0], ring, off, cap, k)
