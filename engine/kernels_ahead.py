"""What the next symbols' trades will touch, fetched while this one's are worked on.

Ten thousand symbols do not fit into the cache, and each is left for the next after a few trades: to wait for memory
took a third of the time. Where something stands is itself to be fetched first, so it goes in steps.
"""

from __future__ import annotations

from engine.compiled import fetch, kernel
from engine.indicators.state import CLOSE, RING_FIELDS
from engine.kernels_candles import Floats, Ints
from engine.layout import (
    EN_SYMBOL,
    F_ROWS,
    FX_WORDS,
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
    QV_COLUMNS,
    S_REGULAR,
    S_WIDTH,
    SF_WIDTH,
    T_NEXT_CLOSE,
)

SYMBOLS, BLOCKS, LISTS, SLOTS, CLOSES = 6, 5, 4, 3, 2
"""How many symbols ahead what of one is fetched."""


@kernel
def fetch_ahead(
    ei: Ints, runs: Ints, r: int, until: int, si: Ints, sf: Floats, bf: Floats, bi: Ints, ring: Floats, links: Ints,
    ni: Ints, nf: Floats, closed: Floats, qv: Floats,
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
