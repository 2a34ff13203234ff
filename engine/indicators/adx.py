"""Average directional index and the two directional indicators it is made of, Wilder's smoothing.

Formulas as in TA-Lib (ta_ADX.c, ta_PLUS_DI.c, ta_MINUS_DI.c): the sums start with period - 1 movements, then each
new one replaces 1/period of the sum; the index starts with the mean of the first `period` values.
"""

from __future__ import annotations

import math

from engine.compiled import kernel
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import CLOSE, HIGH, LOW, Now, Out, Past, Ring, State
from engine.ranges import PERCENT

COUNT, LAST_HIGH, LAST_LOW, LAST_CLOSE, PLUS, MINUS, RANGE, INDEX = range(8)
ZERO = 1e-14
"""What TA-Lib takes for zero."""


def _first(params: Params) -> int:
    return 2 * int(params[0])


def _stable(params: Params) -> int:
    return math.ceil(2 * params[0] + 2 * 6.9 * params[0])


def _first_side(params: Params) -> int:
    return int(params[0]) + 1


def _stable_side(params: Params) -> int:
    return math.ceil(params[0] + 1 + 6.9 * params[0])


def _no_window(params: Params) -> int:
    del params
    return 1


@kernel
def _moves(st: State, p0: float, h: float, low: float) -> tuple[float, float, float]:
    """Return the sums of upward and downward movement and of true range with this candle, count > 0."""
    up = h - st[LAST_HIGH]
    down = st[LAST_LOW] - low
    plus = up if up > 0.0 and up > down else 0.0
    minus = down if down > 0.0 and up < down else 0.0
    reach = max(h - low, max(abs(h - st[LAST_CLOSE]), abs(low - st[LAST_CLOSE])))
    if st[COUNT] < p0:
        return st[PLUS] + plus, st[MINUS] + minus, st[RANGE] + reach
    return (
        st[PLUS] - st[PLUS] / p0 + plus,
        st[MINUS] - st[MINUS] / p0 + minus,
        st[RANGE] - st[RANGE] / p0 + reach,
    )


@kernel
def _index(st: State, p0: float, plus: float, minus: float, reach: float) -> float:
    """Return the index (its sum while it is seeded) with these sums as the newest, count >= period."""
    n = st[COUNT]
    if reach < ZERO or plus + minus == 0.0:
        return st[INDEX] / p0 if n == 2.0 * p0 - 1.0 else st[INDEX]
    # As TA-Lib does it: shares of the range first, then their distance.
    a = 100.0 * (plus / reach)
    b = 100.0 * (minus / reach)
    strength = 100.0 * (abs(b - a) / (a + b))
    if n < 2.0 * p0 - 1.0:
        return st[INDEX] + strength
    if n == 2.0 * p0 - 1.0:
        return (st[INDEX] + strength) / p0
    return (st[INDEX] * (p0 - 1.0) + strength) / p0


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write the index; NaN while the smoothed true range is 0, where TA-Lib says 0 (T18)."""
    p0 = p[0]
    h, low = now[HIGH], now[LOW]
    if st[COUNT] + 1.0 < 2.0 * p0:
        out[at] = float("nan")
        return
    plus, minus, reach = _moves(st, p0, h, low)
    out[at] = _index(st, p0, plus, minus, reach) if reach > 0.0 else float("nan")


@kernel
def _side(st: State, p0: float, now: Now, is_plus: bool) -> float:
    """Return +DI or -DI; NaN while the smoothed true range is 0, where TA-Lib says 0."""
    if st[COUNT] < p0:
        return float("nan")
    plus, minus, reach = _moves(st, p0, now[HIGH], now[LOW])
    return 100.0 * ((plus if is_plus else minus) / reach) if reach > 0.0 else float("nan")


@kernel
def form_plus(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    out[at] = _side(st, p[0], now, True)


@kernel
def form_minus(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    out[at] = _side(st, p[0], now, False)


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    p0 = p[0]
    h, low, c = now[HIGH], now[LOW], now[CLOSE]
    if st[COUNT] > 0.0:
        plus, minus, reach = _moves(st, p0, h, low)
        if st[COUNT] >= p0:
            st[INDEX] = _index(st, p0, plus, minus, reach)
        st[PLUS] = plus
        st[MINUS] = minus
        st[RANGE] = reach
    st[LAST_HIGH] = h
    st[LAST_LOW] = low
    st[LAST_CLOSE] = c
    st[COUNT] += 1.0


DEFINITION = IndicatorDef(
    name="ADX",
    params=(Param("period", 14),),
    outputs=(),
    first_value=_first,
    stable=_stable,
    window=_no_window,
    deviation="unknown while its smoothed true range is 0, where TA-Lib says 0",
    summary="Average directional index, 0 to 100: how strong the trend is, whichever its direction.",
    talib_name="ADX",
    ranges=(PERCENT,),
    form=form,
    advance=advance,
)

PLUS_DI = IndicatorDef(
    name="PLUSDI",
    params=(Param("period", 14),),
    outputs=(),
    first_value=_first_side,
    stable=_stable_side,
    window=_no_window,
    deviation="unknown while its smoothed true range is 0, where TA-Lib says 0",
    summary="Positive directional indicator (+DI), 0 to 100: the share of upward movement in the true range.",
    talib_name="PLUS_DI",
    ranges=(PERCENT,),
    form=form_plus,
    advance=advance,
)

MINUS_DI = IndicatorDef(
    name="MINUSDI",
    params=(Param("period", 14),),
    outputs=(),
    first_value=_first_side,
    stable=_stable_side,
    window=_no_window,
    deviation="unknown while its smoothed true range is 0, where TA-Lib says 0",
    summary="Negative directional indicator (-DI), 0 to 100: the share of downward movement in the true range.",
    talib_name="MINUS_DI",
    ranges=(PERCENT,),
    form=form_minus,
    advance=advance,
)
