"""The one compiled loop: entries in log order, symbol by symbol, through T5's four steps.

Decisions and closed candles go into its output, as numbers. It stops and says so when a hold begins, is due or
breaks (Python handles it, with every table as the trade left it) or when the output is full; called again with the
same cursor it goes on. So no buffer can lose a firing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.compiled import borrowed, kernel
from engine.kernels_ahead import fetch_ahead, fetch_triggers
from engine.kernels_candles import Floats, Ints, Rows, apply_trade, close_candles, in_session
from engine.kernels_match import judge_closed
from engine.kernels_wake import judge_tick
from engine.layout import (
    BAD_PRICE,
    BAD_SIZE,
    BAD_TIME,
    C_AT,
    C_CLOSED_UNTIL,
    C_COUNT,
    C_DECISIONS,
    C_DROPPED,
    C_ENTRY,
    C_EVENTS,
    C_FIRST_MARK,
    C_GRACE,
    C_LATEST,
    C_MARK,
    C_NUMBERS,
    C_ROOM_NUMBERS,
    C_ROOM_ROWS,
    C_STATUS,
    DONE,
    EN_CODES,
    EN_FLAGS,
    EN_MARK,
    EN_PRICE,
    EN_RECV,
    EN_SIZE,
    EN_SYMBOL,
    EN_TS,
    ENTRY_CATCH_UP,
    ENTRY_MARK,
    HAS_EVENTS,
    HOLDS_DUE,
    I_LAST,
    I_LISTS,
    I_TIME,
    IS_FULL,
    K_TICKS,
    L_COVER_FROM,
    L_FIRST_TS,
    L_JUST_CLOSED,
    MARK_MS,
    MAX_MS,
    MINUTE_MS,
    MOST_PRICE,
    MOST_SIZE,
    NEVER,
    NO_FLAGS,
    S_CLOSED_UNTIL,
    S_EXTENDED,
    S_LAST_TS,
    S_LATE,
    S_MARK,
    S_MINUTE,
    S_OUTSIDE,
    S_PREV_PRICE_TS,
    S_PRICE_TS,
    S_REGULAR,
    S_SEQ,
    S_TRADES,
    S_UNKNOWN,
    SESSION_ENDED,
    SF_PREV_PRICE,
    SF_PRICE,
    T_CANCEL,
    T_HOLD_DUE,
    T_NEXT_CLOSE,
    UNSET,
)

IDLE, STOPPED, NO_ROOM = range(3)


@kernel
def next_due(si: Ints, bi: Ints, s: int, grace: int) -> int:
    """Return the feed time at which a mark would next change something for the symbol."""
    due = NEVER
    for which in (S_REGULAR, S_EXTENDED):
        b = si[s, which]
        if b >= 0:
            due = min(due, bi[b, I_TIME, T_HOLD_DUE])
            due = min(due, bi[b, I_TIME, T_NEXT_CLOSE] + grace)
            due = min(due, bi[b, I_TIME, T_CANCEL] + grace)
    return due


@kernel
def dues(si: Ints, bi: Ints, symbols: int, grace: int, until: int, found: NDArray[np.int32]) -> int:
    """List the symbols with something due at a mark of feed time `until`; return how many."""
    n = 0
    for s in range(symbols):
        if next_due(si, bi, s, grace) <= until:
            found[n] = s
            n += 1
    return n


@kernel
def _hand_over(cursor: Ints, events: Ints, what: int, b: int, decided: int) -> None:
    e = cursor[C_EVENTS]
    events[e, 0] = what
    events[e, 1] = -1
    events[e, 2] = b
    events[e, 3] = decided
    cursor[C_EVENTS] = e + 1


@kernel
def _pass_time(
    s: int, now: int, close_until: int, si: Ints, bf: Floats, bi: Ints, sessions: Ints, ring: Floats, links: Ints,
    programs: Ints, ni: Ints,
    nf: Floats, closed: Floats, qi: Ints, qv: Floats, shapes: Ints, vi: Rows, vf: Floats, gi: Rows, gt: Ints,
    holds: Ints, policies: Ints,
    cursor: Ints, events: Ints, di: Ints, df: Floats,
    xi: Ints, xf: Floats, xv: Floats,
) -> int:  # fmt: skip
    """Do what is due for a symbol: holds by `now`, candles and session ends by `close_until`.

    Stops after each event; called again it finds only what is left. Python moves T_HOLD_DUE and T_CANCEL.
    """
    for which in (S_REGULAR, S_EXTENDED):
        b = si[s, which]
        if b >= 0 and bi[b, I_TIME, T_HOLD_DUE] <= now:
            _hand_over(cursor, events, HOLDS_DUE, b, now)
    if cursor[C_EVENTS] > 0:
        return STOPPED
    for which in (S_REGULAR, S_EXTENDED):
        b = si[s, which]
        if b >= 0 and bi[b, I_TIME, T_NEXT_CLOSE] <= close_until:
            has_room = close_candles(bf, bi, b, close_until, ring, links, ni, nf, closed, cursor, xi, xf, xv)
            if not has_room:
                return NO_ROOM
    for which in (S_REGULAR, S_EXTENDED):
        b = si[s, which]
        if b >= 0 and bi[b, I_LAST, L_JUST_CLOSED] != 0:
            judge_closed(
                bf, bi, b, sessions, ring, links, programs, ni, nf, closed, qi, qv, shapes, vi, vf, gi, gt, holds,
                policies, cursor,
                events, di, df, si[s, S_UNKNOWN] != 0,
            )  # fmt: skip
    if cursor[C_EVENTS] > 0:
        return STOPPED
    for which in (S_REGULAR, S_EXTENDED):
        b = si[s, which]
        if b >= 0 and bi[b, I_TIME, T_CANCEL] <= close_until:
            _hand_over(cursor, events, SESSION_ENDED, b, bi[b, I_TIME, T_CANCEL])
    return STOPPED if cursor[C_EVENTS] > 0 else IDLE


@kernel
def _what_is_wrong(price: float, size: float) -> int:
    """Name the first of price, size and time that is wrong with a trade which has one of them wrong."""
    if not (price > 0.0 and price <= MOST_PRICE):
        return BAD_PRICE
    if not (size >= 0.0 and size <= MOST_SIZE):
        return BAD_SIZE
    return BAD_TIME


@kernel
def _work(
    ei: Ints, ef: Floats, runs: Ints, cursor: Ints, si: Ints, sf: Floats, bf: Floats, bi: Ints, sessions: Ints,
    ring: Floats, links: Ints, programs: Ints, ni: Ints,
    nf: Floats, forming: Floats, closed: Floats, qi: Ints, qv: Floats, shapes: Ints, vi: Rows, vf: Floats,
    gi: Rows, gt: Ints, holds: Ints, policies: Ints, wt: Floats, wv: Rows, events: Ints, di: Ints,
    df: Floats, xi: Ints, xf: Floats,
    xv: Floats,
) -> None:  # fmt: skip
    grace = cursor[C_GRACE]
    n = int(cursor[C_COUNT])
    i = int(cursor[C_AT])
    latest = cursor[C_LATEST]
    run_of = int(np.searchsorted(runs, i, side="right")) - 2  # the loop begins with the one that holds i
    following = i
    last_row = di.shape[0] - cursor[C_ROOM_ROWS]
    last_number = df.shape[0] - cursor[C_ROOM_NUMBERS]
    while i < n:
        if cursor[C_DECISIONS] > last_row or cursor[C_NUMBERS] > last_number:
            cursor[C_AT] = i
            cursor[C_STATUS] = IS_FULL
            return
        if i >= following:
            run_of += 1
            following = runs[run_of + 1] if run_of + 1 < runs.shape[0] else n
            fetch_ahead(ei, runs, run_of, latest, si, sf, bf, bi, ring, links, ni, nf, closed, qi, qv)
            fetch_triggers(ei, runs, run_of, si, bi, links, qi, wt, wv, vi, vf, gi, gt)
        s = ei[i, EN_SYMBOL]
        ts = ei[i, EN_TS]
        cursor[C_AT] = i
        cursor[C_ENTRY] = i
        status = IDLE
        until = cursor[C_CLOSED_UNTIL]
        offline = ei[i, EN_MARK]
        if offline >= 0:
            while True:
                due = next_due(si, bi, s, grace)
                if due > offline:
                    break
                # Never back in time: not within the steps of one mark, and not before a mark that had
                # passed when the due thing began (a trade out of order can start a hold in the past).
                mark = (due + MARK_MS - 1) // MARK_MS * MARK_MS
                mark = max(mark, cursor[C_MARK] if cursor[C_MARK] >= 0 else si[s, S_MARK] + MARK_MS)
                mark = max(mark, cursor[C_FIRST_MARK])
                if mark > offline:
                    break
                cursor[C_MARK] = mark
                if cursor[C_DECISIONS] > last_row or cursor[C_NUMBERS] > last_number:
                    cursor[C_STATUS] = IS_FULL
                    return
                status = _pass_time(
                    s, mark, mark - grace, si, bf, bi, sessions, ring, links, programs, ni, nf, closed, qi, qv,
                    shapes, vi, vf,
                    gi, gt, holds, policies, cursor, events, di, df, xi, xf, xv,
                )  # fmt: skip
                if status != IDLE:
                    cursor[C_STATUS] = HAS_EVENTS if status == STOPPED else IS_FULL
                    return
            until = (offline - grace) // MINUTE_MS * MINUTE_MS
            cursor[C_MARK] = -1
            si[s, S_MARK] = offline
        kind = ei[i, EN_FLAGS]
        if kind == ENTRY_CATCH_UP:
            i += 1
            continue
        if kind == ENTRY_MARK:
            status = _pass_time(
                s, ts, ts - grace, si, bf, bi, sessions, ring, links, programs, ni, nf, closed, qi, qv, shapes, vi,
                vf, gi, gt, holds,
                policies, cursor, events, di, df, xi, xf, xv,
            )  # fmt: skip
            if status != IDLE:
                cursor[C_STATUS] = HAS_EVENTS if status == STOPPED else IS_FULL
                return
            i += 1
            continue
        p = ef[i, EN_PRICE]
        z = ef[i, EN_SIZE]
        if not (p > 0.0 and p <= MOST_PRICE and z >= 0.0 and z <= MOST_SIZE and ts >= 0 and ts < MAX_MS):
            cursor[C_DROPPED + _what_is_wrong(p, z)] += 1
            i += 1
            continue
        if kind & 7 == 0:
            cursor[C_DROPPED + NO_FLAGS] += 1
            i += 1
            continue
        if ts < max(si[s, S_CLOSED_UNTIL], until):
            si[s, S_LATE] += 1
            i += 1
            continue
        status = IDLE
        if next_due(si, bi, s, 0) <= ts:  # a call with two dozen arrays costs more than the trade itself
            status = _pass_time(
                s, ts, ts, si, bf, bi, sessions, ring, links, programs, ni, nf, closed, qi, qv, shapes, vi, vf, gi,
                gt, holds, policies,
                cursor, events, di, df, xi, xf, xv,
            )  # fmt: skip
        if status != IDLE:
            cursor[C_STATUS] = HAS_EVENTS if status == STOPPED else IS_FULL
            return
        minute = ts - ts % MINUTE_MS
        si[s, S_CLOSED_UNTIL] = minute
        is_applied = False
        for which in (S_REGULAR, S_EXTENDED):
            b = si[s, which]
            if b < 0:
                continue
            if bi[b, I_LAST, L_FIRST_TS] == UNSET:
                bi[b, I_LAST, L_FIRST_TS] = ts
                if bi[b, I_LAST, L_COVER_FROM] == UNSET:
                    bi[b, I_LAST, L_COVER_FROM] = ts
            if not in_session(bi, b, ts, sessions):
                continue
            if not is_applied:
                is_applied = True
                if si[s, S_MINUTE] != minute:
                    si[s, S_MINUTE] = minute
                    si[s, S_SEQ] = 0
                else:
                    si[s, S_SEQ] += 1
            is_forming = apply_trade(bf, bi, b, ts, ei[i, EN_RECV], p, z, kind, ei[i, EN_CODES], si[s, S_SEQ], ring)
            if is_forming and si[s, S_UNKNOWN] == 0 and bi[b, I_LISTS, K_TICKS] > 0:
                judge_tick(
                    bf, bi, b, ts, sessions, ring, links, programs, ni, nf, forming, qi, qv, shapes, vi, vf, gi, gt,
                    holds, policies,
                    wt, wv, cursor, events, di, df,
                )  # fmt: skip
        if kind & 1 and ts >= si[s, S_PRICE_TS]:
            if ts // MINUTE_MS != si[s, S_PRICE_TS] // MINUTE_MS:
                si[s, S_PREV_PRICE_TS] = si[s, S_PRICE_TS]
                sf[s, SF_PREV_PRICE] = sf[s, SF_PRICE]
            sf[s, SF_PRICE] = p
            si[s, S_PRICE_TS] = ts
        si[s, S_LAST_TS] = max(si[s, S_LAST_TS], ts)
        if is_applied:
            si[s, S_TRADES] += 1
        else:
            si[s, S_OUTSIDE] += 1
        i += 1
        if cursor[C_EVENTS] > 0:
            # The entry itself is done; the tables stand as it left them.
            cursor[C_AT] = i
            cursor[C_STATUS] = HAS_EVENTS
            return
    cursor[C_AT] = i
    cursor[C_STATUS] = DONE


@kernel
def run(
    ei: Ints, ef: Floats, runs: Ints, cursor: Ints, si: Ints, sf: Floats, bf: Floats, bi: Ints, sessions: Ints,
    ring: Floats, links: Ints, programs: Ints, ni: Ints,
    nf: Floats, forming: Floats, closed: Floats, qi: Ints, qv: Floats, shapes: Ints, vi: Rows, vf: Floats,
    gi: Rows, gt: Ints, holds: Ints, policies: Ints, wt: Floats, wv: Rows, events: Ints, di: Ints,
    df: Floats, xi: Ints, xf: Floats,
    xv: Floats,
) -> None:  # fmt: skip
    """Take entries cursor[C_AT] .. cursor[C_COUNT]-1, which stand symbol by symbol in log order.

    EN_MARK is the last mark before an entry of an offline tape (T24), negative where marks come by
    themselves. On return cursor[C_STATUS] says DONE, HAS_EVENTS (the caller handles `events`, sets their
    count to 0 and calls again) or IS_FULL (it takes the candles out first).
    """
    _work(
        borrowed(ei), borrowed(ef), borrowed(runs), borrowed(cursor), borrowed(si), borrowed(sf), borrowed(bf),
        borrowed(bi), borrowed(sessions), borrowed(ring), borrowed(links), borrowed(programs), borrowed(ni),
        borrowed(nf), borrowed(forming), borrowed(closed), borrowed(qi), borrowed(qv),
        borrowed(shapes), borrowed(vi), borrowed(vf), borrowed(gi), borrowed(gt), borrowed(holds),
        borrowed(policies), borrowed(wt), borrowed(wv), borrowed(events),
        borrowed(di), borrowed(df), borrowed(xi), borrowed(xf), borrowed(xv),
    )  # fmt: skip
