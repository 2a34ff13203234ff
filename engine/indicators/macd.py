"""Moving average convergence divergence: fast EMA minus slow EMA, and the EMA of that (signal)."""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators.curves import LINE
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, Now, Out, Past, Ring, State

COUNT, FAST, SLOW, SIGNAL = range(4)


def _first(params: Params) -> int:
    return int(params[1] + params[2]) - 1


def _stable(params: Params) -> int:
    return math.ceil(_first(params) + 3.45 * (params[1] + params[2]))


def _no_window(params: Params) -> int:
    del params
    return 1


def _problem(params: Params) -> str:
    return "" if params[0] < params[1] else "the fast period must be below the slow one, as in MACD_12_26_9"


@kernel
def _step(st: State, fast: float, slow: float, signal: float, c: float) -> tuple[float, float, float]:
    """Return fast average, slow average and signal with `c` as candle number count + 1.

    TA-Lib seeds the fast average at the candle of the slow one, from the last `fast` closes: until then
    both slots hold sums. The signal's slot holds a sum until `signal` values of the line exist.
    """
    n = st[COUNT] + 1.0
    if n < slow:
        ef = st[FAST] + c if n > slow - fast else st[FAST]
        return ef, st[SLOW] + c, 0.0
    if n == slow:
        ef = (st[FAST] + c) / fast
        es = (st[SLOW] + c) / slow
    else:
        ef = (c - st[FAST]) * (2.0 / (fast + 1.0)) + st[FAST]
        es = (c - st[SLOW]) * (2.0 / (slow + 1.0)) + st[SLOW]
    line = ef - es
    lines = n - slow + 1.0
    if lines < signal:
        return ef, es, st[SIGNAL] + line
    if lines == signal:
        return ef, es, (st[SIGNAL] + line) / signal
    return ef, es, (line - st[SIGNAL]) * (2.0 / (signal + 1.0)) + st[SIGNAL]


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write line, signal, histogram; all three wait for the signal, as in TA-Lib."""
    fast, slow, signal = p[0], p[1], p[2]
    c = now[CLOSE]
    if st[COUNT] + 1.0 < slow + signal - 1.0:
        out[at] = out[at + 1] = out[at + 2] = float("nan")
        return
    ef, es, sig = _step(st, fast, slow, signal, c)
    out[at] = ef - es
    out[at + 1] = sig
    out[at + 2] = ef - es - sig


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    fast, slow, signal = p[0], p[1], p[2]
    c = now[CLOSE]
    ef, es, sig = _step(st, fast, slow, signal, c)
    st[FAST] = ef
    st[SLOW] = es
    st[SIGNAL] = sig
    st[COUNT] += 1.0


DEFINITION = IndicatorDef(
    name="MACD",
    params=(Param("fast", 12), Param("slow", 26), Param("signal", 9)),
    outputs=("line", "signal", "histogram"),
    first_value=_first,
    stable=_stable,
    window=_no_window,
    summary="Difference of two exponential averages, its signal line and their distance.",
    talib_name="MACD",
    signals=("bullish_crossover", "bearish_crossover"),
    sides=("line", "signal"),
    problem=_problem,
    curves=(LINE,),
    form=form,
    advance=advance,
)
