"""Lists of triggers and of crossed leaves in compiled code, linked through their rows: joined and left in O(1).

Links are row + 1, so that zeroed tables are empty lists. A first member's G_PREV is 0, a first leaf's V_LPREV -1
(0 says that it is in no list).
"""

from __future__ import annotations

from engine.compiled import kernel
from engine.kernels_candles import Ints, Rows
from engine.layout import (
    CROSS_DOWN,
    CROSS_UP,
    G_BLOCK,
    G_LEAF,
    G_LIST,
    G_NEXT,
    G_POLICY,
    G_PREV,
    H_PAUSED,
    I_HEADS,
    I_LATCHED,
    I_LISTS,
    K_TICKS,
    LIST_ACTIVE,
    LIST_IDLE,
    LIST_PAUSED,
    P_LEAVES,
    SH_LANE,
    SH_OP,
    V_LNEXT,
    V_LPREV,
    V_SHAPE,
)


@kernel
def leave_list(gi: Rows, bi: Ints, t: int) -> None:
    """Take a trigger out of the list it is in, if any."""
    which = gi[t, G_LIST]
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
    gi[t, G_LIST] = gi[t, G_PREV] = gi[t, G_NEXT] = 0


@kernel
def join_list(gi: Rows, bi: Ints, t: int, which: int) -> None:
    """Put a trigger at the head of a list of its block, out of the one it was in."""
    if gi[t, G_LIST] == which:
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
    gi[t, G_LIST] = which
    if which in (LIST_ACTIVE, LIST_IDLE):
        bi[b, I_LISTS, K_TICKS] += 1


@kernel
def note_latch(shapes: Ints, vi: Rows, bi: Ints, b: int, v: int) -> None:
    """Remember a crossed leaf until its candle ends."""
    if vi[v, V_LPREV] != 0:
        return
    lane = shapes[vi[v, V_SHAPE], SH_LANE]
    first = bi[b, I_LATCHED, lane]
    if first > 0:
        vi[first - 1, V_LPREV] = v + 1
    vi[v, V_LPREV] = -1
    vi[v, V_LNEXT] = first
    bi[b, I_LATCHED, lane] = v + 1


@kernel
def _forget_latch(shapes: Ints, vi: Rows, bi: Ints, b: int, v: int) -> None:
    before = vi[v, V_LPREV]
    after = vi[v, V_LNEXT]
    if before == 0:
        return
    if before > 0:
        vi[before - 1, V_LNEXT] = after
    else:
        bi[b, I_LATCHED, shapes[vi[v, V_SHAPE], SH_LANE]] = after
    if after > 0:
        vi[after - 1, V_LPREV] = before
    vi[v, V_LPREV] = vi[v, V_LNEXT] = 0


@kernel
def leave_all(gi: Rows, bi: Ints, policies: Ints, shapes: Ints, vi: Rows, t: int) -> None:
    """Take a trigger that goes, and its leaves, out of every list."""
    leave_list(gi, bi, t)
    first = gi[t, G_LEAF]
    for v in range(first, first + policies[gi[t, G_POLICY], P_LEAVES]):
        if shapes[vi[v, V_SHAPE], SH_OP] in (CROSS_UP, CROSS_DOWN):
            _forget_latch(shapes, vi, bi, gi[t, G_BLOCK], v)
