"""The watched values that are curves in the forming close: their numbers once a candle, their values at every trade."""

from __future__ import annotations

import math

from engine.compiled import kernel, rare_kernel
from engine.indicators import curves, dispatch
from engine.indicators.state import CLOSE
from engine.kernels_candles import Floats, Ints, forming_high, forming_low
from engine.layout import (
    CK_CURVE,
    CK_LANE,
    CK_WORDS,
    F_CLOSE,
    FX_INST,
    FX_KIND_AT,
    FX_LANE_AT,
    FX_OUTPUT_AT,
    FX_ROW,
    FX_STABLE_AT,
    FX_WHAT,
    FX_WORDS,
    I_CLOSED,
    I_LISTS,
    I_PARTIAL,
    I_RING_CAP,
    I_RING_OFF,
    K_CURVES,
    K_FIXED,
    K_LINES,
    K_STALE,
    NF_PARAMS,
    NF_STATE,
    QV_BEFORE,
    QV_CURVE,
    QV_HIGH,
    QV_LOW,
    QV_NOW,
    SCRATCH,
)

BEYOND = SCRATCH // 2


@rare_kernel
def fix_curves(bi: Ints, b: int, links: Ints, at: int, ring: Floats, nf: Floats, scratch: Floats, qv: Floats) -> None:
    """Find the numbers of the block's curves of every timeframe whose candle has just begun.

    Args:
        at: Where what they are found from stands among the links.
    """
    lanes = bi[b, I_LISTS, K_STALE]
    bi[b, I_LISTS, K_STALE] = 0
    of_inst = -1
    for j in range(at, at + FX_WORDS * bi[b, I_LISTS, K_FIXED], FX_WORDS):
        what = links[j + FX_WHAT]
        lane = (what >> FX_LANE_AT) & 255
        if lanes & (1 << lane) == 0:
            continue
        i = links[j + FX_INST]
        state = nf[i, NF_STATE:NF_PARAMS]
        params = nf[i, NF_PARAMS:]
        curve = qv[links[j + FX_ROW], QV_CURVE:]
        if state[0] + 1.0 < what >> FX_STABLE_AT or bi[b, I_PARTIAL, lane] != 0:
            curves.set_unknown(curve)
        elif what & 255 != curves.LINE:
            dispatch.fix((what >> FX_KIND_AT) & 255, state, params, curve)
        else:
            off = int(bi[b, I_RING_OFF, lane])
            cap = int(bi[b, I_RING_CAP, lane])
            k = int(bi[b, I_CLOSED, lane])
            # From the last close, and not from the trade: whoever restores a snapshot comes to the same numbers.
            where = ring[off + CLOSE * cap + ((k - 1) & (cap - 1))] if k > 0 else 1.0
            if i != of_inst:
                of_inst = i
                past = (off, cap, k, 0, 0)
                for place, c in ((0, where), (BEYOND, 2.0 * where)):
                    now = (0.0, 0.0, 0.0, c, 0.0, 0.0, 0.0)
                    dispatch.form((what >> FX_KIND_AT) & 255, state, params, now, ring, past, scratch, place)
            output = (what >> FX_OUTPUT_AT) & 255
            value = scratch[output]
            curve[0] = (scratch[BEYOND + output] - value) / where
            curve[1] = where
            curve[2] = value


@kernel
def follow_curves(bf: Floats, bi: Ints, b: int, links: Ints, first: int, more: int, qv: Floats) -> bool:
    """Bring the block's curves, whose slots stand at `first`, up to the trade just applied.

    Args:
        more: Where what is needed of those that are no lines stands.

    Returns:
        Whether one of them has passed or touched a threshold, or has become known or unknown.
    """
    has_passed = False
    c = bf[b, F_CLOSE, 0]
    end = first + bi[b, I_LISTS, K_LINES]
    for j in range(first, end):
        q = int(links[j])
        has_passed |= set_value(q, curves.line(qv[q, QV_CURVE:], c), qv)
    of_lane = -1
    now = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for n in range(bi[b, I_LISTS, K_CURVES]):
        lane = links[more + CK_WORDS * n + CK_LANE]
        if lane != of_lane:
            of_lane = lane
            high, low = forming_high(bf, b, lane), forming_low(bf, b, lane)
            now = (0.0, high, low, c, 0.0, 0.0, 0.0)
        q = int(links[end + n])
        value = curves.value(links[more + CK_WORDS * n + CK_CURVE], qv[q, QV_CURVE:], now)
        has_passed |= set_value(q, value, qv)
    return has_passed


@kernel
def set_value(q: int, value: float, qv: Floats) -> bool:
    """Give a slot its value after a trade; return whether a threshold may lie between it and the one before."""
    before = qv[q, QV_NOW]
    qv[q, QV_BEFORE] = before
    qv[q, QV_NOW] = value
    is_still_unknown = math.isnan(value) and math.isnan(before)
    return not (qv[q, QV_LOW] < value < qv[q, QV_HIGH] or is_still_unknown)
