"""The engine: trades, marks, history and trigger changes in; firings, suppressions, closed candles out.

Reads no clock and no network. The live flow, replay and the preview all call this one thing, so they agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine import gates
from engine import layout as at
from engine import snapshot as snapshots
from engine.candles import LANE_OF, Candles, HistoryColumns, SessionCalendars
from engine.condition import Session, Timeframe, TriggerChange, TriggerSpec
from engine.decided import Moment
from engine.decisions import Decisions
from engine.firing import ClosedCandle, HistorySeam
from engine.health import FeedHealth
from engine.indicators.state import CLOSE, HIGH, LOW, OPEN, STARTED, TRADES, VOLUME, VWAP
from engine.kernels import next_due
from engine.market import MarketReader, MarketSnapshot, TriggerState, read_trigger_states
from engine.matcher import Matcher
from engine.news import NewsDesk
from engine.news_item import NewsItem
from engine.output import Output
from engine.runner import Runner
from engine.sessions import EXTENDED, Calendars
from engine.tables import Tables
from engine.timetable import Timetable
from engine.trades import Trades

_CHANGES_AT_ONCE = 8192


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
        self._health = FeedHealth(
            self._tables,
            self._candles,
            reopen_wait_ms=config.reopen_wait_ms,
            health="offline" if config.is_offline else "live",
        )
        self._decisions = Decisions(self._tables, self._candles, self._matcher, self._health, feed=config.feed)
        self._runner = Runner(
            self._tables,
            self._candles,
            self._matcher,
            grace_ms=config.close_grace_ms,
            take_events=self._decisions.take_events,
            take_decisions=self._decisions.take_rows,
        )
        self._timetable = Timetable(self._matcher, self._decisions)
        self._news = NewsDesk()
        self._feed_ms: int | None = None
        self._no_marks: NDArray[np.int64] = np.empty(0, np.int64)
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
        if s == known:
            self._health.add(s)
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
        if len(self._no_marks) < len(trades):
            self._no_marks = np.full(len(trades), -1, np.int64)
        self._runner.trades(trades, self._no_marks[: len(trades)])
        return self._output()

    def play(self, trades: Trades, marks: NDArray[np.int64], *, until_ms: int | None = None) -> Output:
        """Take a batch of an offline tape, `marks` the last mark before each trade (T24), not falling,
        negative before the first.

        Equal to `on_mark` at every multiple of 250 ms between the trades and `on_trades` of each: marks
        that can do nothing cost nothing. On return every symbol is brought up to the mark `until_ms`, by
        default the last of `marks`.
        """
        self._runner.trades(trades, marks)
        if until_ms is None and len(marks) and marks[-1] >= 0:
            until_ms = int(marks[-1])
        if until_ms is not None:
            self._feed_ms = until_ms
            self._runner.mark(until_ms, recv_ms=0, is_offline=True)
            self._runner.close_minutes(until_ms)
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
        is_first = self._feed_ms is None
        self._feed_ms = feed_ms
        moment = Moment(0.0, feed_ms, recv_ms)
        for symbol in self._health.take(health, dict(symbol_health or {}), gap_ms=gap_ms, now_ms=feed_ms):
            self._decisions.lose(symbol, moment)
        self._runner.mark(feed_ms, recv_ms=recv_ms, is_offline=False)
        self._runner.close_minutes(feed_ms)
        self._timetable.fire(feed_ms, moment, is_first=is_first)
        if is_first:
            self._news.begin(feed_ms)
        return self._output()

    def on_news(self, item: NewsItem) -> Output:
        """Take a news item at this place of the log (T34).

        A copy of an item already taken (by id, page or headline, for the same symbol) does nothing, so the same
        record may come twice. Symbols that no trigger names are remembered all the same: a copy is no news.
        """
        moment = Moment(0.0, item.recv_ms, item.recv_ms)
        for hit in self._news.take(item):
            entry = self._matcher.get(hit.trigger_id)
            if entry is not None:
                self._decisions.fire_news(entry.rows[hit.symbol], hit, moment)
        return self._output()

    def start_schedules(self, from_ms: int) -> None:
        """Begin an offline tape: its first mark is not before `from_ms`, instants at or after it fall due (T24)."""
        self._timetable.start(from_ms)
        self._runner.begin_tape(from_ms)

    def next_due_ms(self) -> int | None:
        """Return the feed time of the next scheduled instant of a time trigger, None without any."""
        return self._timetable.next_due_ms()

    def on_history(
        self,
        symbol: str,
        session: Session,
        timeframe: Timeframe,
        source: str,
        columns: HistoryColumns,
        *,
        is_whole: bool = True,
    ) -> Output:
        """Take closed candles from before the live tape: indicators are warm, nothing fires.

        1m candles also complete the forming candles of longer timeframes that began before the first
        trade, unless it is not known that none is missing (`is_whole`). The candles come back as output,
        with their source and its seam, for those who store them.
        """
        self._decisions.write_down()
        b = self._candles.block(self.symbol_id(symbol), session)
        lane = LANE_OF[timeframe]
        until = at.NEVER if self._feed_ms is None else self._feed_ms
        rows, values = self._candles.load(b, lane, columns, until_ms=until)
        ends = self._candles.ends_of(b, lane, rows[:, STARTED])
        if lane == 0 and len(rows):
            # What history has closed does not change either: a trade of its minutes is late (T13, T14).
            symbol_row = self._tables.si[self._candles.ids[symbol]]
            symbol_row[at.S_CLOSED_UNTIL] = max(symbol_row[at.S_CLOSED_UNTIL], ends[-1])
            if is_whole:
                last = self._tables.bi[b, at.I_LAST]
                covered = int(last[at.L_COVER_FROM])
                begun = int(rows[0, STARTED])
                last[at.L_COVER_FROM] = begun if covered == at.UNSET else min(begun, covered)
        if len(rows):
            self._candles.note_closed(b, lane, int(rows[-1, STARTED]))
        self._matcher.reload_closed(b, lane)
        name, kept = self._candles.name_of(b)
        picks = self._candles.picks(b, lane)
        table = np.column_stack(values) if values else np.empty((len(rows), 0))
        seams = dict(zip(columns.ts_ms, columns.seam_ms, strict=False))
        last_end = int(ends[-1]) if len(ends) else 0
        if last_end:
            self._candles.note_seam(b, HistorySeam(timeframe, source, seams.get(int(rows[-1, STARTED]), last_end)))
        output = Output()
        for row, end, found in zip(rows.tolist(), ends.tolist(), table.tolist(), strict=True):
            output.candles.append(
                ClosedCandle(
                    symbol=name,
                    session=kept,
                    timeframe=timeframe,
                    ts_ms=int(row[STARTED]),
                    end_ms=end,
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
                    seam_ms=seams.get(int(row[STARTED]), last_end),
                )
            )
        return output

    def apply(self, changes: Sequence[TriggerChange], *, at_ms: int | None = None) -> Output:
        """Take changes of triggers at this place of the log (T31).

        `set` of the version already in force changes nothing, so a control record may come twice. `at_ms`
        is the event time from which schedules count, by default the last mark.
        """
        now = at_ms if at_ms is not None else self._feed_ms
        self._decisions.write_down()
        for action, some in _runs(changes):
            if action == "set":
                self._set_all([_spec_of(change) for change in some], now)
            else:
                self._change_all(action, [change.trigger_id for change in some], now)
        return self._output()

    def _set_all(self, specs: Sequence[TriggerSpec], now: int | None) -> None:
        known = self._matcher.known([spec.trigger_id for spec in specs])
        if any(known):
            for spec, is_known in zip(specs, known, strict=True):
                if is_known:
                    self._replace(spec, now)
            specs = [spec for spec, is_known in zip(specs, known, strict=True) if not is_known]
        ids = self._candles.ids
        for symbol in [symbol for spec in specs for symbol in spec.symbols if symbol not in ids]:
            self.symbol_id(symbol)
        self._matcher.set_all(specs)
        for spec in specs:
            if spec.condition is None:
                self._begin(spec, now)

    def _replace(self, spec: TriggerSpec, now: int | None) -> None:
        """Put another version of a trigger in force; the one that is goes on, out of pause."""
        known = self._matcher.get(spec.trigger_id)
        if known is None:
            return
        if known.spec == spec:
            if known.is_paused:
                self._change_all("resume", [spec.trigger_id], now)
            return
        memory = {a.symbol: gates.memory_of(self._tables, a) for a in known.rows.values()}
        self._decisions.cancel_holds(known.rows.values(), now, Moment(0.0, -1, 0))
        self._news.disarm(spec.trigger_id)
        self._matcher.remove(spec.trigger_id)
        for symbol in spec.symbols:
            self.symbol_id(symbol)
        for armed in self._matcher.set(spec).rows.values():
            gates.carry_over(self._tables, memory, armed)
        self._begin(spec, now)

    def _begin(self, spec: TriggerSpec, now: int | None) -> None:
        """Let a time or news trigger count from now."""
        entry = self._matcher.get(spec.trigger_id)
        if entry is not None:
            self._timetable.arm(entry, now)
        self._news.arm(spec, now)

    def _change_all(self, action: str, trigger_ids: Sequence[str], now: int | None) -> None:
        """Remove, pause or resume triggers; what is not in force, or already so, is left alone."""
        moment = Moment(0.0, -1, 0)
        known = [name for name, is_known in zip(trigger_ids, self._matcher.known(trigger_ids), strict=True) if is_known]
        if action == "resume":
            paused = self._matcher.resume_all(known)
            for name in paused:
                entry = self._matcher.get(name)
                if entry is not None and entry.spec.condition is None:
                    self._begin(entry.spec, now)
            return
        self._decisions.cancel_holds(self._matcher.held(known), now, moment)
        for name in known:
            self._news.disarm(name)
        if action == "remove":
            self._matcher.remove_all(known)
        else:
            self._matcher.pause_all(known)

    def _output(self) -> Output:
        output = Output(candles=self._runner.take_candles())
        self._decisions.put_into(output)
        return output

    # ---- snapshot ----

    def snapshot(self) -> bytes:
        """Return the whole engine but its configuration, versioned and checksummed."""
        mutable = snapshots.Mutable(
            grace_ms=self.config.close_grace_ms,
            is_offline=self.config.is_offline,
            feed_ms=self._feed_ms,
            health=self._health.health,
            symbol_health=self._health.by_symbol,
            gap_ms=self._health.gap_ms,
            closed_until=self._runner.closed_until,
            dropped=self._runner.dropped,
            news_armed=self._news.armed(),
        )
        return snapshots.encode(
            snapshots.take(self._tables, self._candles, self._matcher, mutable, self._news.memory.as_array())
        )

    @classmethod
    def restore(cls, data: bytes | snapshots.Snapshot, config: EngineConfig) -> Engine:
        """Return an engine that goes on where the snapshot was taken.

        Args:
            data: What `snapshot` gave, or `engine.snapshot.decode` of it, which may be done in another thread.

        Raises:
            InvalidSnapshot: damaged, of another version, or taken with another grace or kind of tape.
        """
        found = snapshots.decode(data) if isinstance(data, bytes) else data
        if (found.meta.grace_ms, found.meta.is_offline) != (config.close_grace_ms, config.is_offline):
            raise snapshots.InvalidSnapshot("taken with another close_grace_ms or is_offline")
        engine = cls(config)
        snapshots.put_back(found, engine._tables, engine._candles, engine._matcher)
        for session in config.sessions:
            engine._candles.keep(session)
        engine._feed_ms = found.meta.feed_ms
        engine._health.health, engine._health.by_symbol = found.meta.health, found.meta.symbol_health
        engine._health.gap_ms = found.meta.gap_ms
        engine._runner.closed_until = found.meta.closed_until
        engine._runner.dropped = found.meta.dropped
        armed = {trigger_id: engine._matcher.get(trigger_id) for trigger_id in found.meta.news_armed}
        specs = {trigger_id: entry.spec for trigger_id, entry in armed.items() if entry is not None}
        engine._news.restore(found.meta.news_armed, specs, snapshots.news_of(found))
        engine._decisions.restore_pending()
        return engine

    # ---- reading ----

    def market(self, symbols: Iterable[str] | None = None) -> list[MarketSnapshot]:
        """Return the market as it stands: last price, forming candles, watched indicator values."""
        reader = MarketReader(self._tables, self._candles, self.config.feed)
        names = self._candles.symbols if symbols is None else symbols
        return [reader.read(name, self._health.state_of(name)) for name in names if name in self._candles.ids]

    def trigger_states(self, trigger_ids: Iterable[str] | None = None) -> list[TriggerState]:
        """Return the state of these triggers (None: of every one) on each of their symbols; of unknown ones nothing."""
        return read_trigger_states(
            self._tables, self._candles, self._matcher, self._health.state_of, self._feed_ms, trigger_ids
        )

    @property
    def feed_ms(self) -> int | None:
        """Feed time of the last mark, None before the first."""
        return self._feed_ms

    def counters(self) -> dict[str, int]:
        """Return what became of all trades: applied, late, outside every session, or not taken, by reason.

        bad_price       not above 0, above 1e15, or NaN
        bad_size        negative, above 1e18, or NaN
        bad_time        before the epoch, or after 2099; named where price and size are right
        no_flags        none of T15's: it may neither set a price nor count in volume
        unknown_symbol  an id that `symbol_id` has not given out
        """
        si = self._tables.si[: self._tables.symbols]
        names = (("applied", at.S_TRADES), ("late", at.S_LATE), ("outside", at.S_OUTSIDE))
        return {name: int(si[:, column].sum()) for name, column in names} | self._runner.dropped

    def news_counters(self) -> dict[str, int]:
        """Return how many news items came (an item counts for each symbol), how many were copies, or dated ahead."""
        return dict(self._news.counters)

    def next_event_ms(self, symbol: str) -> int:
        """Return the feed time at which a mark would next do something for a symbol (layout.NEVER: none)."""
        s = self._candles.ids[symbol]
        return int(next_due(self._tables.si, self._tables.bi, s, self.config.close_grace_ms))


def _spec_of(change: TriggerChange) -> TriggerSpec:
    if change.spec is None:
        raise ValueError(f"set of {change.trigger_id!r} without a spec")
    return change.spec


def _runs(changes: Sequence[TriggerChange]) -> Iterator[tuple[str, Sequence[TriggerChange]]]:
    """Cut changes where the action changes, or a trigger comes again: the parts may be done at once.

    A part is no longer than what the processor's cache holds: each change is looked at more than once.
    """
    for first in range(0, len(changes), _CHANGES_AT_ONCE):
        some = changes[first : first + _CHANGES_AT_ONCE]
        if len({change.trigger_id for change in some}) == len(some) and len({change.action for change in some}) == 1:
            yield some[0].action, some
            continue
        begin, action = 0, ""
        seen: set[str] = set()
        for n, change in enumerate(some):
            if change.action != action or change.trigger_id in seen:
                if n > begin:
                    yield action, some[begin:n]
                begin, action = n, change.action
                seen.clear()
            seen.add(change.trigger_id)
        yield action, some[begin:]
