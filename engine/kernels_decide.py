"""From an edge to a decision in compiled code: the gates of T9 and their memory, and what evidence needs.

A decision is captured as numbers when it is made; the Firing or Suppression is written from them when somebody
looks (`engine.decided`).
"""

from __future__ import annotations

import numpy as np

from engine.compiled import kernel
from engine.kernels_candles import Floats, Ints
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
    G_BLOCK,
    G_CANDLE,
    G_CLOSED,
    G_COMPLETED,
    G_FIRED,
    G_GAP,
    G_LANE,
    G_LAST_DECIDED,
    G_LEAF,
    G_LEAVES,
    G_POLICY,
    G_REARM,
    G_SESSION,
    G_SESSION_FIRED,
    G_STATE,
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
    MAY_REPAINT,
    N_STABLE,
    NF_STATE,
    O_CAL_N,
    O_CAL_OFF,
    P_CAP,
    P_COOLDOWN,
    P_FIRE,
    P_HAS_CONDITION,
    P_LANES,
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
    UNSET,
    V_LEFT,
    V_RESULT,
    V_UPPER,
    W_BEFORE_L,
    W_NOW_U,
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
def is_expired(gi: Ints, policies: Ints, t: int, decided: int) -> bool:
    """Return whether the trigger's life has ended (T10)."""
    p = gi[t, G_POLICY]
    most = policies[p, P_MAX_FIRINGS]
    return decided >= policies[p, P_VALID_UNTIL] or (most > 0 and gi[t, G_FIRED] >= most)


@kernel
def closed_gate(gi: Ints, policies: Ints, t: int, decided: int, candle: int, session: int) -> int:
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
        if gi[t, G_COMPLETED] != 0:
            return R_COMPLETED
        if policies[p, P_FIRE] == FIRE_ONCE_PER_CANDLE and gi[t, G_CANDLE] == candle:
            return R_ONCE_PER_CANDLE
        if policies[p, P_REARM] == REARM_MANUAL and gi[t, G_REARM] != UNSET:
            return R_REARM
        if policies[p, P_REARM] == REARM_NEXT_SESSION and gi[t, G_REARM] == session:
            return R_REARM
    wait = policies[p, P_COOLDOWN]
    if wait > 0 and gi[t, G_LAST_DECIDED] != UNSET and decided - gi[t, G_LAST_DECIDED] < wait:
        return R_COOLDOWN
    cap = policies[p, P_CAP]
    if cap > 0 and gi[t, G_SESSION] == session and gi[t, G_SESSION_FIRED] >= cap:
        return R_CAP
    return R_FIRES


@kernel
def remember_firing(gi: Ints, policies: Ints, t: int, decided: int, candle: int, session: int) -> None:
    """Write a Firing into the gates' memory."""
    gi[t, G_LAST_DECIDED] = decided
    gi[t, G_CANDLE] = candle
    gi[t, G_FIRED] += 1
    if gi[t, G_SESSION] != session:
        gi[t, G_SESSION] = session
        gi[t, G_SESSION_FIRED] = 0
    gi[t, G_SESSION_FIRED] += 1
    gi[t, G_REARM] = session
    p = gi[t, G_POLICY]
    if policies[p, P_FIRE] == FIRE_ONCE and policies[p, P_HAS_CONDITION] != 0:
        gi[t, G_COMPLETED] = 1


@kernel
def pass_gates(gi: Ints, bi: Ints, policies: Ints, sessions: Ints, t: int, decided: int) -> int:
    """Let a trigger fire, and remember it; or return the gate that is closed."""
    b = gi[t, G_BLOCK]
    candle = bi[b, I_START, gi[t, G_LANE]]
    session = session_at(bi, sessions, b, decided)
    reason = closed_gate(gi, policies, t, decided, candle, session)
    if reason == R_FIRES:
        remember_firing(gi, policies, t, decided, candle, session)
    return reason


@kernel
def _flags(bi: Ints, ni: Ints, nf: Floats, qi: Ints, vi: Ints, gi: Ints, policies: Ints, t: int) -> int:
    b = gi[t, G_BLOCK]
    is_closed = gi[t, G_CLOSED] != 0
    flags = 0
    first = gi[t, G_LEAF]
    for v in range(first, first + gi[t, G_LEAVES]):
        for side in range(V_LEFT, V_UPPER + 1):
            q = vi[v, side]
            if q >= 0 and qi[q, Q_KIND] == INDICATOR:
                i = qi[q, Q_INST]
                seen = nf[i, NF_STATE] + (0.0 if is_closed else 1.0)
                if seen < ni[i, N_STABLE]:
                    flags |= IS_PROVISIONAL
    lanes = policies[gi[t, G_POLICY], P_LANES]
    row = I_CLOSED_PARTIAL if is_closed else I_PARTIAL
    for lane in range(LANES):
        if lanes & (1 << lane) and bi[b, row, lane] != 0:
            flags |= IS_PARTIAL
    if gi[t, G_GAP] != 0:
        flags |= HAS_GAP
    if policies[gi[t, G_POLICY], P_REPAINTS] != 0:
        flags |= MAY_REPAINT
    return flags


@kernel
def capture(
    bf: Floats, bi: Ints, t: int, decided: int, reason: int, ni: Ints, nf: Floats, qi: Ints, vi: Ints, vf: Floats,
    gi: Ints, policies: Ints, cursor: Ints, di: Ints, df: Floats,
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
    di[d, D_STATE] = gi[t, G_STATE]
    di[d, D_FLAGS] = _flags(bi, ni, nf, qi, vi, gi, policies, t)
    di[d, D_VALUES] = n
    row = I_CLOSED_START if gi[t, G_CLOSED] != 0 else I_START
    for lane in range(LANES):
        di[d, D_STARTS + lane] = bi[b, row, lane]
    df[n + DF_PRICE] = bf[b, F_SCALARS, FS_PRICE]
    df[n + DF_TRADE_PRICE] = bf[b, F_SCALARS, FS_TRADE_PRICE]
    df[n + DF_TRADE_SIZE] = bf[b, F_SCALARS, FS_TRADE_SIZE]
    n += DF_LEAVES
    first = gi[t, G_LEAF]
    for v in range(first, first + gi[t, G_LEAVES]):
        for w in range(W_BEFORE_L, W_NOW_U + 1):
            df[n + w - W_BEFORE_L] = vf[v, w]
        df[n + DF_PER_LEAF - 1] = np.float64(vi[v, V_RESULT])
        n += DF_PER_LEAF
    cursor[C_DECISIONS] = d + 1
    cursor[C_NUMBERS] = n
