"""From an edge to a decision in compiled code: the gates of T9 and their memory, and what evidence needs.

A decision is captured as numbers when it is made; the Firing or Suppression is written from them when somebody
looks (`engine.decided`).
"""

from __future__ import annotations

import numpy as np

from engine.compiled import kernel
from engine.kernels_candles import Floats, Ints, Rows
from engine.layout import (
    C_DECISIONS,
    C_ENTRY,
    C_MARK,
    C_NUMBERS,
    D_AT,
    D_CODES,
    D_DECIDED,
    D_FLAGS,
    D_MARK,
    D_REASON,
    D_RECV,
    D_SEQ,
    D_STARTS,
    D_STATE,
    D_TRIGGER,
    D_TS,
    D_VALUES,
    DAY_MS,
    DF_LEAVES,
    DF_PER_LEAF,
    DF_PRICE,
    DF_TRADE_PRICE,
    DF_TRADE_SIZE,
    F_SCALARS,
    FIRE_ONCE,
    FIRE_ONCE_PER_CANDLE,
    FS_PRICE,
    FS_TRADE_PRICE,
    FS_TRADE_SIZE,
    G_BITS,
    G_BLOCK,
    G_CANDLE,
    G_FIRED,
    G_LEAF,
    G_POLICY,
    G_SESSION_FIRED,
    HAS_GAP,
    I_CLOSED_PARTIAL,
    I_CLOSED_START,
    I_LAST,
    I_OF,
    I_PARTIAL,
    I_START,
    INDICATOR,
    IS_PARTIAL,
    IS_PROVISIONAL,
    L_CODES,
    L_RECV,
    L_SEQ,
    L_TS,
    LANES,
    M_RIGHT,
    M_UPPER,
    MAY_REPAINT,
    MINUTE_MS,
    N_STABLE,
    NF_STATE,
    NO_MINUTE,
    O_CAL_N,
    O_CAL_OFF,
    P_CAP,
    P_CLOSED,
    P_COOLDOWN,
    P_FIRE,
    P_HAS_CONDITION,
    P_LANE,
    P_LANES,
    P_LEAVES,
    P_MAX_FIRINGS,
    P_REARM,
    P_REPAINTS,
    P_VALID_UNTIL,
    Q_INST,
    Q_KIND,
    R_CAP,
    R_COMPLETED,
    R_COOLDOWN,
    R_EXPIRED,
    R_FIRES,
    R_ONCE_PER_CANDLE,
    R_REARM,
    REARM_MANUAL,
    REARM_NEXT_SESSION,
    REARM_ON_FALSE,
    SH_MORE,
    SH_WIDTH,
    SIGN_FIRED,
    SIGN_GAP,
    STATE_BITS,
    UNSET,
    V_LEFT,
    V_NUMBERS,
    V_RESULT,
    V_SHAPE,
    W_BEFORE_L,
    W_BEFORE_R,
    W_BEFORE_U,
    W_BOUNDED,
    W_NOW_L,
    W_NOW_R,
    W_NOW_U,
    W_PLAIN,
)


@kernel
def session_at(bi: Ints, sessions: Ints, b: int, ts: int) -> int:
    """Return the open of the block's session at or before a time; of a 24/7 symbol its UTC midnight."""
    n = bi[b, I_OF, O_CAL_N]
    if n == 0:
        return ts // DAY_MS * DAY_MS
    off = bi[b, I_OF, O_CAL_OFF]
    first = off
    end = off + n
    while first < end:
        mid = (first + end) // 2
        if sessions[mid, 0] <= ts:
            first = mid + 1
        else:
            end = mid
    return sessions[first - 1, 0] if first > off else UNSET


@kernel
def is_expired(gi: Rows, policies: Ints, t: int, decided: int) -> bool:
    """Return whether the trigger's life has ended (T10)."""
    p = gi[t, G_POLICY]
    most = policies[p, P_MAX_FIRINGS]
    return decided >= policies[p, P_VALID_UNTIL] or (most > 0 and gi[t, G_FIRED] >= most)


@kernel
def is_completed(gi: Rows, policies: Ints, t: int) -> bool:
    """Return whether a trigger that fires once has done so (T6)."""
    p = gi[t, G_POLICY]
    return policies[p, P_FIRE] == FIRE_ONCE and policies[p, P_HAS_CONDITION] != 0 and gi[t, G_FIRED] > 0


@kernel
def _fired_session(gi: Rows, gt: Ints, bi: Ints, sessions: Ints, t: int) -> int:
    """Return the session, as `session_at` does, of the trigger's last Firing; UNSET where there is none."""
    return session_at(bi, sessions, gi[t, G_BLOCK], gt[t]) if gt[t] != UNSET else UNSET


@kernel
def _minute(ms: int) -> int:
    return ms // MINUTE_MS if ms != UNSET else NO_MINUTE


@kernel
def closed_gate(
    gi: Rows, gt: Ints, bi: Ints, policies: Ints, sessions: Ints, t: int, decided: int, candle: int, session: int
) -> int:
    """Return the first gate that is closed, R_FIRES when the trigger may fire.

    Args:
        decided: Decision time; gates count by it.
        candle: Start of the candle of the trigger's timeframe that holds the firing trade.
        session: Open of the session, or UTC midnight, at or before the decision.
    """
    p = gi[t, G_POLICY]
    if is_expired(gi, policies, t, decided):
        return R_EXPIRED
    if policies[p, P_HAS_CONDITION] != 0:
        if is_completed(gi, policies, t):
            return R_COMPLETED
        if policies[p, P_FIRE] == FIRE_ONCE_PER_CANDLE and gi[t, G_CANDLE] == _minute(candle):
            return R_ONCE_PER_CANDLE
        rearm = policies[p, P_REARM] if gi[t, G_BITS] & SIGN_FIRED else REARM_ON_FALSE
        if rearm == REARM_MANUAL:
            return R_REARM
        if rearm == REARM_NEXT_SESSION and _fired_session(gi, gt, bi, sessions, t) == session:
            return R_REARM
    wait = policies[p, P_COOLDOWN]
    if wait > 0 and gt[t] != UNSET and decided - gt[t] < wait:
        return R_COOLDOWN
    cap = policies[p, P_CAP]
    if cap > 0 and gi[t, G_SESSION_FIRED] >= cap and _fired_session(gi, gt, bi, sessions, t) == session:
        return R_CAP
    return R_FIRES


@kernel
def remember_firing(
    gi: Rows, gt: Ints, bi: Ints, sessions: Ints, t: int, decided: int, candle: int, session: int
) -> None:
    """Write a Firing into the gates' memory."""
    if _fired_session(gi, gt, bi, sessions, t) != session:
        gi[t, G_SESSION_FIRED] = 0
    gt[t] = decided
    gi[t, G_CANDLE] = _minute(candle)
    gi[t, G_FIRED] += 1
    gi[t, G_SESSION_FIRED] += 1
    gi[t, G_BITS] |= SIGN_FIRED


@kernel
def pass_gates(gi: Rows, gt: Ints, bi: Ints, policies: Ints, sessions: Ints, t: int, decided: int) -> int:
    """Let a trigger fire, and remember it; or return the gate that is closed."""
    b = gi[t, G_BLOCK]
    candle = bi[b, I_START, policies[gi[t, G_POLICY], P_LANE]]
    session = session_at(bi, sessions, b, decided)
    reason = closed_gate(gi, gt, bi, policies, sessions, t, decided, candle, session)
    if reason == R_FIRES:
        remember_firing(gi, gt, bi, sessions, t, decided, candle, session)
    return reason


@kernel
def _is_provisional(ni: Ints, nf: Floats, qi: Ints, q: int, is_closed: bool) -> bool:
    """Return whether a slot is an indicator that has seen too few candles to be called stable."""
    if q < 0 or qi[q, Q_KIND] != INDICATOR:
        return False
    i = qi[q, Q_INST]
    return nf[i, NF_STATE] + (0.0 if is_closed else 1.0) < ni[i, N_STABLE]


@kernel
def _flags(bi: Ints, ni: Ints, nf: Floats, qi: Ints, shapes: Ints, vi: Rows, gi: Rows, policies: Ints, t: int) -> int:
    b = gi[t, G_BLOCK]
    p = gi[t, G_POLICY]
    is_closed = policies[p, P_CLOSED] != 0
    flags = 0
    first = gi[t, G_LEAF]
    for v in range(first, first + policies[p, P_LEAVES]):
        if _is_provisional(ni, nf, qi, vi[v, V_LEFT], is_closed):
            flags |= IS_PROVISIONAL
        more = shapes[vi[v, V_SHAPE], SH_MORE]
        if more > 0:
            if _is_provisional(ni, nf, qi, vi[v + more, M_RIGHT], is_closed):
                flags |= IS_PROVISIONAL
            if _is_provisional(ni, nf, qi, vi[v + more, M_UPPER], is_closed):
                flags |= IS_PROVISIONAL
    lanes = policies[p, P_LANES]
    row = I_CLOSED_PARTIAL if is_closed else I_PARTIAL
    for lane in range(LANES):
        if lanes & (1 << lane) and bi[b, row, lane] != 0:
            flags |= IS_PARTIAL
    if gi[t, G_BITS] & SIGN_GAP:
        flags |= HAS_GAP
    if policies[p, P_REPAINTS] != 0:
        flags |= MAY_REPAINT
    return flags


@kernel
def capture(
    bf: Floats, bi: Ints, t: int, decided: int, reason: int, ni: Ints, nf: Floats, qi: Ints, shapes: Ints, vi: Rows,
    vf: Floats,
    gi: Rows, policies: Ints, cursor: Ints, di: Ints, df: Floats,
) -> None:  # fmt: skip
    """Write down a decision as the next row: there is room for it."""
    d = cursor[C_DECISIONS]
    n = cursor[C_NUMBERS]
    b = gi[t, G_BLOCK]
    di[d, D_TRIGGER] = t
    di[d, D_REASON] = reason
    di[d, D_DECIDED] = decided
    di[d, D_AT] = cursor[C_ENTRY]
    di[d, D_MARK] = cursor[C_MARK]
    di[d, D_TS] = bi[b, I_LAST, L_TS]
    di[d, D_RECV] = bi[b, I_LAST, L_RECV]
    di[d, D_SEQ] = bi[b, I_LAST, L_SEQ]
    di[d, D_CODES] = bi[b, I_LAST, L_CODES]
    di[d, D_STATE] = gi[t, G_BITS] & STATE_BITS
    di[d, D_FLAGS] = _flags(bi, ni, nf, qi, shapes, vi, gi, policies, t)
    di[d, D_VALUES] = n
    p = gi[t, G_POLICY]
    row = I_CLOSED_START if policies[p, P_CLOSED] != 0 else I_START
    for lane in range(LANES):
        di[d, D_STARTS + lane] = bi[b, row, lane]
    df[n + DF_PRICE] = bf[b, F_SCALARS, FS_PRICE]
    df[n + DF_TRADE_PRICE] = bf[b, F_SCALARS, FS_TRADE_PRICE]
    df[n + DF_TRADE_SIZE] = bf[b, F_SCALARS, FS_TRADE_SIZE]
    n += DF_LEAVES
    first = gi[t, G_LEAF]
    for v in range(first, first + policies[p, P_LEAVES]):
        at = vi[v, V_NUMBERS]
        width = shapes[vi[v, V_SHAPE], SH_WIDTH]
        df[n] = vf[at + W_BEFORE_L]
        df[n + 3] = vf[at + W_NOW_L]
        df[n + 1] = vf[at + W_BEFORE_R] if width > W_PLAIN else np.nan
        df[n + 4] = vf[at + W_NOW_R] if width > W_PLAIN else np.nan
        df[n + 2] = vf[at + W_BEFORE_U] if width == W_BOUNDED else np.nan
        df[n + 5] = vf[at + W_NOW_U] if width == W_BOUNDED else np.nan
        df[n + 6] = float(vi[v, V_RESULT])
        n += DF_PER_LEAF
    cursor[C_DECISIONS] = d + 1
    cursor[C_NUMBERS] = n
