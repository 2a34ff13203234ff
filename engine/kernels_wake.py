"""Tick triggers, sub-linear in their number: a trade wakes those whose thresholds a value has passed or touched.

Each slot has its thresholds sorted. From one evaluation to the next a leaf's result can change only when its
value passes or touches one of them, becomes known or unknown, or when the candle of its crossing ends. Waking is
on the safe side, judging is exact: one trigger too many is judged for nothing, none too few. A trigger that is
not woken would have come to the result it has.

What must be judged at every trade is in the block's active list: triggers before their first evaluation, before
`valid_from`, while a hold is pending.
"""

from __future__ import annotations

import numpy as np

from engine.compiled import kernel
from engine.kernels_candles import Floats, Ints, Rows
from engine.kernels_curves import fix_curves, follow_curves, set_value
from engine.kernels_lists import join_list, more_of
from engine.kernels_match import form_values, judge, slot_value
from engine.layout import (
    CK_WORDS,
    G_BITS,
    G_BLOCK,
    G_HOLD,
    G_NEXT,
    G_POLICY,
    G_WOKEN,
    I_HEADS,
    I_LATCHED,
    I_LISTS,
    I_NUMBER,
    I_SEEN,
    K_CURVES,
    K_INDICATORS,
    K_LINES,
    K_OFF,
    K_SLOTS,
    K_STALE,
    K_TICKS,
    LANES,
    LIST_ACTIVE,
    LIST_IDLE,
    LIST_SHIFT,
    LK_WORDS,
    M_LNEXT,
    M_LPREV,
    P_ALWAYS,
    P_VALID_FROM,
    Q_KIND,
    Q_N,
    Q_OFF,
    Q_PLACE,
    QV_BEFORE,
    QV_HIGH,
    QV_LOW,
    QV_NOW,
    RATIO,
    V_TRIGGER,
)

MOST_STEPS = 16
RATIO_SLACK = 1e-12
"""A quotient is rounded: its thresholds are passed a little early, relative to the value."""


@kernel
def judge_tick(
    bf: Floats, bi: Ints, b: int, decided: int, sessions: Ints, ring: Floats, links: Ints, programs: Ints, ni: Ints,
    nf: Floats, forming: Floats,
    qi: Ints, qv: Floats, shapes: Ints, vi: Rows, vf: Floats, gi: Rows, gt: Ints, holds: Ints, policies: Ints,
    wt: Floats, wv: Rows,
    cursor: Ints, events: Ints, di: Ints, df: Floats,
) -> None:  # fmt: skip
    """Judge the block's tick triggers after a trade was applied, each at most once (T5)."""
    if bi[b, I_LISTS, K_TICKS] == 0:
        return
    woken = 1
    following = bi[b, I_HEADS, LIST_ACTIVE - 1]
    while following > 0:
        t = following - 1
        following = gi[t, G_NEXT]
        gi[t, G_WOKEN] = woken
        woken = t + 2
    first = bi[b, I_LISTS, K_OFF]
    others = first + bi[b, I_LISTS, K_LINES] + bi[b, I_LISTS, K_CURVES]
    end = others + bi[b, I_LISTS, K_SLOTS]
    if bi[b, I_LISTS, K_STALE] != 0:
        woken = _wake_latched(bi, b, shapes, vi, gi, woken)
        fixed = end + CK_WORDS * bi[b, I_LISTS, K_CURVES]
        fixed += LK_WORDS * (bi[b, I_LISTS, K_INDICATORS] + bi[b, I_LISTS, K_SLOTS])
        fix_curves(bi, b, links, fixed, ring, nf, forming, qv)
    has_passed = follow_curves(bf, bi, b, links, first, end, qv)
    if others < end:
        j = end + CK_WORDS * bi[b, I_LISTS, K_CURVES]
        form_values(bf, bi, b, links, j, ring, nf, forming)
        j += LK_WORDS * bi[b, I_LISTS, K_INDICATORS]
        for n in range(others, end):
            value = slot_value(bf, bi, b, links, j, ring, ni, nf, forming, qi, qv)
            has_passed |= set_value(links[n], value, qv)
            j += LK_WORDS
    if has_passed:
        for j in range(first, end):
            q = links[j]
            if not qv[q, QV_LOW] < qv[q, QV_NOW] < qv[q, QV_HIGH]:
                woken = _wake_passed(b, q, qi, qv, vi, gi, wt, wv, woken)
    while woken > 1:
        t = woken - 2
        woken = int(gi[t, G_WOKEN])
        gi[t, G_WOKEN] = 0
        judge(
            bf, bi, t, decided, sessions, ring, programs, ni, nf, qi, qv, shapes, vi, vf, gi, gt, holds, policies,
            cursor, events,
            di, df,
        )  # fmt: skip
        if (
            gi[t, G_BITS] >> LIST_SHIFT == LIST_ACTIVE
            and gi[t, G_HOLD] == 0
            and decided >= policies[gi[t, G_POLICY], P_VALID_FROM]
            and policies[gi[t, G_POLICY], P_ALWAYS] == 0
        ):
            join_list(gi, bi, t, LIST_IDLE)


@kernel
def _wake(b: int, v: int, vi: Rows, gi: Rows, woken: int) -> int:
    """Put the leaf's trigger before the woken ones, unless it is among them; return the first (row + 2).

    The row of a leaf long gone may be another's by now, which wakes for nothing, or of another block.
    """
    t = int(vi[v, V_TRIGGER])
    if gi[t, G_WOKEN] == 0 and gi[t, G_BLOCK] == b and gi[t, G_BITS] >> LIST_SHIFT == LIST_IDLE:
        gi[t, G_WOKEN] = woken
        return t + 2
    return woken


@kernel
def _wake_latched(bi: Ints, b: int, shapes: Ints, vi: Rows, gi: Rows, woken: int) -> int:
    """Wake the crossed leaves of every lane whose candle has ended (T4); judged, they are noted anew."""
    for lane in range(LANES):
        if bi[b, I_SEEN, lane] == bi[b, I_NUMBER, lane]:
            continue
        bi[b, I_SEEN, lane] = bi[b, I_NUMBER, lane]
        following = bi[b, I_LATCHED, lane]
        bi[b, I_LATCHED, lane] = 0
        while following > 0:
            v = following - 1
            more = more_of(shapes, vi, v)
            following = vi[more, M_LNEXT]
            vi[more, M_LPREV] = vi[more, M_LNEXT] = 0
            woken = _wake(b, v, vi, gi, woken)
    return woken


@kernel
def _lower_bound(wt: Floats, first: int, end: int, value: float) -> int:
    """Return the first place whose threshold is not below the value."""
    while first < end:
        mid = (first + end) // 2
        if wt[mid] < value:
            first = mid + 1
        else:
            end = mid
    return first


@kernel
def _place_of(wt: Floats, first: int, end: int, hint: int, value: float) -> int:
    """Return `_lower_bound`, found by a few steps from the hint where that is near: prices move little by little."""
    at = min(first + hint, end)
    steps = 0
    while at > first and wt[at - 1] >= value and steps < MOST_STEPS:
        at -= 1
        steps += 1
    while at < end and wt[at] < value and steps < MOST_STEPS:
        at += 1
        steps += 1
    return at if steps < MOST_STEPS else _lower_bound(wt, first, end, value)


@kernel
def _wake_passed(b: int, q: int, qi: Ints, qv: Floats, vi: Rows, gi: Rows, wt: Floats, wv: Rows, woken: int) -> int:
    """Wake the triggers whose thresholds the slot passed or touched, all when it became known or unknown."""
    first = qi[q, Q_OFF]
    end = first + qi[q, Q_N]
    before = qv[q, QV_BEFORE]
    now = qv[q, QV_NOW]
    slack = RATIO_SLACK if qi[q, Q_KIND] == RATIO else 0.0
    low = min(before, now)
    high = max(before, now)
    if np.isnan(before) or np.isnan(now):
        at = first
        high = np.inf if np.isnan(before) != np.isnan(now) else -np.inf
    else:
        if slack > 0.0 and np.isfinite(low) and np.isfinite(high):
            low -= abs(low) * slack
            high += abs(high) * slack
        at = _place_of(wt, first, end, qi[q, Q_PLACE], low)
    while at < end and wt[at] <= high:
        woken = _wake(b, wv[at], vi, gi, woken)
        at += 1
    if np.isnan(now):
        qv[q, QV_LOW] = np.inf
        qv[q, QV_HIGH] = -np.inf
        return woken
    at = _place_of(wt, first, end, min(at, end) - first, now)
    qi[q, Q_PLACE] = at - first
    above = wt[at] if at < end else np.inf
    below = wt[at - 1] if at > first else -np.inf
    if above == now:
        below = now
    if slack > 0.0:
        if at < end:
            above -= abs(above) * slack
        if at > first:
            below += abs(below) * slack
    qv[q, QV_LOW] = below
    qv[q, QV_HIGH] = above
    return woken


@kernel
def insert_thresholds(qi: Ints, qv: Floats, wt: Floats, wv: Rows, slots: Ints, values: Floats, leaves: Ints) -> None:
    """Merge new thresholds into those of their slots, which have room for them.

    Args:
        slots, values, leaves: One new threshold each, by slot and rising within it, shape (n,).
    """
    n = len(slots)
    begin = 0
    while begin < n:
        q = slots[begin]
        end = begin
        while end < n and slots[end] == q:
            end += 1
        old = qi[q, Q_OFF] + qi[q, Q_N] - 1
        to = old + end - begin
        new = end - 1
        while new >= begin:
            if old >= qi[q, Q_OFF] and wt[old] > values[new]:
                wt[to] = wt[old]
                wv[to] = wv[old]
                old -= 1
            else:
                wt[to] = values[new]
                wv[to] = leaves[new]
                new -= 1
            to -= 1
        qi[q, Q_N] += end - begin
        qv[q, QV_LOW] = np.inf
        qv[q, QV_HIGH] = -np.inf
        begin = end
