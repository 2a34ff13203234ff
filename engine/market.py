"""The engine read from outside: the latest market of each symbol, the state of each trigger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine import gates
from engine import layout as at
from engine.candles import SESSIONS, Candles
from engine.condition import TIMEFRAMES
from engine.indicators import dispatch
from engine.indicators.column import parse_column
from engine.kernels_candles import clamped_vwap
from engine.matcher import Entry, Matcher
from engine.roster import ArmedTrigger
from engine.slots import SlotKey
from engine.tables import Tables

TriggerStateName = Literal["warming", "armed", "pending", "fired", "cooldown", "paused", "completed", "expired"]


@dataclass(frozen=True, slots=True)
class FormingCandle:
    """The candle of one timeframe as it stands; the last closed one while none is forming."""

    ts_ms: int
    end_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float | None
    trades: int


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """`candles` by timeframe; `values` by column@timeframe, None while warming."""

    symbol: str
    ts_ms: int
    price: float | None
    feed: str
    health: str
    session: str
    candles: dict[str, FormingCandle] = field(default_factory=dict[str, FormingCandle])
    values: dict[str, float | None] = field(default_factory=dict[str, float | None])


@dataclass(frozen=True, slots=True)
class TriggerState:
    """One trigger on one symbol.

    health  `ok`, `closed` (outside its session) or the feed state that makes it UNKNOWN
    missing_candles  how many more candles its indicators need before the first value, 0 when none
    value  its expression at the last evaluation; None is UNKNOWN
    """

    trigger_id: str
    pipeline_id: str
    version: int
    symbol: str
    state: TriggerStateName
    health: str
    missing_candles: int
    value: bool | None
    firings: int
    last_fired_ms: int | None
    next_due_ms: int | None


class MarketReader:
    def __init__(self, tables: Tables, candles: Candles, feed: str) -> None:
        self._tables = tables
        self._candles = candles
        self._feed = feed
        self._scratch = np.empty(16)

    def read(self, symbol: str, health: str) -> MarketSnapshot:
        """Return a symbol's snapshot, of the session that saw the latest trade."""
        t, s = self._tables, self._candles.ids[symbol]
        blocks = [int(b) for b in t.si[s, [at.S_REGULAR, at.S_EXTENDED]] if b >= 0]
        b = max(blocks, key=lambda x: int(t.bi[x, at.I_LAST, at.L_TS])) if blocks else -1
        price = float(t.sf[s, at.SF_PRICE])
        snapshot = MarketSnapshot(
            symbol=symbol,
            ts_ms=max(0, int(t.si[s, at.S_PRICE_TS])),
            price=None if math.isnan(price) else price,
            feed=self._feed,
            health=health,
            session=SESSIONS[self._candles.block_of[b][1]] if b >= 0 else "regular",
        )
        if b >= 0:
            for lane, timeframe in enumerate(TIMEFRAMES):
                candle = self._forming(b, lane)
                if candle is not None:
                    snapshot.candles[timeframe] = candle
                self._values(b, lane, timeframe, candle, snapshot.values)
        return snapshot

    def _forming(self, b: int, lane: int) -> FormingCandle | None:
        t = self._tables
        bf, bi = t.bf[b], t.bi[b]
        if bi[at.I_START, lane] == at.UNSET:
            return None
        is_minute_open = bool(bi[at.I_OPEN, 0])
        lanes = [lane] if lane == 0 or not is_minute_open else [lane, 0]
        if lane and math.isnan(bf[at.F_OPEN, lane]):
            # Nothing was rolled up into it yet: it is its first minute, if that is still open.
            lanes = [0] if is_minute_open else []
        if not lanes or math.isnan(bf[at.F_OPEN, lanes[0]]):
            return None  # T17: only trades that set no price so far
        first, last = lanes[0], lanes[-1]
        o, c = float(bf[at.F_OPEN, first]), float(bf[at.F_CLOSE, last])
        # The 1m candle's open and close are in its range even where the trade set no high or low.
        minute = (float(bf[at.F_OPEN, 0]), float(bf[at.F_CLOSE, 0])) if 0 in lanes else (o, c)
        high = max(float(bf[at.F_HIGH, x]) for x in lanes)
        low = min(float(bf[at.F_LOW, x]) for x in lanes)
        high, low = max(high, *minute), min(low, *minute)
        volume = sum(float(bf[at.F_VOLUME, x]) for x in lanes)
        vwap = clamped_vwap(sum(float(bf[at.F_VALUE, x]) for x in lanes), volume, low, high)
        trades = sum(int(bi[at.I_TRADES, x]) for x in lanes)
        start, end = int(bi[at.I_START, lane]), int(bi[at.I_END, lane])
        return FormingCandle(start, end, o, high, low, c, volume, None if math.isnan(vwap) else vwap, trades)

    def _values(
        self, b: int, lane: int, timeframe: str, candle: FormingCandle | None, values: dict[str, float | None]
    ) -> None:
        t = self._tables
        is_forming = bool(t.bi[b, at.I_OPEN, lane]) and not t.bi[b, at.I_PARTIAL, lane]
        for text, _ in self._candles.picks(b, lane):
            i, index = self._candles.row_of(b, lane, text)
            if is_forming and candle is not None:
                value = 0.0 if candle.vwap is None else candle.vwap * candle.volume
                now = (
                    candle.open, candle.high, candle.low, candle.close, candle.volume, value, float(candle.ts_ms),
                )  # fmt: skip
                places = t.bi[b, [at.I_RING_OFF, at.I_RING_CAP, at.I_CLOSED], lane].tolist()
                past = (int(places[0]), int(places[1]), int(places[2]), 0, 0)
                dispatch.form(
                    int(t.ni[i, at.N_KIND]), t.nf[i, : at.NF_PARAMS], t.nf[i, at.NF_PARAMS :], now, t.ring, past,
                    self._scratch, 0,
                )  # fmt: skip
                value = float(self._scratch[index])
            else:
                value = float(t.closed[int(t.ni[i, at.N_OUT]) + index])
            values[f"{text}@{timeframe}"] = None if math.isnan(value) else value


def read_trigger_states(
    tables: Tables,
    candles: Candles,
    matcher: Matcher,
    state_of: Callable[[str], str],
    now_ms: int | None,
    trigger_ids: Iterable[str] | None = None,
) -> list[TriggerState]:
    asked = matcher.entries() if trigger_ids is None else ((t, e) for t in trigger_ids if (e := matcher.get(t)))
    found: list[TriggerState] = []
    for trigger_id, entry in asked:
        for symbol, armed in sorted(entry.rows.items()):
            row = tables.gi[armed.row]
            last = int(tables.gt[armed.row])
            s = candles.ids[symbol]
            now = now_ms if now_ms is not None else int(tables.si[s, at.S_LAST_TS])
            missing = _missing(tables, candles, matcher, armed)
            is_lost = bool(tables.si[s, at.S_UNKNOWN])
            found.append(
                TriggerState(
                    trigger_id=trigger_id,
                    pipeline_id=armed.spec.pipeline_id,
                    version=armed.spec.version,
                    symbol=symbol,
                    state=_state(tables, entry, armed, now, missing),
                    health=state_of(symbol) if is_lost else _session_health(tables, armed, now),
                    missing_candles=missing,
                    value={at.FALSE: False, at.TRUE: True}.get(int(row[at.G_BITS]) & at.STATE_BITS),
                    firings=int(row[at.G_FIRED]),
                    last_fired_ms=None if last == at.UNSET else last,
                    next_due_ms=entry.next_due_ms,
                )
            )
    return found


def _state(tables: Tables, entry: Entry, armed: ArmedTrigger, now: int, missing: int) -> TriggerStateName:
    row, spec = tables.gi[armed.row], armed.spec
    last = int(tables.gt[armed.row])
    if gates.is_expired(tables, armed, now):
        return "expired"
    if gates.is_completed(tables, armed):
        return "completed"
    if entry.is_paused:
        return "paused"
    if missing:
        return "warming"
    if row[at.G_HOLD]:
        return "pending"
    if last != at.UNSET:
        if now - last < spec.cooldown_ms:
            return "cooldown"
        if spec.condition is not None and row[at.G_BITS] & at.STATE_BITS == at.TRUE:
            return "fired"
    return "armed"


def _missing(tables: Tables, candles: Candles, matcher: Matcher, armed: ArmedTrigger) -> int:
    missing = 0
    for q in matcher.slots_of(armed):
        key = SlotKey(*matcher.slots.keys[q])
        if key.column == "price" or key.column in ("open", "high", "low", "close", "volume", "vwap"):
            continue
        column = parse_column(key.column)
        i, _ = candles.row_of(key.block, key.lane, key.column)
        needed = (column.definition.stable if key.is_stable_only else column.definition.first_value)(column.params)
        seen = int(tables.nf[i, at.NF_STATE]) + (0 if key.is_closed else 1)
        missing = max(missing, needed - seen)
    return missing


def _session_health(tables: Tables, armed: ArmedTrigger, now: int) -> str:
    off, n = (int(x) for x in tables.bi[armed.block, at.I_OF, at.O_CAL_OFF : at.O_CAL_N + 1])
    if n == 0:
        return "ok"
    i = int(np.searchsorted(tables.sessions[off : off + n, 0], now, side="right")) - 1
    return "ok" if i >= 0 and now < tables.sessions[off + i, 1] else "closed"
