"""Conditions in compiled code: watched values, leaves, three-valued expressions, edges."""

from __future__ import annotations

import numpy as np

from engine.compiled import kernel
from engine.indicators import dispatch
from engine.kernels_candles import (
    Floats,
    Ints,
    Rows,
    forming_candle,
    forming_high,
    forming_low,
    forming_open,
    forming_volume,
    forming_vwap,
)
from engine.kernels_decide import capture, pass_gates
from engine.kernels_lists import note_latch
from engine.layout import (
    BASELINE,
    BROKEN,
    C_EVENTS,
    CLOSE,
    CROSS_DOWN,
    CROSS_UP,
    DIFFERENCE,
    EDGE,
    F_CLOSE,
    F_SCALARS,
    FALLS,
    FALSE,
    FIELD,
    FS_PRICE,
    G_BITS,
    G_BLOCK,
    G_HOLD,
    G_LEAF,
    G_NEXT,
    G_POLICY,
    GE,
    GT,
    HIGH,
    HO_COUNT,
    HO_NEEDED,
    HO_PENDING,
    HOLD_COUNTED,
    I_CLOSED,
    I_CLOSED_PARTIAL,
    I_CSLOT_N,
    I_CSLOT_OFF,
    I_END,
    I_HEADS,
    I_LAST,
    I_LISTS,
    I_NUMBER,
    I_OPEN,
    I_PARTIAL,
    I_RING_CAP,
    I_RING_OFF,
    INDICATOR,
    INSIDE,
    K_INDICATORS,
    L_JUST_CLOSED,
    LANES,
    LIST_CLOSE,
    LK_INDEX,
    LK_INST,
    LK_KIND,
    LK_LANE,
    LK_WORDS,
    LOW,
    LT,
    M_LATCH,
    M_RIGHT,
    M_UPPER,
    N_HIST_CAP,
    N_HIST_OFF,
    N_OUT,
    N_STABLE,
    NF_PARAMS,
    NF_STATE,
    OPEN,
    OUTSIDE,
    P_HAS_HOLD,
    P_LEAVES,
    P_PROGRAM,
    P_PROGRAM_N,
    P_VALID_FROM,
    PENDING_COUNT,
    PRICE,
    PROGRAM_NOT,
    Q_INDEX,
    Q_INST,
    Q_KIND,
    Q_LANE,
    Q_STABLE,
    QV_BEFORE,
    QV_NOW,
    R_BASELINE,
    REFERENCE,
    RISES,
    SH_CANDLES,
    SH_CLOSED,
    SH_LANE,
    SH_MORE,
    SH_OP,
    SH_WIDTH,
    SH_WITHIN,
    SIGN_GAP,
    STATE_BITS,
    TRUE,
    UNKNOWN,
    V_LEFT,
    V_NUMBERS,
    V_RESULT,
    V_SHAPE,
    VOLUME,
    W_BEFORE_L,
    W_BEFORE_R,
    W_BEFORE_U,
    W_BOUNDED,
    W_HYSTERESIS,
    W_NOW_L,
    W_NOW_R,
    W_NOW_U,
    W_PLAIN,
    W_RIGHT,
    W_UPPER,
)


@kernel
def _reference(
    bi: Ints, b: int, q: int, candles: int, is_closed: bool, ring: Floats, ni: Ints, nf: Floats, qi: Ints
) -> float:
    """Return the slot's closed value `candles` candles before the current one, NaN where there is none."""
    lane = int(qi[q, Q_LANE])
    k = int(bi[b, I_CLOSED, lane]) - candles
    if is_closed and bi[b, I_CLOSED_PARTIAL, lane] == 0:
        k -= 1  # the current one; a partial one is not among them (T17)
    cap = int(bi[b, I_RING_CAP, lane])
    if k < 0 or k < bi[b, I_CLOSED, lane] - cap:
        return np.nan
    if qi[q, Q_KIND] != INDICATOR:
        index = CLOSE if qi[q, Q_KIND] == PRICE else int(qi[q, Q_INDEX])
        return ring[int(bi[b, I_RING_OFF, lane]) + index * cap + (k & (cap - 1))]
    i = int(qi[q, Q_INST])
    hist = int(ni[i, N_HIST_CAP])
    if hist == 0 or k < bi[b, I_CLOSED, lane] - hist:
        return np.nan
    if qi[q, Q_STABLE] != 0 and nf[i, NF_STATE] - (bi[b, I_CLOSED, lane] - 1 - k) < ni[i, N_STABLE]:
        return np.nan
    return ring[int(ni[i, N_HIST_OFF]) + int(qi[q, Q_INDEX] - ni[i, N_OUT]) * hist + (k & (hist - 1))]


@kernel
def form_values(
    bf: Floats, bi: Ints, b: int, links: Ints, first: int, ring: Floats, nf: Floats, forming: Floats
) -> None:
    """Bring the block's indicators that tick triggers read, and that are no curves, up to the trade just applied."""
    of_lane = -1
    now = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    past = (0, 0, 0, 0, 0)
    for j in range(first, first + LK_WORDS * bi[b, I_LISTS, K_INDICATORS], LK_WORDS):
        i = links[j + LK_INST]
        lane = links[j + LK_LANE]
        if lane != of_lane:  # those of a lane stand together and see the same candle
            of_lane = lane
            now = forming_candle(bf, bi, b, lane)
            past = (int(bi[b, I_RING_OFF, lane]), int(bi[b, I_RING_CAP, lane]), int(bi[b, I_CLOSED, lane]), 0, 0)
        dispatch.form(
            links[j + LK_KIND], nf[i, NF_STATE:NF_PARAMS], nf[i, NF_PARAMS:], now, ring, past, forming,
            links[j + LK_INDEX],
        )  # fmt: skip


@kernel
def slot_value(
    bf: Floats, bi: Ints, b: int, links: Ints, j: int, ring: Floats, ni: Ints, nf: Floats, forming: Floats, qi: Ints,
    qv: Floats,
) -> float:  # fmt: skip
    """Return the value that the slot at `links[j]` has after a trade; those it is made from have theirs."""
    kind = links[j + LK_KIND]
    lane = links[j + LK_LANE]
    index = links[j + LK_INDEX]
    if kind == INDICATOR:
        if bi[b, I_PARTIAL, lane] != 0:
            return np.nan
        i = links[j + LK_INST]
        if i >= 0 and nf[i, NF_STATE] + 1.0 < ni[i, N_STABLE]:
            return np.nan
        return float(forming[index])
    if kind == PRICE:
        return bf[b, F_SCALARS, FS_PRICE]
    if kind == FIELD:
        if index == CLOSE:
            return bf[b, F_CLOSE, 0]
        if bi[b, I_PARTIAL, lane] != 0:
            return np.nan
        if index == OPEN:
            return forming_open(bf, b, lane)
        if index == HIGH:
            return forming_high(bf, b, lane)
        if index == LOW:
            return forming_low(bf, b, lane)
        if index == VOLUME:
            return forming_volume(bf, b, lane)
        return forming_vwap(bf, b, lane)
    other = links[j + LK_INST]
    if kind == REFERENCE:
        return _reference(bi, b, other, index, False, ring, ni, nf, qi)
    if kind == DIFFERENCE:
        return float(qv[other, QV_NOW] - qv[index, QV_NOW])
    reference = qv[index, QV_NOW]
    return float(qv[other, QV_NOW] / reference) if reference > 0.0 else np.nan


@kernel
def closed_values(
    bi: Ints, b: int, lane: int, links: Ints, ni: Ints, nf: Floats, ring: Floats, closed: Floats, bf: Floats,
    qi: Ints, qv: Floats,
) -> None:  # fmt: skip
    """Set what close-judged triggers read of a lane from its candle just closed (T17: a partial one has
    only its close)."""
    first = bi[b, I_CSLOT_OFF, lane]
    partial = bi[b, I_CLOSED_PARTIAL, lane] != 0
    cap = bi[b, I_RING_CAP, lane]
    at = bi[b, I_RING_OFF, lane] + ((bi[b, I_CLOSED, lane] - 1) & (cap - 1))
    for j in range(first, first + bi[b, I_CSLOT_N, lane]):
        q = links[j]
        value = np.nan
        if qi[q, Q_KIND] == FIELD:
            index = qi[q, Q_INDEX]
            if not partial:
                value = ring[at + index * cap]
            elif index == CLOSE:
                value = bf[b, F_CLOSE, lane]
        elif not partial:
            i = qi[q, Q_INST]
            if qi[q, Q_STABLE] == 0 or nf[i, NF_STATE] >= ni[i, N_STABLE]:
                value = closed[qi[q, Q_INDEX]]
        qv[q, QV_NOW] = value


@kernel
def _by_pct(op: int, reference: float, pct: float) -> float:
    """Return the threshold of `rises_by_pct` or `falls_by_pct`, NaN without a positive reference."""
    if not reference > 0.0:
        return np.nan
    share = pct / 100.0
    return reference * (1.0 + share) if op == RISES else reference * (1.0 - share)


@kernel
def _remember(v: int, qv: Floats, shapes: Ints, vi: Rows, vf: Floats) -> None:
    """Make what was known at the evaluation before "before"; an UNKNOWN one leaves it as it was (T4).

    Close triggers are judged at every close, so it is what they saw last. A tick trigger is woken whenever one
    of its values becomes known or unknown: what it knew when it was judged last, it knew at the trade before.
    """
    at = vi[v, V_NUMBERS]
    shape = vi[v, V_SHAPE]
    width = shapes[shape, SH_WIDTH]
    if np.isnan(vf[at + W_NOW_L]) or (width > W_PLAIN and np.isnan(vf[at + W_NOW_R])):
        return
    if width == W_BOUNDED and np.isnan(vf[at + W_NOW_U]):
        return
    if shapes[shape, SH_CLOSED] != 0:
        vf[at + W_BEFORE_L] = vf[at + W_NOW_L]
        if width > W_PLAIN:
            vf[at + W_BEFORE_R] = vf[at + W_NOW_R]
        if width == W_BOUNDED:
            vf[at + W_BEFORE_U] = vf[at + W_NOW_U]
        return
    vf[at + W_BEFORE_L] = qv[vi[v, V_LEFT], QV_BEFORE]
    if width == W_PLAIN:
        return
    op = shapes[shape, SH_OP]
    more = v + shapes[shape, SH_MORE]
    right = vi[more, M_RIGHT]
    if op >= RISES:
        vf[at + W_BEFORE_R] = _by_pct(op, qv[right, QV_BEFORE], float(vf[at + W_RIGHT]))
    else:
        vf[at + W_BEFORE_R] = qv[right, QV_BEFORE] if right >= 0 else vf[at + W_RIGHT]
    if width == W_BOUNDED:
        upper = vi[more, M_UPPER]
        vf[at + W_BEFORE_U] = qv[upper, QV_BEFORE] if upper >= 0 else vf[at + W_UPPER]


@kernel
def _judge_leaf(
    bi: Ints, b: int, v: int, ring: Floats, ni: Ints, nf: Floats, qi: Ints, qv: Floats, shapes: Ints, vi: Rows,
    vf: Floats,
) -> int:  # fmt: skip
    """Return the leaf's value now and move its memory: previous values, latch."""
    shape = vi[v, V_SHAPE]
    op = shapes[shape, SH_OP]
    width = shapes[shape, SH_WIDTH]
    at = vi[v, V_NUMBERS]
    _remember(v, qv, shapes, vi, vf)
    more = v + shapes[shape, SH_MORE]
    left = qv[vi[v, V_LEFT], QV_NOW]
    if op >= RISES:
        if shapes[shape, SH_CLOSED] != 0:
            reference = _reference(bi, b, vi[v, V_LEFT], shapes[shape, SH_CANDLES], True, ring, ni, nf, qi)
        else:
            reference = float(qv[vi[more, M_RIGHT], QV_NOW])
        right = _by_pct(op, reference, float(vf[at + W_RIGHT]))
    elif width > W_PLAIN and vi[more, M_RIGHT] >= 0:
        right = qv[vi[more, M_RIGHT], QV_NOW]
    else:
        right = vf[at + W_RIGHT]
    vf[at + W_NOW_L] = left
    h = 0.0
    if width > W_PLAIN:
        vf[at + W_NOW_R] = right
        h = vf[at + W_HYSTERESIS]
    top = np.nan
    if width == W_BOUNDED:
        upper = vi[more, M_UPPER]
        top = qv[upper, QV_NOW] if upper >= 0 else vf[at + W_UPPER]
        vf[at + W_NOW_U] = top
    if np.isnan(left) or np.isnan(right):
        return UNKNOWN
    if op in (INSIDE, OUTSIDE):
        if np.isnan(top):
            return UNKNOWN
        within = left >= right and left <= top
        return TRUE if within == (op == INSIDE) else FALSE
    if op == RISES:
        return TRUE if left >= right else FALSE
    if op == FALLS:
        return TRUE if left <= right else FALSE
    if op in (CROSS_UP, CROSS_DOWN):
        lane = shapes[shape, SH_LANE]
        candle = bi[b, I_NUMBER, lane] + 1  # a latch of 0 is none, also before the first candle has closed
        if shapes[shape, SH_CLOSED] != 0 and bi[b, I_OPEN, lane] != 0:
            candle -= 1
        before = vf[at + W_BEFORE_L]
        against = vf[at + W_BEFORE_R] if width > W_PLAIN else right
        known = not (np.isnan(before) or np.isnan(against))
        latch = int(vi[more, M_LATCH])
        if op == CROSS_UP:
            undone = left <= right - h
            crossed = known and before <= against and left > right
        else:
            undone = left >= right + h
            crossed = known and before >= against and left < right
        if latch > 0 and (undone or candle - latch >= shapes[shape, SH_WITHIN]):
            latch = 0
        if crossed:
            latch = candle
        vi[more, M_LATCH] = latch
        if latch > 0 and shapes[shape, SH_CLOSED] == 0:
            note_latch(shapes, vi, bi, b, v)
        return TRUE if latch > 0 else FALSE
    if op == GT:
        holds = left > right
        back = left <= right - h
    elif op == GE:
        holds = left >= right
        back = left <= right - h
    elif op == LT:
        holds = left < right
        back = left >= right + h
    else:
        holds = left <= right
        back = left >= right + h
    if h > 0.0:
        if vi[more, M_LATCH] > 0:
            holds = not back
        vi[more, M_LATCH] = 1 if holds else 0
    return TRUE if holds else FALSE


@kernel
def _kleene(programs: Ints, off: int, n: int, vi: Rows, first: int) -> int:
    """Run a postfix program over the leaves' results (T3).

    The stack is two words of bits, TRUE and UNKNOWN, its top in bit 0: at most 64 leaves (T32), and a group
    is judged whole. Bits left above the stack by the signed shift are never looked at.
    """
    is_true = 0
    is_unknown = 0
    for j in range(off, off + n):
        word = programs[j]
        if word >= 0:
            result = vi[first + word, V_RESULT]
        elif word == PROGRAM_NOT:
            is_false = (is_true | is_unknown) & 1 == 0
            result = UNKNOWN if is_unknown & 1 else (TRUE if is_false else FALSE)
            is_true >>= 1
            is_unknown >>= 1
        else:
            count = (-word - 2) // 2
            mask = -1 if count >= 64 else (1 << count) - 1
            trues = is_true & mask
            unknowns = is_unknown & mask
            if (-word) % 2 == 0:
                result = FALSE if (trues | unknowns) != mask else (UNKNOWN if unknowns else TRUE)
            else:
                result = TRUE if trues else (UNKNOWN if unknowns else FALSE)
            is_true = 0 if count >= 64 else is_true >> count
            is_unknown = 0 if count >= 64 else is_unknown >> count
        is_true = (is_true << 1) | (1 if result == TRUE else 0)
        is_unknown = (is_unknown << 1) | (1 if result == UNKNOWN else 0)
    if is_unknown & 1:
        return UNKNOWN
    return TRUE if is_true & 1 else FALSE


@kernel
def judge(
    bf: Floats, bi: Ints, t: int, decided: int, sessions: Ints, ring: Floats, programs: Ints, ni: Ints, nf: Floats,
    qi: Ints, qv: Floats, shapes: Ints, vi: Rows, vf: Floats, gi: Rows, gt: Ints, holds: Ints, policies: Ints,
    cursor: Ints, events: Ints,
    di: Ints, df: Floats,
) -> None:  # fmt: skip
    """Evaluate one trigger (T1, T2, T7). A baseline and an edge are decided here; holds are Python's, by events."""
    policy = gi[t, G_POLICY]
    if decided < policies[policy, P_VALID_FROM]:
        return
    b = gi[t, G_BLOCK]
    first = gi[t, G_LEAF]
    for v in range(first, first + policies[policy, P_LEAVES]):
        vi[v, V_RESULT] = _judge_leaf(bi, b, v, ring, ni, nf, qi, qv, shapes, vi, vf)
    if policies[policy, P_PROGRAM_N] == 1:
        result = int(vi[first, V_RESULT])
    else:
        result = _kleene(programs, policies[policy, P_PROGRAM], policies[policy, P_PROGRAM_N], vi, first)
    before = gi[t, G_BITS] & STATE_BITS
    gi[t, G_BITS] = (gi[t, G_BITS] & ~STATE_BITS) | result
    hold = gi[t, G_HOLD] - 1
    what = -1
    if result == TRUE:
        if before == FALSE:
            what = EDGE
        elif before == UNKNOWN:
            what = BASELINE
        elif hold >= 0 and holds[hold, HO_PENDING] == PENDING_COUNT:
            holds[hold, HO_COUNT] += 1
            if holds[hold, HO_COUNT] >= holds[hold, HO_NEEDED]:
                what = HOLD_COUNTED
    elif hold >= 0:
        what = BROKEN
    if what == BASELINE or (what == EDGE and policies[policy, P_HAS_HOLD] == 0):
        reason = R_BASELINE if what == BASELINE else pass_gates(gi, gt, bi, policies, sessions, t, decided)
        capture(bf, bi, t, decided, reason, ni, nf, qi, shapes, vi, vf, gi, policies, cursor, di, df)
        gi[t, G_BITS] &= ~SIGN_GAP
    elif what >= 0:
        e = cursor[C_EVENTS]
        events[e, 0] = what
        events[e, 1] = t
        events[e, 2] = b
        events[e, 3] = decided
        cursor[C_EVENTS] = e + 1
    elif result != UNKNOWN:
        gi[t, G_BITS] &= ~SIGN_GAP  # with an event, Python clears it after writing the evidence


@kernel
def judge_closed(
    bf: Floats, bi: Ints, b: int, sessions: Ints, ring: Floats, links: Ints, programs: Ints, ni: Ints, nf: Floats,
    closed: Floats, qi: Ints, qv: Floats, shapes: Ints, vi: Rows, vf: Floats, gi: Rows, gt: Ints, holds: Ints,
    policies: Ints, cursor: Ints,
    events: Ints, di: Ints, df: Floats, is_unknown: bool,
) -> None:  # fmt: skip
    """Judge the triggers of every lane that has just closed, after all of them have (T5)."""
    lanes = bi[b, I_LAST, L_JUST_CLOSED]
    bi[b, I_LAST, L_JUST_CLOSED] = 0
    for lane in range(LANES):
        if lanes & (1 << lane):
            closed_values(bi, b, lane, links, ni, nf, ring, closed, bf, qi, qv)
    if is_unknown:
        return
    for lane in range(LANES):
        if lanes & (1 << lane):
            following = bi[b, I_HEADS, LIST_CLOSE - 1 + lane]
            while following > 0:
                t = following - 1
                following = int(gi[t, G_NEXT])
                judge(
                    bf, bi, t, bi[b, I_END, lane], sessions, ring, programs, ni, nf, qi, qv, shapes, vi, vf, gi, gt,
                    holds, policies,
                    cursor, events, di, df,
                )  # fmt: skip
