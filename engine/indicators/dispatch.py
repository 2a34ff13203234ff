"""From an indicator's kind to its kernel: one branch each, compiled into the hot loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.compiled import kernel
from engine.indicators import adx, atr, bbands, ema, macd, obv, roc, rsi, sma, stoch
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
    elif kind == 5:
        atr.advance(st, p[0], h, low, c)
    elif kind == 6:
        stoch.advance(st, p[0], p[1], p[2], ring, off, cap, k)
    elif kind == 7 or kind == 10 or kind == 11:
        adx.advance(st, p[0], h, low, c)
    elif kind == 8:
        obv.advance(st, c, ring[at + VOLUME * cap])
    elif kind == 9:
        roc.advance(st, p[0], ring, off, cap, k)
