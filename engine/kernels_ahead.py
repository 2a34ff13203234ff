"""What the next symbols' trades will touch, fetched while this one's are worked on.

Ten thousand symbols do not fit into the cache, and each is left for the next after a few trades: to wait for memory
took a third of the time. Where something stands is itself to be fetched first, so it goes in steps.
"""

from __future__ import annotations

from engine.compiled import fetch, kernel
from engine.indicators.state import CLOSE, RING_FIELDS
from engine.kernels_candles import Floats, Ints, Rows
from engine.layout import (
    EN_SYMBOL,
    F_ROWS,
    FX_WORDS,
    G_COLUMNS,
    I_CLOSED,
    I_HEADS,
    I_INST_N,
    I_INST_OFF,
    I_LAST,
    I_LISTS,
    I_OPEN,
    I_RING_CAP,
    I_RING_OFF,
    I_ROWS,
    I_TIME,
    I_TRADES,
    K_CURVES,
    K_FIXED,
    K_LINES,
    K_OFF,
    K_SLOTS,
    K_TICKS,
    N_COLUMNS,
    N_OUT,
    NF_COLUMNS,
    PADDED,
    Q_COLUMNS,
    Q_N,
    Q_OFF,
    Q_PLACE,
    QV_COLUMNS,
    S_REGULAR,
    S_WIDTH,
    SF_WIDTH,
    T_NEXT_CLOSE,
    V_COLUMNS,
    V_NUMBERS,
    V_TRIGGER,
)

SYMBOLS, BLOCKS, LISTS, SLOTS, THRESHOLDS, CLOSES, LEAVES, TRIGGERS = 8, 7, 6, 5, 4, 3, 3, 2
"""How many symbols ahead what of one is fetched."""
NEAREST = 2
"""How many triggers on either side of a value."""
FEW = 8
"""Fewer tick triggers of a symbol stay where they are found anyway."""


@kernel
def fetch_ahead(
    ei: Ints, runs: Ints, r: int, until: int, si: Ints, sf: Floats, bf: Floats, bi: Ints, ring: Floats, links: Ints,
    ni: Ints, nf: Floats, closed: Floats, qi: Ints, qv: Floats,
) -> None:  # fmt: skip
    """Fetch what the runs of entries after run `r` will touch of their symbols' regular sessions.

    Args:
        runs: Where each symbol's entries begin.
        until: No entry is later: who ends before will close its candle.
    """
    n = runs.shape[0]
    if r + SYMBOLS < n:
        s = ei[runs[r + SYMBOLS], EN_SYMBOL]
        fetch(si, s * S_WIDTH)
        fetch(si, s * S_WIDTH + PADDED)
        fetch(sf, s * SF_WIDTH)
    if r + BLOCKS < n:
        b = si[ei[runs[r + BLOCKS], EN_SYMBOL], S_REGULAR]
        if b >= 0:
            first = b * F_ROWS * PADDED
            for row in range(F_ROWS):
                fetch(bf, first + row * PADDED)
            first = b * I_ROWS * PADDED
            fetch(bi, first + I_TRADES * PADDED)
            fetch(bi, first + I_OPEN * PADDED)
            fetch(bi, first + I_TIME * PADDED)
            fetch(bi, first + I_LAST * PADDED)
            fetch(bi, first + I_LISTS * PADDED)
            fetch(bi, first + I_HEADS * PADDED)
    if r + LISTS < n:
        b = si[ei[runs[r + LISTS], EN_SYMBOL], S_REGULAR]
        if b >= 0:
            if bi[b, I_LISTS, K_TICKS] > 0:
                fetch(links, bi[b, I_LISTS, K_OFF])
                fetch(links, bi[b, I_LISTS, K_OFF] + PADDED)
            if bi[b, I_TIME, T_NEXT_CLOSE] <= until:
                first = b * I_ROWS * PADDED
                for row in range(I_ROWS):
                    fetch(bi, first + row * PADDED)
    if r + SLOTS < n:
        b = si[ei[runs[r + SLOTS], EN_SYMBOL], S_REGULAR]
        if b >= 0:
            if bi[b, I_LISTS, K_TICKS] > 0:
                first = bi[b, I_LISTS, K_OFF]
                slots = bi[b, I_LISTS, K_LINES] + bi[b, I_LISTS, K_CURVES] + bi[b, I_LISTS, K_SLOTS]
                for j in range(first, first + slots):
                    fetch(qv, links[j] * QV_COLUMNS)
                    fetch(qi, links[j] * Q_COLUMNS)
            if bi[b, I_TIME, T_NEXT_CLOSE] <= until:
                _fetch_minute(bi, b, ring, links)
    if r + CLOSES < n:
        b = si[ei[runs[r + CLOSES], EN_SYMBOL], S_REGULAR]
        if b >= 0 and bi[b, I_TIME, T_NEXT_CLOSE] <= until:
            first = bi[b, I_INST_OFF, 0]
            for j in range(first, first + bi[b, I_INST_N, 0]):
                fetch(ni, links[j] * N_COLUMNS)
                fetch(nf, links[j] * NF_COLUMNS)
                fetch(nf, (links[j] + 1) * NF_COLUMNS - 1)
            if bi[b, I_LISTS, K_FIXED] > 0:
                first = bi[b, I_LISTS, K_OFF] + 2 * PADDED
                for j in range(first, first + FX_WORDS * bi[b, I_LISTS, K_FIXED], PADDED):
                    fetch(links, j)
    if r + 1 < n:
        b = si[ei[runs[r + 1], EN_SYMBOL], S_REGULAR]
        if b >= 0 and bi[b, I_TIME, T_NEXT_CLOSE] <= until:
            first = bi[b, I_INST_OFF, 0]
            for j in range(first, first + bi[b, I_INST_N, 0]):
                fetch(closed, ni[links[j], N_OUT])


@kernel
def fetch_triggers(
    ei: Ints, runs: Ints, r: int, si: Ints, bi: Ints, links: Ints, qi: Ints, wt: Floats, wv: Rows, vi: Rows,
    vf: Floats, gi: Rows, gt: Ints,
) -> None:  # fmt: skip
    """Fetch the triggers that the next symbols' trades may wake: those whose thresholds lie nearest to a value."""
    n = runs.shape[0]
    if r + THRESHOLDS < n:
        q = _most_watched(si, bi, links, ei[runs[r + THRESHOLDS], EN_SYMBOL])
        if q >= 0:
            at = qi[q, Q_OFF] + qi[q, Q_PLACE]
            fetch(wt, at - 1)
            fetch(wt, at)
            fetch(wv, at - 1)
            fetch(wv, at)
    if r + LEAVES < n:
        q = _most_watched(si, bi, links, ei[runs[r + LEAVES], EN_SYMBOL])
        if q >= 0:
            at = qi[q, Q_PLACE]
            for j in range(max(0, at - NEAREST), min(qi[q, Q_N], at + NEAREST)):
                fetch(vi, int(wv[qi[q, Q_OFF] + j]) * V_COLUMNS)
    if r + TRIGGERS < n:
        q = _most_watched(si, bi, links, ei[runs[r + TRIGGERS], EN_SYMBOL])
        if q >= 0:
            at = qi[q, Q_PLACE]
            for j in range(max(0, at - NEAREST), min(qi[q, Q_N], at + NEAREST)):
                v = wv[qi[q, Q_OFF] + j]
                fetch(vf, int(vi[v, V_NUMBERS]))
                fetch(gi, int(vi[v, V_TRIGGER]) * G_COLUMNS)
                fetch(gt, int(vi[v, V_TRIGGER]))


@kernel
def _most_watched(si: Ints, bi: Ints, links: Ints, s: int) -> int:
    """Return the first slot of the symbol's regular session that has thresholds to be fetched, -1 without one."""
    b = si[s, S_REGULAR]
    if b < 0 or bi[b, I_LISTS, K_TICKS] < FEW:
        return -1
    slots = bi[b, I_LISTS, K_LINES] + bi[b, I_LISTS, K_CURVES] + bi[b, I_LISTS, K_SLOTS]
    return int(links[bi[b, I_LISTS, K_OFF]]) if slots > 0 else -1


@kernel
def _fetch_minute(bi: Ints, b: int, ring: Floats, links: Ints) -> None:
    """Fetch where a closed 1m candle goes, the newest closes before it, and which indicators take it."""
    fetch(links, bi[b, I_INST_OFF, 0])
    off = bi[b, I_RING_OFF, 0]
    cap = bi[b, I_RING_CAP, 0]
    k = bi[b, I_CLOSED, 0]
    for field in range(RING_FIELDS):
        fetch(ring, off + field * cap + (k & (cap - 1)))
    for back in range(PADDED, 7 * PADDED, PADDED):
        fetch(ring, off + CLOSE * cap + ((k - back) & (cap - 1)))
