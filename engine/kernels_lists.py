"""Lists of triggers and of crossed leaves in compiled code, linked through their rows: joined and left in O(1).

Links are row + 1, so that zeroed tables are empty lists. A first member's G_PREV is 0, a first leaf's M_LPREV -1
(0 says that it is in no list).
"""

from __future__ import annotations

import numpy as np

from engine.compiled import kernel
from engine.kernels_candles import Floats, Ints, Rows
from engine.layout import (
    CROSS_DOWN,
    CROSS_UP,
    G_BITS,
    G_BLOCK,
    G_LEAF,
    G_NEXT,
    G_POLICY,
    G_PREV,
    H_PAUSED,
    I_HEADS,
    I_LATCHED,
    I_LISTS,
    K_TICKS,
    KNOWN_BITS,
    LIST_ACTIVE,
    LIST_IDLE,
    LIST_PAUSED,
    LIST_SHIFT,
    M_LNEXT,
    M_LPREV,
    P_LEAVES,
    P_SURVIVES,
    SH_LANE,
    SH_MORE,
    SH_OP,
    SH_WIDTH,
    SIGN_GAP,
    STATE_BITS,
    UNKNOWN,
    V_NUMBERS,
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
def leave_list(gi: Rows, bi: Ints, t: int) -> None:
    """Take a trigger out of the list it is in, if any."""
    which = gi[t, G_BITS] >> LIST_SHIFT
    if which == 0:
        return
    b = gi[t, G_BLOCK]
    before = gi[t, G_PREV]
    after = gi[t, G_NEXT]
    if before > 0:
        gi[before - 1, G_NEXT] = after
    elif which == LIST_PAUSED:
        bi[b, I_LATCHED, H_PAUSED] = after
    else:
        bi[b, I_HEADS, which - 1] = after
    if after > 0:
        gi[after - 1, G_PREV] = before
    if which in (LIST_ACTIVE, LIST_IDLE):
        bi[b, I_LISTS, K_TICKS] -= 1
    gi[t, G_PREV] = gi[t, G_NEXT] = 0
    gi[t, G_BITS] &= KNOWN_BITS


@kernel
def join_list(gi: Rows, bi: Ints, t: int, which: int) -> None:
    """Put a trigger at the head of a list of its block, out of the one it was in."""
    if gi[t, G_BITS] >> LIST_SHIFT == which:
        return
    leave_list(gi, bi, t)
    b = gi[t, G_BLOCK]
    if which == LIST_PAUSED:
        first = bi[b, I_LATCHED, H_PAUSED]
        bi[b, I_LATCHED, H_PAUSED] = t + 1
    else:
        first = bi[b, I_HEADS, which - 1]
        bi[b, I_HEADS, which - 1] = t + 1
    if first > 0:
        gi[first - 1, G_PREV] = t + 1
    gi[t, G_NEXT] = first
    gi[t, G_BITS] |= which << LIST_SHIFT
    if which in (LIST_ACTIVE, LIST_IDLE):
        bi[b, I_LISTS, K_TICKS] += 1


@kernel
def more_of(shapes: Ints, vi: Rows, v: int) -> int:
    """Return the second row of a leaf that has one."""
    return v + shapes[vi[v, V_SHAPE], SH_MORE]


@kernel
def note_latch(shapes: Ints, vi: Rows, bi: Ints, b: int, v: int) -> None:
    """Remember a crossed leaf until its candle ends."""
    more = v + shapes[vi[v, V_SHAPE], SH_MORE]
    if vi[more, M_LPREV] != 0:
        return
    lane = shapes[vi[v, V_SHAPE], SH_LANE]
    first = bi[b, I_LATCHED, lane]
    if first > 0:
        vi[more_of(shapes, vi, first - 1), M_LPREV] = v + 1
    vi[more, M_LPREV] = -1
    vi[more, M_LNEXT] = first
    bi[b, I_LATCHED, lane] = v + 1


@kernel
def _forget_latch(shapes: Ints, vi: Rows, bi: Ints, b: int, v: int) -> None:
    more = more_of(shapes, vi, v)
    before = vi[more, M_LPREV]
    after = vi[more, M_LNEXT]
    if before == 0:
        return
    if before > 0:
        vi[more_of(shapes, vi, before - 1), M_LNEXT] = after
    else:
        bi[b, I_LATCHED, shapes[vi[v, V_SHAPE], SH_LANE]] = after
    if after > 0:
        vi[more_of(shapes, vi, after - 1), M_LPREV] = before
    vi[more, M_LPREV] = vi[more, M_LNEXT] = 0


@kernel
def _leave_all(gi: Rows, bi: Ints, policies: Ints, shapes: Ints, vi: Rows, t: int) -> None:
    """Take a trigger that goes, and its leaves, out of every list."""
    leave_list(gi, bi, t)
    first = gi[t, G_LEAF]
    for v in range(first, first + policies[gi[t, G_POLICY], P_LEAVES]):
        if shapes[vi[v, V_SHAPE], SH_OP] in (CROSS_UP, CROSS_DOWN):
            _forget_latch(shapes, vi, bi, gi[t, G_BLOCK], v)


@kernel
def join_lists(gi: Rows, bi: Ints, rows: Rows, which: int) -> None:
    """Put triggers at the head of the same list of their blocks."""
    for i in range(rows.shape[0]):
        join_list(gi, bi, rows[i], which)


@kernel
def leave_lists(gi: Rows, bi: Ints, policies: Ints, shapes: Ints, vi: Rows, rows: Rows) -> None:
    """Take triggers that go, and their leaves, out of every list."""
    for i in range(rows.shape[0]):
        _leave_all(gi, bi, policies, shapes, vi, rows[i])


@kernel
def _forget(gi: Rows, bi: Ints, policies: Ints, shapes: Ints, vi: Rows, vf: Floats, t: int) -> None:
    """Make the next evaluation a baseline: state and previous values are unknown again (T2)."""
    gi[t, G_BITS] = (gi[t, G_BITS] & ~(STATE_BITS | SIGN_GAP)) | UNKNOWN
    first = gi[t, G_LEAF]
    for v in range(first, first + policies[gi[t, G_POLICY], P_LEAVES]):
        at = vi[v, V_NUMBERS]
        width = shapes[vi[v, V_SHAPE], SH_WIDTH]
        vf[at + W_NOW_L] = vf[at + W_BEFORE_L] = np.nan
        if width > W_PLAIN:
            vf[at + W_NOW_R] = vf[at + W_BEFORE_R] = np.nan
        if width == W_BOUNDED:
            vf[at + W_NOW_U] = vf[at + W_BEFORE_U] = np.nan
    if gi[t, G_BITS] >> LIST_SHIFT == LIST_IDLE:
        join_list(gi, bi, t, LIST_ACTIVE)


@kernel
def forget_rows(gi: Rows, bi: Ints, policies: Ints, shapes: Ints, vi: Rows, vf: Floats, rows: Rows) -> None:
    """Let triggers forget what they knew; the next trade judges them."""
    for i in range(rows.shape[0]):
        _forget(gi, bi, policies, shapes, vi, vf, rows[i])


@kernel
def lose_block(gi: Rows, bi: Ints, policies: Ints, shapes: Ints, vi: Rows, vf: Floats, b: int) -> None:
    """Tell all triggers of a block that values were lost: they forget, or note the gap (T2)."""
    for place in range(LIST_IDLE + 1):  # the idle ones last: who leaves them joins a list that is done
        following = bi[b, I_LATCHED, H_PAUSED] if place == LIST_IDLE else bi[b, I_HEADS, place]
        while following > 0:
            t = following - 1
            following = int(gi[t, G_NEXT])
            if policies[gi[t, G_POLICY], P_SURVIVES] == 0:
                _forget(gi, bi, policies, shapes, vi, vf, t)
            else:
                gi[t, G_BITS] |= SIGN_GAP
                if gi[t, G_BITS] >> LIST_SHIFT == LIST_IDLE:
                    join_list(gi, bi, t, LIST_ACTIVE)
