"""The engine: trades, marks, history and trigger changes in; firings, suppressions, closed candles out.

Reads no clock and no network. The live flow, replay and the preview all call this one thing, so they agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import gates, schedule
from engine import layout as at
from engine import snapshot as snapshots
from engine.candles import LANE_OF, SESSIONS, Candles, HistoryColumns, SessionCalendars
from engine.condition import TIMEFRAMES, Session, Timeframe, TriggerChange, TriggerSpec
from engine.evidence import EvidenceWriter, codes_of, last_trade
from engine.firing import (
    ClosedCandle,
    Firing,
    FiringKind,
    FiringTrade,
    Output,
    Suppression,
    SuppressionReason,
    firing_id,
)
from engine.indicators.state import CLOSE, HIGH, LOW, OPEN, STARTED, TRADES, VOLUME, VWAP
from engine.kernels import dues, next_due, run
from engine.market import MarketReader, MarketSnapshot, TriggerState, read_trigger_states
from engine.matcher import ArmedTrigger, Entry, Matcher
from engine.sessions import EXTENDED, Calendars
from engine.tables import Tables
from engine.trades import Trades

_LENGTH_MS = (60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000)
HEALTHY = frozenset({"live", "quiet", "offline"})
"""Feed states in which expressions are evaluated (T20)."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What an engine is told once.

    close_grace_ms    a candle closes by a mark this long after its end (T13)
    sessions          sessions whose candles are kept for every symbol, besides those that triggers name
    ring_candles      closed candles kept of each timeframe at least; more where a trigger or history asks
    is_offline        a file: candles are complete from the first trade, health is `offline` (T17)
    reopen_wait_ms    values stay UNKNOWN so long after a halt ends (T21)
    """

    feed: str = "finnhub"
    calendars: SessionCalendars = field(default_factory=Calendars)
    close_grace_ms: int = 2000
    sessions: tuple[Session, ...] = ("regular",)
    ring_candles: int = 256
    is_offline: bool = False
    reopen_wait_ms: int = 60_000


class _Entries(NamedTuple):
    """What one run of the kernel takes, symbol by symbol; `order` is each one's place in the log."""

    symbol: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    recv_ms: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]
    flags: NDArray[np.uint8]
    codes: NDArray[np.int64]
    mark_ms: NDArray[np.int64]
    order: NDArray[np.int64]


class _Moment(NamedTuple):
    """When, in the log, something was decided: sorts outputs, and stamps them."""

    position: float
    mark_ms: int
    recv_ms: int


_Key = tuple[float, int, int, str, str, int]


class Engine:
    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self._tables = Tables()
        self._candles = Candles(
            self._tables,
            config.calendars,
            ring_candles=config.ring_candles,
            is_offline=config.is_offline,
        )
        self._matcher = Matcher(self._tables, self._candles)
        self._evidence = EvidenceWriter(self._tables, self._candles, config.feed)
        self._cursor = np.zeros(at.C_COLUMNS, np.int64)
        self._events = np.zeros((64, at.E_COLUMNS), np.int64)
        self._xi = np.zeros((1024, at.X_COLUMNS), np.int64)
        self._xf = np.zeros((1024, at.Y_COLUMNS))
        self._xv = np.zeros(8192)
        self._found: list[tuple[_Key, Firing | Suppression]] = []
        self._closed: list[tuple[tuple[float, int, str, int, int], ClosedCandle]] = []
        self._marks: NDArray[np.int64] = np.zeros(0, np.int64)
        self._feed_ms: int | None = None
        self._health = "offline" if config.is_offline else "live"
        self._symbol_health: dict[str, str] = {}
        self._gap_ms = 0
        self._pending: dict[int, set[int]] = {}
        self._cursor[at.C_CLOSED_UNTIL] = at.UNSET
        for session in config.sessions:
            self._candles.keep(session)

    # ---- symbols and watchers ----

    @property
    def symbols(self) -> Sequence[str]:
        """Every symbol known, in the order of their ids."""
        return self._candles.symbols

    def symbol_id(self, symbol: str) -> int:
        """Return the id that `Trades.symbol` uses; a new symbol gets one."""
        known = len(self._candles.symbols)
        s = self._candles.symbol_id(symbol)
        if s == known and self._state_of(symbol) not in HEALTHY:
            self._tables.si[s, at.S_UNKNOWN] = 1
        return s

    def watch(self, indicators: Iterable[tuple[str, Timeframe]], session: Session = "regular") -> None:
        """Give these columns (canonical names) with closed candles and in `market()`.

        Raises:
            ValueError: a column that is no canonical indicator output.
        """
        self._candles.keep(session)
        self._candles.watch(indicators, session)

    def has_one_session(self, symbol: str) -> bool:
        """Return whether the symbol's extended hours are its regular ones (24/7, most exchanges)."""
        return self.config.calendars.calendar_of(symbol) not in EXTENDED

    # ---- input ----

    def on_trades(self, trades: Trades) -> Output:
        """Take a batch of trades in log order. How the log is cut into batches changes nothing."""
        if len(trades):
            no_marks = np.full(len(trades), -1, np.int64)
            self._run(_trade_entries(trades, no_marks, self._tables.symbols))
        return self._output()

    def play(self, trades: Trades, marks: NDArray[np.int64], *, until_ms: int | None = None) -> Output:
        """Take a batch of an offline tape, `marks` the last mark before each trade (T24), not falling.

        Equal to `on_mark` at every multiple of 250 ms between the trades and `on_trades` of each: marks
        that can do nothing cost nothing. On return every symbol is brought up to the mark `until_ms`, by
        default the last of `marks`.
        """
        self._marks = marks
        if len(trades):
            self._run(_trade_entries(trades, marks, self._tables.symbols))
            self._feed_ms = int(marks[-1])
        if until_ms is not None:
            self._feed_ms = until_ms
        if self._feed_ms is not None:
            due = self._due_symbols(self._feed_ms)
            if len(due):
                self._run(_mark_entries(due, self._feed_ms, recv_ms=0, is_offline=True))
            self._cursor[at.C_CLOSED_UNTIL] = self._closed_until(self._feed_ms)
        return self._output()

    def on_mark(
        self,
        feed_ms: int,
        *,
        recv_ms: int,
        health: str,
        gap_ms: int = 0,
        symbol_health: Mapping[str, str] | None = None,
    ) -> Output:
        """Take a mark: feed time and feed health at this place of the log (T20, T24).

        Closes candles, lets holds and schedules fall due, and makes values UNKNOWN or known again.

        Args:
            feed_ms: Feed time, epoch milliseconds; one that goes back is taken as the latest known.
            recv_ms: Receipt time of the mark, 0 offline.
            health: State of the feed; `live` and `quiet` evaluate, others are UNKNOWN.
            gap_ms: How long the feed has been away, for the evidence.
            symbol_health: Those symbols whose state differs.
        """
        if self._feed_ms is not None:
            feed_ms = max(feed_ms, self._feed_ms)
        first_mark = self._feed_ms is None
        self._feed_ms = feed_ms
        self._gap_ms = gap_ms
        moment = _Moment(0.0, feed_ms, recv_ms)
        self._take_health(health, dict(symbol_health or {}), moment)
        due = self._due_symbols(feed_ms)
        if len(due):
            self._run(_mark_entries(due, feed_ms, recv_ms=recv_ms, is_offline=False))
        self._cursor[at.C_CLOSED_UNTIL] = max(int(self._cursor[at.C_CLOSED_UNTIL]), self._closed_until(feed_ms))
        self._fire_schedules(feed_ms, moment, first_mark=first_mark)
        return self._output()

    def next_due_ms(self) -> int | None:
        """Return the feed time of the next scheduled instant of a time trigger, None without any."""
        found = [e.next_due_ms for e, _ in self._matcher.schedules() if e.next_due_ms is not None]
        return min(found, default=None)

    def on_history(
        self, symbol: str, session: Session, timeframe: Timeframe, source: str, columns: HistoryColumns
    ) -> Output:
        """Take closed candles from before the live tape: indicators are warm, nothing fires.

        1m candles also complete the forming candles of longer timeframes that began before the first
        trade. The candles come back as output, with their source, for those who store them.
        """
        b = self._candles.block(self.symbol_id(symbol), session)
        lane = LANE_OF[timeframe]
        until = at.NEVER
        if self._feed_ms is not None:
            until = self._feed_ms - _LENGTH_MS[lane] + 1
        rows, values = self._candles.load(b, lane, columns, until_ms=until)
        if lane == 0 and len(rows):
            last = self._tables.bi[b, at.I_LAST]
            covered = int(last[at.L_COVER_FROM])
            begun = int(rows[0, STARTED])
            last[at.L_COVER_FROM] = begun if covered == at.UNSET else min(begun, covered)
        self._matcher.reload_closed(b, lane)
        name, kept = self._candles.name_of(b)
        picks = self._candles.picks(b, lane)
        table = np.column_stack(values) if values else np.empty((len(rows), 0))
        output = Output()
        for row, found in zip(rows.tolist(), table.tolist(), strict=True):
            output.candles.append(
                ClosedCandle(
                    symbol=name,
                    session=kept,
                    timeframe=timeframe,
                    ts_ms=int(row[STARTED]),
                    end_ms=int(row[STARTED]) + _LENGTH_MS[lane],
                    open=row[OPEN],
                    high=row[HIGH],
                    low=row[LOW],
                    close=row[CLOSE],
                    volume=row[VOLUME],
                    vwap=row[VWAP],
                    trades=int(row[TRADES]),
                    partial=False,
                    source=source,
                    values={column: found[place] for column, place in picks},
                )
            )
        return output

    def apply(self, changes: Sequence[TriggerChange], *, at_ms: int | None = None) -> Output:
        """Take changes of triggers at this place of the log (T31).

        `set` of the version already in force changes nothing, so a control record may come twice. `at_ms`
        is the event time from which schedules count, by default the last mark.
        """
        now = at_ms if at_ms is not None else self._feed_ms
        moment = _Moment(0.0, -1, 0)
        for change in changes:
            known = self._matcher.entries.get(change.trigger_id)
            if change.action == "set":
                if change.spec is None:
                    raise ValueError(f"set of {change.trigger_id!r} without a spec")
                self._set(change.spec, known, now, moment)
            elif known is None:
                continue
            elif change.action == "remove":
                self._cancel_holds(known.rows.values(), now, moment)
                self._matcher.remove(change.trigger_id)
            elif change.action == "pause" and not known.is_paused:
                self._cancel_holds(known.rows.values(), now, moment)
                self._matcher.pause(known)
            elif change.action == "resume":
                self._resume(known, now)
        return self._output()

    def _set(self, spec: TriggerSpec, known: Entry | None, now: int | None, moment: _Moment) -> None:
        memory: dict[str, tuple[int, int, int]] = {}
        if known is not None:
            if known.spec == spec:
                if known.is_paused:
                    self._resume(known, now)
                return
            memory = {a.symbol: gates.memory_of(self._tables, a) for a in known.rows.values()}
            self._cancel_holds(known.rows.values(), now, moment)
            self._matcher.remove(spec.trigger_id)
        for symbol in spec.symbols:
            self.symbol_id(symbol)
        entry = self._matcher.set(spec)
        for armed in entry.rows.values():
            gates.carry_over(self._tables, memory, armed)
        self._schedule_from(entry, now)

    def _resume(self, entry: Entry, now: int | None) -> None:
        for armed in entry.rows.values():
            self._tables.gi[armed.row, at.G_REARM] = at.UNSET
        if entry.is_paused:
            self._matcher.resume(entry)
            self._schedule_from(entry, now)

    # ---- the kernel and what it hands over ----

    def _closed_until(self, feed_ms: int) -> int:
        return (feed_ms - self.config.close_grace_ms) // at.MINUTE_MS * at.MINUTE_MS

    def _due_symbols(self, feed_ms: int) -> NDArray[np.int32]:
        t = self._tables
        found = np.empty(t.symbols, np.int32)
        return found[: dues(t.si, t.bi, t.symbols, self.config.close_grace_ms, feed_ms, found)]

    def _run(self, entries: _Entries) -> None:
        self._matcher.flush()
        t, cursor = self._tables, self._cursor
        if len(self._events) < 2 * self._matcher.max_triggers + 8:
            self._events = np.zeros((2 * self._matcher.max_triggers + 8, at.E_COLUMNS), np.int64)
        cursor[at.C_AT] = cursor[at.C_EVENTS] = cursor[at.C_CANDLES] = cursor[at.C_VALUES] = 0
        cursor[at.C_COUNT] = len(entries.symbol)
        cursor[at.C_MARK] = -1
        cursor[at.C_GRACE] = self.config.close_grace_ms
        while True:
            run(
                *entries[:8], cursor, t.si, t.sf, t.bf, t.bi, t.sessions, t.ring, t.links, t.programs, t.ni,
                t.nf, t.forming, t.closed, t.qi, t.qv, t.vi, t.vf, t.gi, self._events, self._xi, self._xf,
                self._xv,
            )  # fmt: skip
            if cursor[at.C_STATUS] == at.HAS_EVENTS:
                self._take_events(entries)
                continue
            is_too_small = cursor[at.C_CANDLES] == 0
            self._take_candles(entries)
            if cursor[at.C_STATUS] == at.DONE:
                return
            if is_too_small:
                self._xv = np.zeros(2 * len(self._xv))

    def _moment(self, entries: _Entries, entry: int, mark_ms: int) -> _Moment:
        if mark_ms >= 0:
            # A mark of an offline tape stands before the trades of its instant, whatever symbol they are.
            place = int(np.searchsorted(self._marks, mark_ms, side="left"))
            return _Moment(2.0 * place, mark_ms, 0)
        if entries.flags[entry] == at.ENTRY_MARK:
            return _Moment(0.0, int(entries.ts_ms[entry]), int(entries.recv_ms[entry]))
        return _Moment(2.0 * int(entries.order[entry]) + 1.0, -1, int(entries.recv_ms[entry]))

    def _take_candles(self, entries: _Entries) -> None:
        n, used = int(self._cursor[at.C_CANDLES]), int(self._cursor[at.C_VALUES])
        self._cursor[at.C_CANDLES] = self._cursor[at.C_VALUES] = 0
        if not n:
            return
        values: list[float] = self._xv[:used].tolist()
        for row, prices in zip(self._xi[:n].tolist(), self._xf[:n].tolist(), strict=True):
            b, lane = row[at.X_BLOCK], row[at.X_LANE]
            o, high, low, close, volume, vwap = prices
            symbol, session = self._candles.name_of(b)
            moment = self._moment(entries, row[at.X_AT], row[at.X_MARK])
            candle = ClosedCandle(
                symbol=symbol,
                session=session,
                timeframe=TIMEFRAMES[int(lane)],
                ts_ms=row[at.X_START],
                end_ms=row[at.X_END],
                open=o,
                high=high,
                low=low,
                close=close,
                volume=volume,
                vwap=vwap,
                trades=row[at.X_TRADES],
                partial=bool(row[at.X_PARTIAL]),
                source="stream",
                values={c: values[row[at.X_VALUES] + place] for c, place in self._candles.picks(b, lane)},
            )
            key = (moment.position, moment.mark_ms, symbol, SESSIONS.index(session), lane)
            self._closed.append((key, candle))

    def _take_events(self, entries: _Entries) -> None:
        cursor = self._cursor
        moment = self._moment(entries, int(cursor[at.C_ENTRY]), int(cursor[at.C_MARK]))
        events = self._events[: cursor[at.C_EVENTS]].tolist()
        cursor[at.C_EVENTS] = 0
        for what, t, b, decided in events:
            if what == at.HOLDS_DUE:
                self._fire_due_holds(b, decided, moment)
            elif what == at.SESSION_ENDED:
                self._cancel_rows(sorted(self._pending.get(b, ())), decided, moment)
                self._set_due(b)
            else:
                self._take_event(what, self._matcher.armed[t], decided, moment)

    def _take_event(self, what: int, armed: ArmedTrigger, decided: int, moment: _Moment) -> None:
        row = self._tables.gi[armed.row]
        kind: FiringKind = "candle_close" if armed.is_closed else "tick"
        if what == at.BASELINE:
            self._suppress(armed, "baseline", self._firing(armed, kind, decided, moment), moment)
        elif what == at.BROKEN:
            self._cancel_rows([armed.row], decided, moment)
            self._set_due(armed.block)
        elif what == at.HOLD_COUNTED:
            self._end_hold(armed)
            self._set_due(armed.block)
            self._pass_gates(armed, kind, decided, moment)
        else:
            self._take_edge(armed, kind, decided, moment)
        row[at.G_GAP] = 0

    def _take_edge(self, armed: ArmedTrigger, kind: FiringKind, decided: int, moment: _Moment) -> None:
        hold = armed.spec.hold
        needed = (hold.trades or hold.candles) if hold else 0
        if hold is None or needed == 1 or gates.is_expired(self._tables, armed, decided):
            self._pass_gates(armed, kind, decided, moment)
            return
        row = self._tables.gi[armed.row]
        row[at.G_PENDING] = at.PENDING_TIME if hold.ms else at.PENDING_COUNT
        row[at.G_COUNT], row[at.G_NEEDED] = 1, needed
        row[at.G_HOLD_DUE] = decided + hold.ms if hold.ms else at.NEVER
        last, scalars = self._tables.bi[armed.block, at.I_LAST], self._tables.bf[armed.block, at.F_SCALARS]
        row[at.G_EDGE_TS], row[at.G_EDGE_RECV] = last[at.L_TS], last[at.L_RECV]
        row[at.G_EDGE_SEQ], row[at.G_EDGE_CODES] = last[at.L_SEQ], last[at.L_CODES]
        self._tables.gf[armed.row] = scalars[: at.GF_COLUMNS]
        self._pending.setdefault(armed.block, set()).add(armed.row)
        self._set_due(armed.block)

    # ---- holds (T7) ----

    def _set_due(self, b: int) -> None:
        """Tell the kernel when the block's next hold is due, and when its session's end cancels holds."""
        time = self._tables.bi[b, at.I_TIME]
        rows = self._pending.get(b)
        if not rows:
            time[at.T_HOLD_DUE] = time[at.T_CANCEL] = at.NEVER
            return
        due = min(int(self._tables.gi[t, at.G_HOLD_DUE]) for t in rows)
        if self._tables.bi[b, at.I_OF, at.O_CAL_N]:  # a 24/7 symbol has no end
            time[at.T_CANCEL] = time[at.T_SESSION_CLOSE]
            due = due if due <= time[at.T_SESSION_CLOSE] else at.NEVER
        time[at.T_HOLD_DUE] = due

    def _fire_due_holds(self, b: int, now: int, moment: _Moment) -> None:
        gi = self._tables.gi
        limit = min(now, int(self._tables.bi[b, at.I_TIME, at.T_CANCEL]))
        due = [self._matcher.armed[t] for t in self._pending.get(b, ()) if gi[t, at.G_HOLD_DUE] <= limit]
        due.sort(key=lambda a: (int(gi[a.row, at.G_HOLD_DUE]), a.spec.trigger_id))
        for armed in due:
            decided = int(gi[armed.row, at.G_HOLD_DUE])
            self._end_hold(armed)
            self._pass_gates(armed, "hold", decided, moment)
        self._set_due(b)

    def _end_hold(self, armed: ArmedTrigger) -> None:
        row = self._tables.gi[armed.row]
        row[at.G_PENDING] = at.NOT_PENDING
        row[at.G_HOLD_DUE] = at.NEVER
        self._pending[armed.block].discard(armed.row)

    def _cancel_rows(self, rows: Iterable[int], decided: int, moment: _Moment) -> None:
        """Record each pending hold as broken, named after the trade of its edge."""
        for t in rows:
            armed = self._matcher.armed[t]
            row, values = self._tables.gi[t], self._tables.gf[t]
            kind: FiringKind = "candle_close" if armed.is_closed else "tick"
            trade = FiringTrade(
                ts_ms=int(row[at.G_EDGE_TS]),
                recv_ms=int(row[at.G_EDGE_RECV]),
                seq=int(row[at.G_EDGE_SEQ]),
                price=float(values[at.GF_TRADE_PRICE]),
                size=float(values[at.GF_TRADE_SIZE]),
                codes=codes_of(int(row[at.G_EDGE_CODES]) & 0xFFFF_FFFF_FFFF_FFFF),
            )
            if row[at.G_PENDING] == at.PENDING_TIME:
                kind = "hold"
            firing = self._firing(armed, kind, decided, moment, trade=trade, price=float(values[at.GF_PRICE]))
            self._end_hold(armed)
            self._suppress(armed, "hold", firing, moment)

    def _cancel_holds(self, rows: Iterable[ArmedTrigger], now: int | None, moment: _Moment) -> None:
        for armed in rows:
            if self._tables.gi[armed.row, at.G_PENDING]:
                decided = now if now is not None else int(self._tables.gi[armed.row, at.G_EDGE_TS])
                self._cancel_rows([armed.row], decided, moment)
                self._set_due(armed.block)

    # ---- from an edge to a Firing ----

    def _firing(
        self,
        armed: ArmedTrigger,
        kind: FiringKind,
        decided: int,
        moment: _Moment,
        *,
        trade: FiringTrade | None = None,
        price: float | None = None,
    ) -> Firing:
        t, b = self._tables, armed.block
        if trade is None:
            trade = last_trade(t, b)
            price = float(t.bf[b, at.F_SCALARS, at.FS_PRICE])
        if trade is None:
            raise AssertionError(f"{armed.spec.trigger_id} was judged before any trade of {armed.symbol}")
        return Firing(
            firing_id=firing_id(armed.spec.trigger_id, armed.spec.version, armed.symbol, trade.ts_ms, trade.seq),
            pipeline_id=armed.spec.pipeline_id,
            trigger_id=armed.spec.trigger_id,
            trigger_version=armed.spec.version,
            symbol=armed.symbol,
            ts_ms=trade.ts_ms,
            decided_ms=decided,
            price=price,
            kind=kind,
            evidence=self._evidence.write(
                armed, trade=trade, health=self._health_text(armed.symbol), decided_recv_ms=moment.recv_ms
            ),
        )

    def _pass_gates(self, armed: ArmedTrigger, kind: FiringKind, decided: int, moment: _Moment) -> None:
        candle = int(self._tables.bi[armed.block, at.I_START, armed.lane])
        session = self._session_at(armed.block, decided)
        firing = self._firing(armed, kind, decided, moment)
        reason = gates.closed_gate(self._tables, armed, decided_ms=decided, candle_ms=candle, session_ms=session)
        if reason is not None:
            self._suppress(armed, reason, firing, moment)
            return
        gates.remember_firing(self._tables, armed, decided_ms=decided, candle_ms=candle, session_ms=session)
        self._found.append((self._key(armed, firing, moment), firing))

    def _suppress(self, armed: ArmedTrigger, reason: SuppressionReason, firing: Firing, moment: _Moment) -> None:
        self._found.append((self._key(armed, firing, moment), Suppression(firing, reason)))

    def _key(self, armed: ArmedTrigger, firing: Firing, moment: _Moment) -> _Key:
        ids = (armed.spec.trigger_id, armed.symbol)
        return (moment.position, moment.mark_ms, firing.decided_ms, *ids, len(self._found))

    def _session_at(self, b: int, ts_ms: int) -> int:
        """Return the open of the block's session at or before a time; of a 24/7 symbol its UTC midnight."""
        off, n = (int(x) for x in self._tables.bi[b, at.I_OF, at.O_CAL_OFF : at.O_CAL_N + 1])
        if n == 0:
            return ts_ms // at.DAY_MS * at.DAY_MS
        opens = self._tables.sessions[off : off + n, 0]
        i = int(np.searchsorted(opens, ts_ms, side="right")) - 1
        return int(opens[i]) if i >= 0 else at.UNSET

    def _output(self) -> Output:
        output = Output()
        self._found.sort(key=lambda found: found[0])
        for _, found in self._found:
            if isinstance(found, Firing):
                output.firings.append(found)
            else:
                output.suppressions.append(found)
        self._closed.sort(key=lambda found: found[0])
        output.candles.extend(candle for _, candle in self._closed)
        self._found.clear()
        self._closed.clear()
        return output

    # ---- time triggers (T33) ----

    def _schedule_from(self, entry: Entry, now: int | None) -> None:
        when = entry.spec.schedule
        if when is not None:
            entry.next_due_ms = None if now is None else schedule.next_after(when.when, now)

    def start_schedules(self, from_ms: int) -> None:
        """Let every schedule count from here: instants at or after `from_ms` fall due (offline tapes)."""
        for entry, when in self._matcher.schedules():
            entry.next_due_ms = schedule.next_after(when.when, from_ms - 1)

    def _fire_schedules(self, feed_ms: int, moment: _Moment, *, first_mark: bool) -> None:
        for entry, when in self._matcher.schedules():
            if first_mark and entry.next_due_ms is None:
                # Armed before any feed time was known: what is due by now is not ours to fire.
                entry.next_due_ms = schedule.next_after(when.when, feed_ms - 1)
            instants: list[int] = []
            while entry.next_due_ms is not None and entry.next_due_ms <= feed_ms:
                instants.append(entry.next_due_ms)
                entry.next_due_ms = schedule.next_after(when.when, entry.next_due_ms)
            for n, instant in enumerate(instants):
                is_missed = feed_ms - instant > when.missed_grace_ms
                is_latest = n == len(instants) - 1
                for _, armed in sorted(entry.rows.items()):
                    self._fire_instant(
                        armed, instant, moment, is_missed=is_missed and (when.missed == "skip" or not is_latest)
                    )

    def _fire_instant(self, armed: ArmedTrigger, instant: int, moment: _Moment, *, is_missed: bool) -> None:
        spec = armed.spec
        if spec.valid_from_ms is not None and instant < spec.valid_from_ms:
            return
        firing = Firing(
            firing_id=firing_id(spec.trigger_id, spec.version, armed.symbol, instant, 0),
            pipeline_id=spec.pipeline_id,
            trigger_id=spec.trigger_id,
            trigger_version=spec.version,
            symbol=armed.symbol,
            ts_ms=instant,
            decided_ms=instant,
            price=self._price_at(armed.symbol, instant),
            kind="time",
            evidence=self._evidence.write(
                armed, trade=None, health=self._health_text(armed.symbol), decided_recv_ms=moment.recv_ms
            ),
        )
        session = self._session_at(armed.block, instant)
        reason: SuppressionReason | None = "missed" if is_missed else None
        if gates.is_expired(self._tables, armed, instant) or reason is None:
            reason = gates.closed_gate(self._tables, armed, decided_ms=instant, candle_ms=at.UNSET, session_ms=session)
        if reason is not None:
            self._suppress(armed, reason, firing, moment)
            return
        gates.remember_firing(self._tables, armed, decided_ms=instant, candle_ms=at.UNSET, session_ms=session)
        self._found.append((self._key(armed, firing, moment), firing))

    def _price_at(self, symbol: str, ts_ms: int) -> float | None:
        """Return the last `price` of any session at or before a time, as far back as the minute before."""
        s = self._candles.ids[symbol]
        row, prices = self._tables.si[s], self._tables.sf[s]
        if at.UNSET < row[at.S_PRICE_TS] <= ts_ms:
            return float(prices[at.SF_PRICE])
        if at.UNSET < row[at.S_PREV_PRICE_TS] <= ts_ms:
            return float(prices[at.SF_PREV_PRICE])
        return None

    # ---- feed health (T20, T21) ----

    def _state_of(self, symbol: str) -> str:
        return self._symbol_health.get(symbol, self._health)

    def _health_text(self, symbol: str) -> str:
        state = self._state_of(symbol)
        return f"{state} gap_ms={self._gap_ms}" if self._gap_ms else state

    def _take_health(self, health: str, by_symbol: dict[str, str], moment: _Moment) -> None:
        reopening = self._reopening()
        if health == self._health and by_symbol == self._symbol_health and not reopening:
            return
        before = {symbol: self._state_of(symbol) for symbol in self._candles.symbols}
        self._health, self._symbol_health = health, by_symbol
        for s, symbol in enumerate(self._candles.symbols):
            row = self._tables.si[s]
            state = self._state_of(symbol)
            if before[symbol] == "halted" and state != "halted":
                row[at.S_REOPEN] = moment.mark_ms + self.config.reopen_wait_ms
            is_unknown = state not in HEALTHY or moment.mark_ms < row[at.S_REOPEN]
            if is_unknown and not row[at.S_UNKNOWN]:
                self._lose(symbol, moment)
            row[at.S_UNKNOWN] = is_unknown

    def _reopening(self) -> bool:
        si = self._tables.si[: self._tables.symbols]
        return bool((si[:, at.S_REOPEN] > 0).any() and (si[:, at.S_UNKNOWN] != 0).any())

    def _lose(self, symbol: str, moment: _Moment) -> None:
        """Make a symbol's expressions UNKNOWN: holds end, and triggers begin anew or remember (T2)."""
        for entry in self._matcher.entries.values():
            armed = entry.rows.get(symbol)
            if armed is None or armed.spec.condition is None:
                continue
            self._cancel_holds([armed], moment.mark_ms, moment)
            if armed.spec.after_gap == "baseline":
                self._matcher.forget(armed)
            else:
                self._tables.gi[armed.row, at.G_GAP] = 1

    # ---- snapshot ----

    def snapshot(self) -> bytes:
        """Return the whole engine but its configuration, versioned and checksummed."""
        mutable = snapshots.Mutable(
            grace_ms=self.config.close_grace_ms,
            is_offline=self.config.is_offline,
            feed_ms=self._feed_ms,
            health=self._health,
            symbol_health=self._symbol_health,
            gap_ms=self._gap_ms,
            closed_until=int(self._cursor[at.C_CLOSED_UNTIL]),
        )
        return snapshots.encode(snapshots.take(self._tables, self._candles, self._matcher, mutable))

    @classmethod
    def restore(cls, data: bytes, config: EngineConfig) -> Engine:
        """Return an engine that goes on where the snapshot was taken.

        Raises:
            InvalidSnapshot: damaged, of another version, or taken with another grace or kind of tape.
        """
        found = snapshots.decode(data)
        if (found.meta.grace_ms, found.meta.is_offline) != (config.close_grace_ms, config.is_offline):
            raise snapshots.InvalidSnapshot("taken with another close_grace_ms or is_offline")
        engine = cls(config)
        snapshots.put_back(found, engine._tables, engine._candles, engine._matcher)
        for session in config.sessions:
            engine._candles.keep(session)
        engine._feed_ms = found.meta.feed_ms
        engine._health, engine._symbol_health = found.meta.health, found.meta.symbol_health
        engine._gap_ms = found.meta.gap_ms
        engine._cursor[at.C_CLOSED_UNTIL] = found.meta.closed_until
        for row, armed in engine._matcher.armed.items():
            if engine._tables.gi[row, at.G_PENDING]:
                engine._pending.setdefault(armed.block, set()).add(row)
        return engine

    # ---- reading ----

    def market(self, symbols: Iterable[str] | None = None) -> list[MarketSnapshot]:
        """Return the market as it stands: last price, forming candles, watched indicator values."""
        reader = MarketReader(self._tables, self._candles, self.config.feed)
        names = self._candles.symbols if symbols is None else symbols
        return [reader.read(name, self._state_of(name)) for name in names if name in self._candles.ids]

    def trigger_states(self) -> list[TriggerState]:
        """Return the state of every trigger on each of its symbols, by trigger id."""
        return read_trigger_states(self._tables, self._candles, self._matcher, self._state_of, self._feed_ms)

    def counters(self) -> dict[str, int]:
        """Return how many trades were applied, late, malformed, and outside every session."""
        si = self._tables.si[: self._tables.symbols]
        names = (("applied", at.S_TRADES), ("late", at.S_LATE), ("malformed", at.S_BAD), ("outside", at.S_OUTSIDE))
        return {name: int(si[:, column].sum()) for name, column in names}

    def next_event_ms(self, symbol: str) -> int:
        """Return the feed time at which a mark would next do something for a symbol (layout.NEVER: none)."""
        s = self._candles.ids[symbol]
        return int(next_due(self._tables.si, self._tables.bi, s, self.config.close_grace_ms))


def _trade_entries(trades: Trades, marks: NDArray[np.int64], symbols: int) -> _Entries:
    if len(trades.symbol) and (trades.symbol.min() < 0 or trades.symbol.max() >= symbols):
        raise ValueError("a trade's symbol id was not given out by Engine.symbol_id")
    order = np.argsort(trades.symbol, kind="stable")
    return _Entries(
        trades.symbol[order],
        trades.ts_ms[order],
        trades.recv_ms[order],
        trades.price[order],
        trades.size[order],
        # The two highest bits are ours (marks).
        trades.flags[order] & np.uint8(7),
        trades.codes[order].view(np.int64),
        marks[order],
        order.astype(np.int64),
    )


def _mark_entries(symbols: NDArray[np.int32], feed_ms: int, *, recv_ms: int, is_offline: bool) -> _Entries:
    n = len(symbols)
    return _Entries(
        symbols.copy(),
        np.full(n, feed_ms, np.int64),
        np.full(n, recv_ms, np.int64),
        np.zeros(n),
        np.zeros(n),
        np.full(n, at.ENTRY_CATCH_UP if is_offline else at.ENTRY_MARK, np.uint8),
        np.zeros(n, np.int64),
        np.full(n, feed_ms if is_offline else -1, np.int64),
        np.zeros(n, np.int64),
    )
