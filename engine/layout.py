"""Where every number stands in the tables the kernels work on.

One row a symbol, a block, an indicator, a slot, a leaf, a trigger. A *block* is the candles of one symbol
and session: eight lanes side by side, lane = timeframe (two are padding). A *slot* is one watched operand
value. Timeframe lanes: 0 1m, 1 5m, 2 15m, 3 1h, 4 4h, 5 1d. Lane 0 is the forming 1m candle itself; lanes
1-5 hold the sum of the *closed* 1m candles of their forming candle, whose value is that plus lane 0 (T11).
"""

from __future__ import annotations

LANES = 6
PADDED = 8
MINUTE_MS = 60_000
HOUR4_MS = 14_400_000
DAY_MS = 86_400_000
MARK_MS = 250
"""Offline files are played as if a mark stood at every multiple of this (T24)."""
NEVER = (1 << 62) - 1
UNSET = -(1 << 62)
MAX_MS = 4_102_444_800_000
"""2100-01-01: later or negative times are no times."""
MOST_PRICE, MOST_SIZE = 1e15, 1e18
"""Beyond these no market trades, and sums of price times size would lose what they hold."""

# Symbols, int64. The price is that of any session, for time triggers.
(S_REGULAR, S_EXTENDED, S_CLOSED_UNTIL, S_MINUTE, S_SEQ, S_PRICE_TS, S_LAST_TS, S_PREV_PRICE_TS,
 S_UNKNOWN, S_LATE, S_TRADES, S_OUTSIDE, S_MARK, S_REOPEN) = range(14)  # fmt: skip
S_WIDTH = 16
# Symbols, float64.
SF_PRICE, SF_PREV_PRICE = range(2)
SF_WIDTH = 2

# Blocks, float64 [block, row, lane].
F_OPEN, F_HIGH, F_LOW, F_CLOSE, F_VOLUME, F_VALUE, F_SCALARS = range(7)
F_ROWS = 7
FS_PRICE, FS_TRADE_PRICE, FS_TRADE_SIZE = range(3)
PARTIAL_CLOSE = 6
"""A column of padding: in row `lane` stands the close of the lane's last closed candle if that was partial."""

# Blocks, int64 [block, row, lane].
(I_START, I_END, I_TRADES, I_OPEN, I_NUMBER, I_PARTIAL, I_CLOSED, I_CLOSED_START, I_CLOSED_PARTIAL,
 I_RING_OFF, I_RING_CAP, I_INST_OFF, I_INST_N, I_CSLOT_OFF, I_CSLOT_N, I_HEADS, I_LATCHED,
 I_TIME, I_LAST, I_LISTS, I_OF, I_SEEN) = range(22)  # fmt: skip
I_ROWS = 22
# ... of row I_TIME
T_OPEN_TS, T_CLOSE_TS, T_SESSION_OPEN, T_SESSION_CLOSE, T_NEXT_CLOSE, T_HOLD_DUE, T_CANCEL, T_MINUTE = range(8)
# ... of row I_LAST: the last applied trade of the session
L_TS, L_RECV, L_SEQ, L_CODES, L_JUST_CLOSED, L_FIRST_TS, L_COVER_FROM = range(7)
# ... of row I_LISTS: what a tick of this block computes. From link K_OFF on stand its slots: K_LINES that are lines,
# K_CURVES that are other curves, K_SLOTS that read one of K_INDICATORS indicators, or something else. Then stands what
# is needed of each of the curves, of the indicators, of the other slots; and what K_FIXED curves are found from.
# K_STALE: bit n says that the curves of timeframe n are not yet those of its forming candle.
K_OFF, K_LINES, K_CURVES, K_INDICATORS, K_SLOTS, K_TICKS, K_STALE, K_FIXED = range(8)
ALL_STALE = (1 << LANES) - 1
# ... of a curve
CK_CURVE, CK_LANE = range(2)
CK_WORDS = 2
# ... of an indicator and of another slot. LK_INDEX of an indicator: where its values go. LK_INST: the indicator; of
# its slot only if its values must be stable.
LK_KIND, LK_LANE, LK_INDEX, LK_INST = range(4)
LK_WORDS = 4
# ... of a curve that is an indicator's, those of one indicator together. FX_WHAT: a byte each which curve it is, its
# timeframe, kind of indicator and which of its outputs; above them how many candles the indicator must know.
FX_ROW, FX_INST, FX_WHAT = range(3)
FX_WORDS = 3
FX_LANE_AT, FX_KIND_AT, FX_OUTPUT_AT, FX_STABLE_AT = 8, 16, 24, 32
# ... of row I_HEADS: where the block's lists of triggers begin (row + 1, 0 = empty): by lane the close-judged
# ones, then tick triggers to be judged at the next trade, then those that wait for a value to pass a threshold.
# Row I_LATCHED: by lane the crossed leaves (row + 1) whose latch ends with their candle, then paused triggers.
# Row I_SEEN: I_NUMBER at the last evaluation.
LIST_CLOSE, LIST_ACTIVE, LIST_IDLE, LIST_PAUSED = 1, 7, 8, 9
H_PAUSED = 6
# ... of row I_OF: whose block it is; the calendar is a range of the sessions table, empty = 24/7
O_SYMBOL, O_SESSION, O_CAL_OFF, O_CAL_N = range(4)

# Indicators, int64 and float64. The first eight floats are its state, then four parameters.
N_KIND, N_BLOCK, N_LANE, N_OUT, N_WIDTH, N_HIST_OFF, N_HIST_CAP, N_STABLE = range(8)
N_COLUMNS = 8
SCRATCH = 32
"""How many forming values are nobody's: kernels put there what they need for a moment."""
NF_STATE, NF_PARAMS, NF_COLUMNS = 0, 8, 12

# Slots, int64.
# Of its thresholds, Q_PLACE are below its value, or were: a hint. What a trade needs stands in one cache line.
(Q_KIND, Q_OFF, Q_N, Q_PLACE, Q_LANE, Q_INDEX, Q_CLOSED, Q_STABLE, Q_INST, Q_CAP, Q_CURVE) = range(11)
Q_COLUMNS = 12
# Slots, int64, what the kernel does not read: whose it is, how many hold it.
QU_BLOCK, QU_USERS = range(2)
QU_COLUMNS = 2
# The last three are made from other slots: slot Q_INST as it was Q_INDEX candles ago, or from Q_INST and Q_INDEX.
PRICE, FIELD, INDICATOR, REFERENCE, DIFFERENCE, RATIO = range(6)
# Slots, float64, a cache line each: the value, and the one at the evaluation before; between the next two no
# threshold lies; the rest are the numbers of its curve (`engine.indicators.curves`).
QV_NOW, QV_BEFORE, QV_LOW, QV_HIGH, QV_CURVE = range(5)
QV_COLUMNS = 8
OPEN, HIGH, LOW, CLOSE, VOLUME, VWAP = range(6)

# Leaves, int32. V_NUMBERS: where its numbers begin among those of all leaves.
V_SHAPE, V_LEFT, V_RESULT, V_TRIGGER, V_NUMBERS = range(5)
V_COLUMNS = 5
# ... and of a leaf that needs more than one operand and a number a second row of the same table, SH_MORE rows on:
# its other operands (-1: a number), the candle of its crossing, and its place in the list of crossed leaves.
M_RIGHT, M_UPPER, M_LATCH, M_LPREV, M_LNEXT = range(5)
# What leaves of one shape have in common, int64. SH_WIDTH: how many numbers each has, one of the three. SH_MORE: 0
# where it has no second row.
(SH_OP, SH_LANE, SH_WITHIN, SH_CANDLES, SH_CLOSED, SH_WIDTH, SH_MORE) = range(7)
SH_COLUMNS = 7
# A leaf's numbers: against a number, with another operand or a hysteresis, with an upper bound.
(W_NOW_L, W_BEFORE_L, W_RIGHT, W_HYSTERESIS, W_BEFORE_R, W_NOW_R, W_UPPER, W_BEFORE_U, W_NOW_U) = range(9)
W_PLAIN, W_COMPARED, W_BOUNDED = 3, 6, 9
OPERATORS = (
    ">", ">=", "<", "<=", "inside", "outside", "crosses_above", "crosses_below", "rises_by_pct", "falls_by_pct",
)  # fmt: skip
(GT, GE, LT, LE, INSIDE, OUTSIDE, CROSS_UP, CROSS_DOWN, RISES, FALLS) = range(10)

# Three values (T3).
FALSE, TRUE, UNKNOWN = 0, 1, 2

# Triggers, int32. G_HOLD: row + 1 of its pending hold, 0 = none. G_CANDLE: the minute, since 1970, in which the
# candle of its last Firing began. G_WOKEN: 0 = not woken, 1 = the last of the woken ones, else the following row + 2.
(G_BITS, G_BLOCK, G_LEAF, G_POLICY, G_FIRED, G_SESSION_FIRED, G_HOLD, G_CANDLE, G_PREV, G_NEXT,
 G_WOKEN) = range(11)  # fmt: skip
G_COLUMNS = 11
NO_MINUTE = -(1 << 31)
# G_BITS: its state (FALSE, TRUE, UNKNOWN); signs: values were lost (T2), it has fired since it was armed or resumed
# (T8); above these the list it is in, LIST_..., 0 = none.
STATE_BITS, SIGN_GAP, SIGN_FIRED, LIST_SHIFT = 3, 4, 8, 4
KNOWN_BITS = 15
"""Those that say what a trigger knows, not where it stands."""
# Pending holds, int64 and float64: with the trade of the edge.
(HO_PENDING, HO_COUNT, HO_NEEDED, HO_DUE, HO_EDGE_TS, HO_EDGE_RECV, HO_EDGE_SEQ, HO_EDGE_CODES) = range(8)
HO_COLUMNS = 8
HF_PRICE, HF_TRADE_PRICE, HF_TRADE_SIZE = range(3)
HF_COLUMNS = 3
PENDING_TIME, PENDING_COUNT = 1, 2

# Policies, int64: what triggers of one kind have in common. P_LANES: bit n says that an operand names timeframe n.
# P_ALWAYS: no threshold tells when its result changes, so it is judged at every trade.
# P_SURVIVES: what it knew before values were lost it knows afterwards (T2).
(P_VALID_FROM, P_VALID_UNTIL, P_MAX_FIRINGS, P_HAS_CONDITION, P_FIRE, P_REARM, P_COOLDOWN, P_CAP, P_HAS_HOLD,
 P_LANES, P_REPAINTS, P_LANE, P_CLOSED, P_LEAVES, P_PROGRAM, P_PROGRAM_N, P_ALWAYS,
 P_SURVIVES) = range(18)  # fmt: skip
P_COLUMNS = 18
FIRE = ("every_edge", "once_per_candle", "once")
FIRE_EVERY_EDGE, FIRE_ONCE_PER_CANDLE, FIRE_ONCE = range(3)
REARM = ("on_false", "next_session", "manual")
REARM_ON_FALSE, REARM_NEXT_SESSION, REARM_MANUAL = range(3)

# Programs: postfix; leaf numbers from 0, negative words are operations.
PROGRAM_NOT = -1


def program_all(n: int) -> int:
    return -2 - 2 * n


def program_any(n: int) -> int:
    return -3 - 2 * n


# Events a kernel hands to Python: [type, trigger, block, decided_ms].
EDGE, BASELINE, BROKEN, HOLD_COUNTED, HOLDS_DUE, SESSION_ENDED = range(6)
E_COLUMNS = 4

# What became of an edge, or of a baseline: the first is a Firing, the others are Suppressions.
REASONS = ("", "baseline", "hold", "expired", "completed", "once_per_candle", "rearm", "cooldown", "cap")
(R_FIRES, R_BASELINE, R_HOLD, R_EXPIRED, R_COMPLETED, R_ONCE_PER_CANDLE, R_REARM, R_COOLDOWN, R_CAP) = range(9)

# Decisions, int64: what evidence is written from (T27), as it was at the decision. D_STARTS and the five after it:
# start of the candle that the trigger reads, by lane. D_VALUES: where its numbers begin.
(D_TRIGGER, D_REASON, D_DECIDED, D_AT, D_MARK, D_TS, D_RECV, D_SEQ, D_CODES, D_STATE, D_FLAGS, D_VALUES,
 D_STARTS) = range(13)  # fmt: skip
D_COLUMNS = D_STARTS + LANES
FLAGS = ("provisional", "partial", "gap", "may_repaint")
IS_PROVISIONAL, IS_PARTIAL, HAS_GAP, MAY_REPAINT = 1, 2, 4, 8
# Its numbers: price, price and size of the trade, then of each leaf W_BEFORE_L … W_NOW_U and the result.
DF_PRICE, DF_TRADE_PRICE, DF_TRADE_SIZE, DF_LEAVES = range(4)
DF_PER_LEAF = 7

# The cursor of a run: in and out. C_ROOM_ROWS and C_ROOM_NUMBERS: what the decisions of one entry may take.
(C_AT, C_COUNT, C_STATUS, C_MARK, C_EVENTS, C_CANDLES, C_VALUES, C_GRACE, C_CLOSED_UNTIL, C_ENTRY,
 C_DECISIONS, C_NUMBERS, C_ROOM_ROWS, C_ROOM_NUMBERS, C_FIRST_MARK, C_LATEST, C_DROPPED) = range(17)  # fmt: skip
# C_LATEST: no entry of the run is later.
# From C_DROPPED on: how many trades were not taken, by reason; never set back.
DROPPED = ("bad_price", "bad_size", "bad_time", "no_flags", "unknown_symbol")
BAD_PRICE, BAD_SIZE, BAD_TIME, NO_FLAGS, UNKNOWN_SYMBOL = range(5)
C_COLUMNS = C_DROPPED + len(DROPPED)
DONE, HAS_EVENTS, IS_FULL = range(3)

# Rows of closed candles.
X_AT, X_MARK, X_BLOCK, X_LANE, X_START, X_END, X_TRADES, X_PARTIAL, X_VALUES = range(9)
X_COLUMNS = 9
Y_OPEN, Y_HIGH, Y_LOW, Y_CLOSE, Y_VOLUME, Y_VWAP = range(6)
Y_COLUMNS = 6

# Entries, a cache line each: int64, and float64 by a view of the same memory.
EN_SYMBOL, EN_TS, EN_RECV, EN_CODES, EN_MARK, EN_FLAGS, EN_PRICE, EN_SIZE = range(8)
EN_COLUMNS = 8

# What EN_FLAGS besides a trade's own (T15).
ENTRY_MARK = 128
"""No trade: live feed time `ts`."""
ENTRY_CATCH_UP = 64
"""No trade: bring the symbol up to the marks before this point of an offline tape."""
