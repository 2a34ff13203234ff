"""Candles in compiled code: a trade goes into the forming 1m candle, ends close, higher ones are roll-ups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.compiled import kernel, rare_kernel
from engine.indicators import dispatch
from engine.indicators.state import STARTED, TRADES, Now
from engine.indicators.state import VOLUME as R_VOLUME
from engine.indicators.state import VWAP as R_VWAP
from engine.layout import (
    C_CANDLES,
    C_ENTRY,
    C_MARK,
    C_VALUES,
    DAY_MS,
    F_CLOSE,
    F_HIGH,
    F_LOW,
    F_OPEN,
    F_SCALARS,
    F_VALUE,
    F_VOLUME,
    FS_PRICE,
    FS_TRADE_PRICE,
    FS_TRADE_SIZE,
    HOUR4_MS,
    I_CLOSED,
    I_CLOSED_PARTIAL,
    I_CLOSED_START,
    I_END,
    I_INST_N,
    I_INST_OFF,
    I_LAST,
    I_LISTS,
    I_NUMBER,
    I_OF,
    I_OPEN,
    I_PARTIAL,
    I_RING_CAP,
    I_RING_OFF,
    I_START,
    I_TIME,
    I_TRADES,
    K_STALE,
    L_CODES,
    L_COVER_FROM,
    L_FIRST_TS,
    L_JUST_CLOSED,
    L_RECV,
    L_SEQ,
    L_TS,
    LANES,
    MINUTE_MS,
    N_HIST_CAP,
    N_HIST_OFF,
    N_KIND,
    N_OUT,
    N_WIDTH,
    NEVER,
    NF_PARAMS,
    NF_STATE,
    O_CAL_N,
    O_CAL_OFF,
    PARTIAL_CLOSE,
    T_CLOSE_TS,
    T_MINUTE,
    T_NEXT_CLOSE,
    T_OPEN_TS,
    T_SESSION_CLOSE,
    T_SESSION_OPEN,
    X_AT,
    X_BLOCK,
    X_END,
    X_LANE,
    X_MARK,
    X_PARTIAL,
    X_START,
    X_TRADES,
    X_VALUES,
    Y_CLOSE,
    Y_HIGH,
    Y_LOW,
    Y_OPEN,
    Y_VOLUME,
    Y_VWAP,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = NDArray[np.int32]
"""Tables of which there are many rows: triggers, leaves, thresholds."""

LENGTHS = np.array([60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000, 0, 0], np.int64)


@kernel
def in_session(bi: Ints, b: int, ts: int, sessions: Ints) -> bool:
    """Return whether `ts` is in the block's session, and keep that session's bounds in the block."""
    if bi[b, I_TIME, T_SESSION_OPEN] <= ts < bi[b, I_TIME, T_SESSION_CLOSE]:
        return True
    n = bi[b, I_OF, O_CAL_N]
    if n == 0:
        day = ts - ts % DAY_MS
        bi[b, I_TIME, T_SESSION_OPEN] = day
        bi[b, I_TIME, T_SESSION_CLOSE] = day + DAY_MS
        return True
    first = bi[b, I_OF, O_CAL_OFF]
    lo = first
    hi = first + n
    while lo < hi:  # first session whose close is after ts
        mid = (lo + hi) // 2
        if sessions[mid, 1] <= ts:
            lo = mid + 1
        else:
            hi = mid
    if lo < first + n and sessions[lo, 0] <= ts:
        bi[b, I_TIME, T_SESSION_OPEN] = sessions[lo, 0]
        bi[b, I_TIME, T_SESSION_CLOSE] = sessions[lo, 1]
        return True
    return False


@kernel
def forming_high(bf: Floats, b: int, lane: int) -> float:
    """Return the forming candle's high; open and close are in it even where the trade set no high (T15)."""
    h = max(bf[b, F_HIGH, 0], max(bf[b, F_OPEN, 0], bf[b, F_CLOSE, 0]))
    return h if lane == 0 else max(h, bf[b, F_HIGH, lane])


@kernel
def forming_low(bf: Floats, b: int, lane: int) -> float:
    low = min(bf[b, F_LOW, 0], min(bf[b, F_OPEN, 0], bf[b, F_CLOSE, 0]))
    return low if lane == 0 else min(low, bf[b, F_LOW, lane])


@kernel
def forming_open(bf: Floats, b: int, lane: int) -> float:
    if lane == 0 or np.isnan(bf[b, F_OPEN, lane]):
        return bf[b, F_OPEN, 0]
    return bf[b, F_OPEN, lane]


@kernel
def forming_volume(bf: Floats, b: int, lane: int) -> float:
    return bf[b, F_VOLUME, 0] if lane == 0 else bf[b, F_VOLUME, lane] + bf[b, F_VOLUME, 0]


@kernel
def forming_vwap(bf: Floats, b: int, lane: int) -> float:
    value = bf[b, F_VALUE, 0] if lane == 0 else bf[b, F_VALUE, lane] + bf[b, F_VALUE, 0]
    return clamped_vwap(value, forming_volume(bf, b, lane), forming_low(bf, b, lane), forming_high(bf, b, lane))


@kernel
def forming_candle(bf: Floats, bi: Ints, b: int, lane: int) -> Now:
    """Return the lane's candle as it stands after the trade just applied."""
    v = forming_volume(bf, b, lane)
    value = forming_vwap(bf, b, lane) * v if v > 0.0 else 0.0
    return (
        forming_open(bf, b, lane), forming_high(bf, b, lane), forming_low(bf, b, lane), bf[b, F_CLOSE, 0], v, value,
        float(bi[b, I_START, lane]),
    )  # fmt: skip


@kernel
def clamped_vwap(value: float, volume: float, low: float, high: float) -> float:
    """Return value/volume within [low, high] (T19), NaN without volume."""
    if volume <= 0.0:
        return float("nan")
    return min(max(value / volume, low), high)


@kernel
def _reset_minute(bf: Floats, bi: Ints, b: int, minute: int) -> None:
    bf[b, F_OPEN, 0] = bf[b, F_CLOSE, 0] = np.nan
    bf[b, F_HIGH, 0] = -np.inf
    bf[b, F_LOW, 0] = np.inf
    bf[b, F_VOLUME, 0] = bf[b, F_VALUE, 0] = 0.0
    bi[b, I_TRADES, 0] = 0
    bi[b, I_TIME, T_OPEN_TS] = NEVER
    bi[b, I_TIME, T_CLOSE_TS] = -NEVER
    bi[b, I_TIME, T_MINUTE] = minute


@kernel
def _merge(
    bf: Floats, bi: Ints, b: int, lane: int, o: float, h: float, low: float, c: float, v: float, pv: float, n: int
) -> None:
    """Add one closed 1m candle, later than those before, to the base of a higher one."""
    if np.isnan(bf[b, F_OPEN, lane]):
        bf[b, F_OPEN, lane] = o
    bf[b, F_HIGH, lane] = max(bf[b, F_HIGH, lane], h)
    bf[b, F_LOW, lane] = min(bf[b, F_LOW, lane], low)
    bf[b, F_CLOSE, lane] = c
    bf[b, F_VOLUME, lane] += v
    bf[b, F_VALUE, lane] += pv
    bi[b, I_TRADES, lane] += n


@kernel
def _begin(bf: Floats, bi: Ints, b: int, lane: int, minute: int, ring: Floats) -> None:
    """Open the lane's candle that holds `minute`; 1m candles of history inside it become its base."""
    session_open = bi[b, I_TIME, T_SESSION_OPEN]
    if lane == 5:
        start = session_open
    elif lane == 4:
        start = session_open + (minute - session_open) // HOUR4_MS * HOUR4_MS
    else:
        start = minute - minute % LENGTHS[lane]
    end = bi[b, I_TIME, T_SESSION_CLOSE]
    if lane != 5:
        end = min(end, start + LENGTHS[lane])
    bi[b, I_START, lane] = start
    bi[b, I_END, lane] = end
    bi[b, I_OPEN, lane] = 1
    bi[b, I_LISTS, K_STALE] |= 1 << lane
    bi[b, I_NUMBER, lane] += 1
    traded_from = max(start, session_open)
    if lane == 0:
        bi[b, I_PARTIAL, 0] = traded_from < bi[b, I_LAST, L_FIRST_TS]
        return
    bi[b, I_PARTIAL, lane] = traded_from < bi[b, I_LAST, L_COVER_FROM]
    bf[b, F_OPEN, lane] = bf[b, F_CLOSE, lane] = np.nan
    bf[b, F_HIGH, lane] = -np.inf
    bf[b, F_LOW, lane] = np.inf
    bf[b, F_VOLUME, lane] = bf[b, F_VALUE, lane] = 0.0
    bi[b, I_TRADES, lane] = 0
    off = int(bi[b, I_RING_OFF, 0])
    cap = int(bi[b, I_RING_CAP, 0])
    newest = int(bi[b, I_CLOSED, 0])
    first = newest
    oldest = max(0, newest - cap)
    while first > oldest and ring[off + STARTED * cap + ((first - 1) & (cap - 1))] >= traded_from:
        first -= 1
    if first == oldest and newest > cap:
        bi[b, I_PARTIAL, lane] = 1  # what began it has left the ring
    for k in range(first, newest):
        at = off + (k & (cap - 1))
        v = ring[at + R_VOLUME * cap]
        w = ring[at + R_VWAP * cap]
        pv = 0.0 if np.isnan(w) else w * v
        _merge(
            bf, bi, b, lane, ring[at], ring[at + cap], ring[at + 2 * cap], ring[at + 3 * cap], v, pv,
            int(ring[at + TRADES * cap]),
        )  # fmt: skip


@kernel
def apply_trade(
    bf: Floats, bi: Ints, b: int, ts: int, recv: int, price: float, size: float, flags: int, codes: int,
    seq: int,
    ring: Floats,
) -> bool:  # fmt: skip
    """Put a trade that is neither late nor outside the session into the forming candles.

    Returns:
        Whether there is a forming candle: a minute without a price-setting trade has none (T17).
    """
    minute = ts - ts % MINUTE_MS
    if bi[b, I_TIME, T_MINUTE] != minute:
        _reset_minute(bf, bi, b, minute)
    bi[b, I_TRADES, 0] += 1
    if flags & 4:
        bf[b, F_VOLUME, 0] += size
        bf[b, F_VALUE, 0] += price * size
    if flags & 2:
        bf[b, F_HIGH, 0] = max(bf[b, F_HIGH, 0], price)
        bf[b, F_LOW, 0] = min(bf[b, F_LOW, 0], price)
    if flags & 1:
        if bi[b, I_OPEN, 0] == 0:
            for lane in range(LANES):
                if bi[b, I_OPEN, lane] == 0:
                    _begin(bf, bi, b, lane, minute, ring)
            bi[b, I_TIME, T_NEXT_CLOSE] = bi[b, I_END, 0]
        if ts < bi[b, I_TIME, T_OPEN_TS]:
            bf[b, F_OPEN, 0] = price
            bi[b, I_TIME, T_OPEN_TS] = ts
        if ts >= bi[b, I_TIME, T_CLOSE_TS]:
            bf[b, F_CLOSE, 0] = price
            bf[b, F_SCALARS, FS_PRICE] = price
            bi[b, I_TIME, T_CLOSE_TS] = ts
    if bi[b, I_OPEN, 0] == 0:
        return False
    bi[b, I_LAST, L_TS] = ts
    bi[b, I_LAST, L_RECV] = recv
    bi[b, I_LAST, L_SEQ] = seq
    bi[b, I_LAST, L_CODES] = codes
    bf[b, F_SCALARS, FS_TRADE_PRICE] = price
    bf[b, F_SCALARS, FS_TRADE_SIZE] = size
    return True


@kernel
def push_ring(
    ring: Floats, off: int, cap: int, k: int, o: float, h: float, low: float, c: float, v: float, w: float,
    start: int, n: int,
) -> None:  # fmt: skip
    at = off + (k & (cap - 1))
    ring[at] = o
    ring[at + cap] = h
    ring[at + 2 * cap] = low
    ring[at + 3 * cap] = c
    ring[at + 4 * cap] = v
    ring[at + 5 * cap] = w
    ring[at + 6 * cap] = float(start)
    ring[at + 7 * cap] = float(n)


@kernel
def closed_candle(ring: Floats, at: int, cap: int) -> Now:
    """Return the candle that stands at a place of the ring."""
    v = ring[at + 4 * cap]
    w = ring[at + 5 * cap]
    value = w * v if v > 0.0 else 0.0
    return ring[at], ring[at + cap], ring[at + 2 * cap], ring[at + 3 * cap], v, value, ring[at + 6 * cap]


@rare_kernel
def advance_indicator(ni: Ints, nf: Floats, closed: Floats, ring: Floats, i: int, off: int, cap: int, k: int) -> None:
    """Give an indicator candle k-1 of its ring: first its closed value, then its state."""
    at = off + ((k - 1) & (cap - 1))
    state = nf[i, NF_STATE:NF_PARAMS]
    params = nf[i, NF_PARAMS:]
    out = ni[i, N_OUT]
    now = closed_candle(ring, at, cap)
    kept = int(ni[i, N_HIST_OFF])
    hist = int(ni[i, N_HIST_CAP])
    dispatch.form(ni[i, N_KIND], state, params, now, ring, (off, cap, k - 1, kept, hist), closed, out)
    if hist > 0:
        for j in range(ni[i, N_WIDTH]):
            ring[kept + j * hist + ((k - 1) & (hist - 1))] = closed[out + j]
    dispatch.advance(ni[i, N_KIND], state, params, now, ring, (off, cap, k, kept, hist))


@kernel
def _close_lane(
    bf: Floats, bi: Ints, b: int, lane: int, ring: Floats, links: Ints, ni: Ints, nf: Floats, closed: Floats,
    cursor: Ints, xi: Ints, xf: Floats, xv: Floats,
) -> None:  # fmt: skip
    """Close one lane's candle: into the ring and its indicators (unless partial), and into the output."""
    if lane == 0:
        o = bf[b, F_OPEN, 0]
        h = forming_high(bf, b, 0)
        low = forming_low(bf, b, 0)
    else:
        o = bf[b, F_OPEN, lane]
        h = bf[b, F_HIGH, lane]
        low = bf[b, F_LOW, lane]
    c = bf[b, F_CLOSE, lane]
    v = bf[b, F_VOLUME, lane]
    pv = bf[b, F_VALUE, lane]
    n = bi[b, I_TRADES, lane]
    w = clamped_vwap(pv, v, low, h)
    start = bi[b, I_START, lane]
    partial = bi[b, I_PARTIAL, lane]
    if lane == 0:
        for higher in range(1, LANES):
            _merge(bf, bi, b, higher, o, h, low, c, v, pv, n)
    bi[b, I_OPEN, lane] = 0
    bi[b, I_CLOSED_START, lane] = start
    bi[b, I_CLOSED_PARTIAL, lane] = partial
    bi[b, I_LAST, L_JUST_CLOSED] |= 1 << lane
    values = cursor[C_VALUES]
    first = bi[b, I_INST_OFF, lane]
    count = bi[b, I_INST_N, lane]
    if partial == 0:
        off = bi[b, I_RING_OFF, lane]
        cap = bi[b, I_RING_CAP, lane]
        k = bi[b, I_CLOSED, lane]
        push_ring(ring, off, cap, k, o, h, low, c, v, w, start, n)
        bi[b, I_CLOSED, lane] = k + 1
        for j in range(first, first + count):
            i = links[j]
            advance_indicator(ni, nf, closed, ring, i, off, cap, k + 1)
            for m in range(ni[i, N_WIDTH]):
                xv[values] = closed[ni[i, N_OUT] + m]
                values += 1
    else:
        bf[b, lane, PARTIAL_CLOSE] = c
        for j in range(first, first + count):
            for _ in range(ni[links[j], N_WIDTH]):
                xv[values] = np.nan
                values += 1
    row = cursor[C_CANDLES]
    xi[row, X_AT] = cursor[C_ENTRY]
    xi[row, X_MARK] = cursor[C_MARK]
    xi[row, X_BLOCK] = b
    xi[row, X_LANE] = lane
    xi[row, X_START] = start
    xi[row, X_END] = bi[b, I_END, lane]
    xi[row, X_TRADES] = n
    xi[row, X_PARTIAL] = partial
    xi[row, X_VALUES] = cursor[C_VALUES]
    xf[row, Y_OPEN] = o
    xf[row, Y_HIGH] = h
    xf[row, Y_LOW] = low
    xf[row, Y_CLOSE] = c
    xf[row, Y_VOLUME] = v
    xf[row, Y_VWAP] = w
    cursor[C_CANDLES] = row + 1
    cursor[C_VALUES] = values


@kernel
def output_room(bi: Ints, b: int, links: Ints, ni: Ints) -> int:
    """Return how many indicator values closing all lanes of a block may write."""
    total = 0
    for lane in range(LANES):
        first = bi[b, I_INST_OFF, lane]
        for j in range(first, first + bi[b, I_INST_N, lane]):
            total += ni[links[j], N_WIDTH]
    return total


@kernel
def close_candles(
    bf: Floats, bi: Ints, b: int, until: int, ring: Floats, links: Ints, ni: Ints, nf: Floats, closed: Floats,
    cursor: Ints, xi: Ints, xf: Floats, xv: Floats,
) -> bool:  # fmt: skip
    """Close every candle of the block that ends at or before `until`; the 1m one goes into the higher first.

    Returns:
        False when the output has no room for it: nothing was done.
    """
    if cursor[C_CANDLES] + LANES > xi.shape[0] or cursor[C_VALUES] + output_room(bi, b, links, ni) > xv.shape[0]:
        return False
    following = NEVER
    for lane in range(LANES):
        if bi[b, I_OPEN, lane] == 0:
            continue
        if bi[b, I_END, lane] <= until:
            _close_lane(bf, bi, b, lane, ring, links, ni, nf, closed, cursor, xi, xf, xv)
        else:
            following = min(following, bi[b, I_END, lane])
    bi[b, I_TIME, T_NEXT_CLOSE] = following
    return True


@kernel
def rebuild_indicator(
    ni: Ints, nf: Floats, closed: Floats, ring: Floats, i: int, off: int, cap: int, first: int, newest: int,
    values: Floats,
) -> None:  # fmt: skip
    """Run an indicator from nothing over candles first..newest-1 of the ring; row k - first gets its values."""
    nf[i, NF_STATE:NF_PARAMS] = 0.0
    for j in range(ni[i, N_WIDTH]):
        closed[ni[i, N_OUT] + j] = np.nan
    hist = ni[i, N_HIST_CAP]
    for j in range(ni[i, N_WIDTH] * hist):
        ring[ni[i, N_HIST_OFF] + j] = np.nan
    for k in range(first, newest):
        advance_indicator(ni, nf, closed, ring, i, off, cap, k + 1)
        for j in range(ni[i, N_WIDTH]):
            values[k - first, j] = closed[ni[i, N_OUT] + j]
